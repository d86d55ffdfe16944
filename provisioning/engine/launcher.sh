# Runs one attempt on its own: only_if, probe, apply, verify. $1 is its folder.
# With a file `dry` it only looks: a preview takes the place of apply.
cd "$1" || exit 1
mkdir running 2>/dev/null || exit 0
umask 077
exec </dev/null >>output 2>&1
dir=$1
stat=$(cat /proc/$$/stat)
set -- ${stat##*) }
echo "$$ ${20}" >pid.new && mv pid.new pid

phase() {
    echo "==> $1"
    (
        umask 022
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            HOME=/root LC_ALL=C STEP_DIR="$dir" /bin/sh "$dir/$1"
    )
}

# CODE OUTCOME [PHASE]: the status is there complete or not at all, also after a power cut
finish() {
    rm -rf files
    echo "$@" >exit.new
    sync output exit.new 2>/dev/null || sync
    mv exit.new exit
    sync . 2>/dev/null
    exit 0
}

# CODE PHASE: fail, and show what the service that this is about says itself
give_up() {
    if [ -s unit ] && command -v journalctl >/dev/null; then
        echo "==> journal"
        timeout 10 journalctl --unit "$(cat unit)" --lines 20 --no-pager
    fi
    finish "$1" failed "$2"
}

if [ -s only_if ]; then
    phase only_if || finish 0 skipped
fi
if [ -s probe ]; then
    phase probe
    code=$?
    case $code in
        0) finish 0 ok ;;
        10) ;;
        # A dry run looks at what earlier steps have not made yet.
        *) [ -e dry ] || give_up $code probe ;;
    esac
fi
if [ -e dry ]; then
    if [ -s preview ]; then phase preview; fi
    finish 0 changed
fi
if [ -e ask ]; then finish 0 asks; fi
outcome=ok
if [ -s apply ]; then
    phase apply || give_up $? apply
    outcome=changed
fi
if [ -s verify ]; then
    phase verify || give_up $? verify
fi
finish 0 $outcome
