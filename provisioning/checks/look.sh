# What one visit finds out of a machine: a line per fact, its words between tabs. POSIX sh, as root.
# NAMES, URLS, PLACES and TRACES are lists between blanks, set before. Nothing is changed; what is
# fetched goes to a temporary folder that is removed. What cannot be found out is said as a fault.
tab=$(printf '\t')
say() {
    line=$1; shift
    for word; do line="$line$tab$word"; done
    printf '%s\n' "$line"
}
fault() { say fault "$1" "$(printf '%s' "$2" | tr '\n\t' '  ' | cut -c1-400)"; }
has() { command -v "$1" >/dev/null 2>&1; }
# limited SECONDS COMMAND...: where there is no timeout, the visit's own has to do.
limited() {
    seconds=$1; shift
    if has timeout; then timeout "$seconds" "$@"; else "$@"; fi
}

look_system() {
    say user "$(id -u)" "$(id -un)"
    [ -r /etc/os-release ] || { fault system "There is no /etc/os-release."; return; }
    ID= VERSION_ID=
    . /etc/os-release
    # Enterprise Linux 7 says 7 there, and 7.9 only here.
    finer=$(sed -n 's/.*release \([0-9][0-9.]*\).*/\1/p' /etc/redhat-release 2>/dev/null | cut -d. -f1,2)
    case "$finer" in "$VERSION_ID".*) VERSION_ID=$finer ;; esac
    say system "$ID" "$VERSION_ID" "$(uname -m)"
    has systemd-detect-virt && say inside "$(systemd-detect-virt -c)"
    say cpus "$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)"
    say memory "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
}

look_disks() {
    if ! has lsblk; then fault disks "There is no lsblk: install util-linux."; return; fi
    said=$(lsblk -b -n -P -o NAME,PKNAME,TYPE,SIZE,ROTA,FSTYPE,MOUNTPOINT 2>&1) || {
        fault disks "lsblk: $said"; return
    }
    printf '%s\n' "$said" | while IFS= read -r line; do say block "$line"; done
    for path in / $PLACES; do
        there=$path
        while [ ! -e "$there" ]; do there=$(dirname "$there"); done
        set -- $(df -P -k "$there" 2>/dev/null | sed -n 2p)
        [ $# -ge 6 ] && say place "$path" "$1" "$2" "$4" "$6" || fault disks "df says nothing of $there."
    done
}

look_network() {
    if has ip; then
        ip -o addr show | while read -r _ interface family address _; do
            case $family in inet | inet6) say address "$interface" "$address" ;; esac
        done
    else
        fault addresses "There is no ip: install iproute2."
    fi
    if has ss; then
        ss -lntup 2>/dev/null | sed 1d | while read -r line; do say listens "$line"; done
    else
        fault listeners "There is no ss: install iproute2."
    fi
    if ! has getent; then fault names "There is no getent."; return; fi
    for name in $NAMES; do
        (say name "$name" "$(limited 8 getent ahosts "$name" | awk '{print $1}' | sort -u | tr '\n' ' ')") &
    done
    wait
    sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf 2>/dev/null | while read -r server _; do
        say nameserver "$server"
    done
}

look_time() {
    if has timedatectl; then
        synchronised=$(limited 8 timedatectl show -p NTPSynchronized --value 2>/dev/null) ||
            synchronised=$(limited 8 timedatectl 2>/dev/null | sed -n 's/.*synchronized: *//p')
        if [ -n "$synchronised" ]; then say synchronised "$synchronised"
        else fault time "timedatectl does not say whether the clock is synchronised."; fi
    else
        fault time "There is no timedatectl to ask."
    fi
    for unit in systemd-timesyncd chrony chronyd ntp ntpd ntpsec openntpd; do
        systemctl is-active -q "$unit" 2>/dev/null && say timeservice "$unit"
    done
    cat /etc/systemd/timesyncd.conf /etc/chrony.conf /etc/chrony/chrony.conf \
        /etc/chrony/sources.d/*.sources /etc/ntp.conf 2>/dev/null |
        sed -n -e 's/^NTP=//p' -e 's/^\(server\|pool\) *\([^ ]*\).*/\2/p' |
        tr ' ' '\n' | sort -u | while read -r server; do
            [ -n "$server" ] && say timeserver "$server"
        done
}

fetch() {
    case $1 in
        file:*)
            path=$(printf '%s' "$1" | sed 's,^file:/*,/,')
            # A folder without InRelease is a repository too, of a simpler kind.
            [ -d "${path%/*}" ] && say fetched "$1" ok || say fetched "$1" failed "There is no ${path%/*}."
            return ;;
    esac
    if [ -x /usr/lib/apt/apt-helper ]; then
        said=$(limited 25 /usr/lib/apt/apt-helper download-file "$1" "$folder/$2" 2>&1) && {
            say fetched "$1" ok; return
        }
        said=$(printf '%s\n' "$said" | grep '^E' | tail -n 2)
    elif has curl; then
        said=$(curl -sS -o /dev/null -w '%{http_code}' --max-time 25 -L "$1" 2>&1) && {
            say fetched "$1" ok "$said"; return
        }
    elif has wget; then
        said=$(wget -q -O /dev/null -T 20 -t 1 "$1" 2>&1) && { say fetched "$1" ok; return; }
    else
        say fetched "$1" unknown "There is neither apt-helper nor curl nor wget."; return
    fi
    say fetched "$1" failed "$(printf '%s' "${said:-No answer in 25 s.}" | tr '\n\t' '  ' | cut -c1-300)"
}

look_repositories() {
    folder=$(mktemp -d) || { fault repositories "No temporary folder could be made."; return; }
    known=
    if has apt-get; then
        known=$(apt-get --print-uris update 2>/dev/null | sed -n "s/^'\([^']*\)'.*/\1/p" | grep 'InRelease$')
        [ -n "$known" ] || fault repositories "apt knows no repository."
    elif has dnf || has yum; then
        manager=$(command -v dnf || command -v yum)
        if said=$(limited 90 "$manager" -q makecache 2>&1); then say fetched "repositories of $manager" ok
        else say fetched "repositories of $manager" failed "$(printf '%s' "$said" | tail -n 1)"; fi
    else
        fault repositories "There is neither apt nor dnf nor yum."
    fi
    number=0
    for url in $known $URLS; do
        number=$((number + 1))
        (fetch "$url" "$number") &
    done
    wait
    rm -rf "$folder"
}

look_traces() {
    for file in /proc/[0-9]*/comm; do cat "$file" 2>/dev/null; done | sort -u | while read -r name; do
        say process "$name"
    done
    for trace in $TRACES; do
        for path in $trace; do [ -e "$path" ] && say trace "$path"; done
    done
}

look_system
look_disks
look_network
look_time
look_repositories
look_traces
say end
