# Runs one attempt on its own: only_if, probe, apply, verify. $1 is its folder.
# With a file `dry` it only looks: a preview takes the place of apply.
# A process costs a millisecond, most of what a short step takes: hence redirections and `read`.
cd "$1" || exit 1
umask 077
# Fails where the file is there: as good as mkdir, and needs no process.
set -C
{ echo $$ >running; } 2>/dev/null || exit 0
set +C
exec </dev/null >>output 2>&1
export STEP_DIR="$1"
read -r vp_stat </proc/$$/stat
set -- ${vp_stat##*) }
echo "$$ ${20}" >pid
vp_code=0

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

# CODE OUTCOME [PHASE]: one write, so that nobody reads half of it; synced for a power cut
vp_finish() {
    if [ -d files ]; then rm -rf files; fi
    # Without space, some of what was printed is missing: nobody shall take that for well.
    { printf '%4096s' '' >>room; } 2>/dev/null || set -- 28 failed full
    : >room
    echo "$@" >exit
    exec sync output exit .
}

# CODE PHASE: fail, and show what the service that this is about says itself
vp_give_up() {
    if [ -s unit ] && command -v journalctl >/dev/null; then
        echo "==> journal"
        timeout 10 journalctl --unit "$(cat unit)" --lines 20 --no-pager
    fi
    vp_finish "$1" failed "$2"
}

if [ -s only_if ]; then
    vp_phase only_if
    [ "$vp_code" -eq 0 ] || vp_finish 0 skipped
fi
if [ -s probe ]; then
    vp_phase probe
    case $vp_code in
        0) vp_finish 0 ok ;;
        10) ;;
        # A dry run looks at what earlier steps have not made yet.
        *) [ -e dry ] || vp_give_up "$vp_code" probe ;;
    esac
fi
if [ -e dry ]; then
    if [ -s preview ]; then vp_phase preview; fi
    vp_finish 0 changed
fi
if [ -e ask ]; then vp_finish 0 asks; fi
vp_outcome=ok
if [ -s apply ]; then
    vp_phase apply
    [ "$vp_code" -eq 0 ] || vp_give_up "$vp_code" apply
    vp_outcome=changed
fi
if [ -s verify ]; then
    vp_phase verify
    [ "$vp_code" -eq 0 ] || vp_give_up "$vp_code" verify
fi
vp_finish 0 "$vp_outcome"
