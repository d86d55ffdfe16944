# Carries out attempts, one after the other, each on its own: only_if, probe, apply, verify. The first
# that does not go well is the last. $1 is where their folders are, $2 for how many seconds nobody need
# have asked how it goes: without a driver nothing new begins. Then come the folders' names.
# With a file `dry` an attempt only looks: a preview takes the place of apply.
# A process costs a millisecond, most of what a short step takes: hence redirections and `read`.
umask 077
exec </dev/null
export STEP_DIR
vp_steps=$1 vp_patience=$2
shift 2
vp_head=$1 vp_unsynced=''

# PHASE: run a script, set vp_code. Its `set -e` would be without effect behind && or || or if.
vp_phase() {
    echo "==> $1"
    (
        umask 022
        vp_name=$1
        set --
        . "$STEP_DIR/$vp_name"
    )
    vp_code=$?
}

# CODE OUTCOME [PHASE]: one write, so that nobody reads half of it
vp_finish() {
    if [ -d files ]; then rm -rf files; fi
    # Without space, some of what was printed is missing: nobody shall take that for well.
    { printf '%4096s' '' >>room; } 2>/dev/null || set -- 28 failed full
    : >room
    echo "$@" >exit
    vp_outcome=$2
}

# CODE PHASE: fail, and show what the service that this is about says itself
vp_give_up() {
    if [ -s unit ] && command -v journalctl >/dev/null; then
        echo "==> journal"
        timeout 10 journalctl --unit "$(cat unit)" --lines 20 --no-pager
    fi
    vp_finish "$1" failed "$2"
}

# Set vp_now, whole seconds since the start of the machine
vp_look_at_clock() {
    read -r vp_now vp_rest </proc/uptime
    vp_now=${vp_now%.*}
}

# NAME: take its folder, if nobody else has and somebody still asks
vp_take() {
    STEP_DIR=$vp_steps/$1
    cd "$STEP_DIR" || return
    vp_look_at_clock
    if [ "$1" != "$vp_head" ]; then
        read -r vp_seen <"$vp_steps/$vp_head/seen"
        # Nothing is there while it is written.
        [ $((vp_now - ${vp_seen:-$vp_now})) -le "$vp_patience" ] || return
    fi
    # Its time counts from now; whoever sees `running` shall see that.
    vp_begun=$vp_now
    echo "$vp_begun" >begun
    # Fails where the file is there: as good as mkdir, and needs no process.
    set -C
    { echo $$ >running; } 2>/dev/null || return
    set +C
    exec >>output 2>&1
    echo "$vp_self" >pid
}

# Do the phases of the current folder, set vp_outcome
vp_attempt() {
    if [ -s only_if ]; then
        vp_phase only_if
        [ "$vp_code" -eq 0 ] || { vp_finish 0 skipped; return; }
    fi
    if [ -s probe ]; then
        vp_phase probe
        case $vp_code in
            0) vp_finish 0 ok; return ;;
            10) ;;
            # A dry run looks at what earlier steps have not made yet.
            *) [ -e dry ] || { vp_give_up "$vp_code" probe; return; } ;;
        esac
    fi
    if [ -e dry ]; then
        if [ -s preview ]; then vp_phase preview; fi
        vp_finish 0 changed
        return
    fi
    if [ -e ask ]; then vp_finish 0 asks; return; fi
    vp_done=ok
    if [ -s apply ]; then
        vp_phase apply
        [ "$vp_code" -eq 0 ] || { vp_give_up "$vp_code" apply; return; }
        vp_done=changed
    fi
    if [ -s verify ]; then
        vp_phase verify
        [ "$vp_code" -eq 0 ] || { vp_give_up "$vp_code" verify; return; }
    fi
    vp_finish 0 "$vp_done"
}

# exec or command: have what ended survive a power cut
vp_sync() {
    cd "$vp_steps" || exit 1
    # shellcheck disable=SC2086 # names of folders, without blanks
    $1 sync $vp_unsynced
    vp_unsynced=''
}

# Set vp_self: the process and its start time in ticks
vp_know_self() {
    read -r vp_self </proc/$$/stat
    set -- ${vp_self##*) }
    vp_self="$$ ${20}"
}

vp_know_self
for vp_name; do
    vp_take "$vp_name" || break
    vp_attempt
    vp_unsynced="$vp_unsynced $vp_name/output $vp_name/exit $vp_name"
    vp_look_at_clock
    # What was quick is probed as quickly again: it may wait for the others.
    [ "$((vp_now - vp_begun))" -lt 2 ] || vp_sync command
    case $vp_outcome in
        ok | changed | skipped) ;;
        *) break ;;
    esac
done
[ -z "$vp_unsynced" ] || vp_sync exec
