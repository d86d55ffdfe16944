#!/bin/sh
# Takes a server out of the balancing without losing a request, or takes it in again.
#
#   voipadmin-drain NODE [SECONDS]   no new requests; returns when the last one has ended (60)
#   voipadmin-drain --ready NODE     takes new requests again
#   voipadmin-drain --show           every server with its state and open sessions
#
# Exit status 1: sessions were still open after SECONDS (it stays drained); 2: there is no such server.
# Run it on every balancer. A reload of HAProxy keeps it, a restart forgets it.
set -eu
socket=/run/haproxy/admin.sock

admin() { echo "$1" | socat -t 5 - "UNIX-CONNECT:$socket"; }
# Columns of the statistics: backend, server, open sessions, state.
servers() { admin "show stat -1 4 -1" | awk -F, '!/^#/ && NF { print $1, $2, $5, $18 }'; }
backends() { servers | awk -v node="$1" '$2 == node { print $1 }'; }
open_sessions() { servers | awk -v node="$1" '$2 == node { sum += $3 } END { print sum + 0 }'; }
set_state() {
    found=$(backends "$1")
    [ -n "$found" ] || { echo "No backend has a server $1." >&2; exit 2; }
    for backend in $found; do admin "set server $backend/$1 state $2" | grep . >&2 || true; done
}

case ${1-} in
    --show) servers ;;
    --ready) set_state "$2" ready && echo "$2 takes requests again." ;;
    '' | -*) sed -n 's/^# \{0,1\}//; 2,10p' "$0" >&2; exit 2 ;;
    *)
        set_state "$1" drain
        deadline=$(($(date +%s) + ${2:-60}))
        while [ "$(open_sessions "$1")" -gt 0 ]; do
            if [ "$(date +%s)" -ge "$deadline" ]; then
                echo "$1 still has $(open_sessions "$1") open sessions; it stays drained." >&2
                exit 1
            fi
            sleep 0.5
        done
        echo "$1 is drained."
        ;;
esac
