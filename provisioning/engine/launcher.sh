# Runs one attempt on its own: probe, apply, verify. $1 is its folder.
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

if [ -s probe ]; then
    phase probe
    code=$?
    case $code in
        0) finish 0 ok ;;
        10) ;;
        *) finish $code failed probe ;;
    esac
fi
if [ -e ask ]; then finish 0 asks; fi
outcome=ok
if [ -s apply ]; then
    phase apply || finish $? failed apply
    outcome=changed
fi
if [ -s verify ]; then
    phase verify || finish $? failed verify
fi
finish 0 $outcome
