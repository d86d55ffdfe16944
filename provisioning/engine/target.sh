# What the resident shell knows; VP_BASE, VP_STARTER, VP_LAUNCHER, VP_PATIENCE and VP_TODAY are set before. Every function is
# called in a subshell of its own. It does by redirections and `read` what else would need a process:
# those are most of what a short step takes.
# The folder of an attempt, taken once by mkdir, is the truth about it:
#   boot begun      boot id, and uptime when it was taken or began
#   chain           name of the first folder, where several are carried out one after the other
#   seen            in that one: uptime when a driver asked last; without one nothing new begins
#   probe apply verify files/
#   running         taken by whoever runs it, or forbids it to
#   pid             process (and group) of the launcher, and its start time in ticks
#   output          what the phases print
#   register        what it found out for later steps, if anything
#   room            keeps space on the disk for the exit status
#   exit            exit status, outcome, phase: in one write, then synced
# Answers by exit status: 73 taken already, 74 cannot, 75 busy, 77 a newer driver was here.

vp_lock() {
    umask 077
    [ -d "$VP_BASE/runs" ] && [ -d "$VP_BASE/steps" ] || mkdir -p "$VP_BASE/runs" "$VP_BASE/steps" || return 74
    exec 9>"$VP_BASE/lock" || return 74
    flock -w 20 9 || { echo "$VP_BASE/lock is held by another process"; return 75; }
}

# RUN EPOCH: refuse a driver that is older than one that was here
vp_fence() {
    seen=0
    if [ -s "$VP_BASE/runs/$1" ]; then read -r seen <"$VP_BASE/runs/$1"; fi
    [ "$seen" -le "$2" ] || return 77
    [ "$seen" -eq "$2" ] && return 0
    echo "$2" >"$VP_BASE/runs/$1.new" && mv -f "$VP_BASE/runs/$1.new" "$VP_BASE/runs/$1" || vp_cannot
}

# Say it where the disk is full, for the shell's own commands have no words for that
vp_cannot() {
    free=$(df -Pk "$VP_BASE" | { read -r _; read -r _ _ _ free _; echo "$free"; })
    [ "${free:-9}" -gt 8 ] || echo "$VP_BASE: No space left on device"
    return 74
}

# RUN EPOCH: announce a driver
vp_hello() {
    vp_lock || return
    vp_fence "$1" "$2"
}

# Have the launcher (printed by vp_launcher); once a day, what is a month old goes
vp_equip() {
    [ -s "$VP_LAUNCHER" ] || { vp_launcher >"$VP_LAUNCHER.new" && mv -f "$VP_LAUNCHER.new" "$VP_LAUNCHER"; } || return
    swept=''
    if [ -e "$VP_BASE/swept" ]; then read -r swept <"$VP_BASE/swept"; fi
    [ "$swept" != "$VP_TODAY" ] || return 0
    echo "$VP_TODAY" >"$VP_BASE/swept" || return
    [ -z "$swept" ] || find "$VP_BASE/steps" "$VP_BASE/runs" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +
}

# RUN EPOCH ATTEMPT...: take the folders, fill them (by vp_files) and start, once
vp_begin() {
    vp_lock || return
    vp_fence "$1" "$2" || return
    shift 2
    cd "$VP_BASE/steps" || return 74
    [ ! -d "$1" ] || return 73
    mkdir "$@" && vp_equip && read -r boot </proc/sys/kernel/random/boot_id && vp_uptime && vp_fill "$@" || {
        vp_cannot
        cd "$VP_BASE/steps" && rm -rf "$@"
        return 74
    }
    vp_start "$@"
}

# ATTEMPT...: write what belongs into the folders
vp_fill() {
    head=$1
    for name; do
        cd "$VP_BASE/steps/$name" && echo "$boot" >boot && echo "$uptime" >begun && printf '%4096s' '' >room && vp_files "$name" || return
        [ $# -eq 1 ] || echo "$head" >chain || return
    done
    echo "$uptime" >"$VP_BASE/steps/$head/seen"
}

# ATTEMPT...: start the launcher of these folders, detached; its arguments hold no secret
vp_start() {
    unit=voipadmin-step-$1
    set -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        /bin/sh "$VP_LAUNCHER" "$VP_BASE/steps" "$VP_PATIENCE" "$@"
    if [ "$VP_STARTER" != setsid ] && [ -d /run/systemd/system ]; then
        systemd-run --quiet --unit="$unit" "$@" 9>&- && return 0
    fi
    # Where systemd-run failed after all having started it, `running` keeps the second one out.
    setsid "$@" </dev/null >/dev/null 2>&1 9>&- &
}

# Tell whether the attempt of the current folder runs, or is to run; sets why where it does not
vp_alive() {
    holder=.
    [ -e running ] || [ ! -s chain ] || { read -r holder <chain && holder=../$holder; }
    why=restarted
    was='' is=''
    [ -e boot ] && read -r was <boot
    read -r is </proc/sys/kernel/random/boot_id
    [ -n "$was" ] && [ "$was" = "$is" ] || return 1
    why=vanished
    # The launcher writes its pid a moment after it was started.
    [ -s "$holder/pid" ] || { [ "$elapsed" -lt 15 ]; return; }
    read -r pid start <"$holder/pid"
    { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 1
    set -- ${stat##*) }
    [ "${1:-Z}" != Z ] && [ "${20:-}" = "$start" ]
}

# Set uptime, whole seconds
vp_uptime() {
    read -r uptime rest </proc/uptime
    uptime=${uptime%.*}
}

# Set elapsed, seconds since the folder was taken; nothing after a restart
vp_elapsed() {
    begun='' elapsed=0
    if [ -e begun ]; then read -r begun <begun; fi
    vp_uptime
    if [ -n "$begun" ] && [ "$uptime" -gt "$begun" ]; then elapsed=$((uptime - begun)); fi
}

# Say how the attempt of the current folder stands: set state, elapsed, code, outcome and phase
vp_stand() {
    state=running
    vp_elapsed
    if [ -s chain ]; then read -r head <chain && echo "$uptime" >"../$head/seen"; fi
    if [ ! -s exit ] && ! vp_alive && [ ! -s exit ]; then state=$why; fi
    if [ -s exit ]; then
        state=ended
        read -r code outcome phase <exit
        [ "$outcome" != unbegun ] || state=unbegun
    elif [ -s chain ] && [ ! -e running ]; then
        # It has not begun, and will not where the launcher is gone.
        if [ "$state" = running ]; then state=waiting elapsed=0; else state=unbegun; fi
    fi
}

# ATTEMPT OFFSET [ATTEMPT...]: print "state elapsed code outcome phase bytes" for each, up to the first
# that has not ended: a line each, then an empty one, then so many bytes of output of each, from the
# offset on for the first. Of the last it may not be known how many come (-): 64 KiB at most.
vp_poll() {
    first=$1 offset=$2 stands='' whole='' files='' last=''
    shift 2
    for name in "$first" "$@"; do
        state=absent elapsed=0 code=0 outcome=- phase=- kind=none
        if cd "$VP_BASE/steps/$name" 2>/dev/null; then vp_stand; fi
        # Looked at after the state: what has ended prints nothing more.
        if [ "$state" != absent ] && [ -s output ]; then
            kind=rest
            if [ "$state" = ended ] && { [ "$name" != "$first" ] || [ "$offset" -eq 0 ]; }; then kind=whole whole="$whole $name/output"; fi
        fi
        stands="$stands $name/$kind/$state,$elapsed,$code,$outcome,${phase:--}"
        [ "$state" = ended ] && [ "$kind" != rest ] || break
    done
    cd "$VP_BASE/steps" || return 74
    # shellcheck disable=SC2046,SC2086 # names of folders and numbers, without blanks
    set -- $([ -z "$whole" ] || wc -c $whole)
    for stand in $stands; do
        name=${stand%%/*} kind=${stand#*/} size=0
        case $kind in
            rest/*) size=- ;;
            whole/*)
                size=$1
                shift 2
                [ "$size" -le 65536 ] || size=-
                ;;
        esac
        IFS=,
        # shellcheck disable=SC2086 # one word for each of its parts
        echo ${kind#*/} "$size"
        unset IFS
        if [ "$size" = - ]; then last=$name && break; fi
        [ "$size" -eq 0 ] || files="$files $name/output"
    done
    echo
    # shellcheck disable=SC2086 # names of folders, without blanks
    [ -z "$files" ] || cat $files
    [ "$last" = "$first" ] || offset=0
    [ -z "$last" ] || dd if="$last/output" iflag=skip_bytes skip="$offset" bs=65536 count=1 status=none 2>/dev/null
    return 0
}

# ATTEMPT: print what it found out for later steps
vp_registered() {
    cd "$VP_BASE/steps/$1" 2>/dev/null && [ -e register ] || return 0
    [ "$(wc -c <register)" -le 4096 ] || { echo "what it registers is longer than 4096 bytes"; return 74; }
    cat register
}

# RUN EPOCH ATTEMPT...: forbid those that have not begun to begin, and print their names
vp_withdraw() {
    vp_lock || return
    vp_fence "$1" "$2" || return
    shift 2
    set -C
    for name; do
        dir=$VP_BASE/steps/$name
        [ -d "$dir" ] || mkdir "$dir" || return 74
        if { echo withdrawn >"$dir/running"; } 2>/dev/null; then
            rm -rf "$dir/files"
            echo "0 unbegun -" >"$dir/exit" || return 74
        fi
        read -r was <"$dir/running"
        [ "$was" != withdrawn ] || echo "$name"
    done
}

# RUN EPOCH ATTEMPT WORD: end it, and let it never start; WORD says why
vp_cancel() {
    vp_lock || return
    vp_fence "$1" "$2" || return
    dir=$VP_BASE/steps/$3
    mkdir "$dir" 2>/dev/null
    cd "$dir" || return 74
    [ -s exit ] && return 0
    vp_elapsed
    set -C
    if ! { echo cancel >running; } 2>/dev/null; then
        n=0
        while [ ! -s pid ] && [ "$n" -lt 20 ]; do n=$((n + 1)); sleep 0.1; done
        if [ -s pid ] && vp_alive; then vp_kill "$pid"; fi
    fi
    set +C
    unit=voipadmin-step-$3.service
    if [ -s chain ]; then read -r head <chain && unit=voipadmin-step-$head.service; fi
    if [ -d /run/systemd/system ]; then
        systemctl stop "$unit"
        systemctl reset-failed "$unit"
    fi >/dev/null 2>&1
    rm -rf files
    [ -s exit ] && return 0
    echo "137 failed $4" >exit.new && mv exit.new exit
}

# GROUP: ask it to end, then end it
vp_kill() {
    kill -s TERM -- "-$1" 2>/dev/null
    n=0
    while kill -s 0 -- "-$1" 2>/dev/null && [ "$n" -lt 50 ]; do n=$((n + 1)); sleep 0.1; done
    kill -s KILL -- "-$1" 2>/dev/null
    return 0
}
