# What the resident shell knows; VP_BASE and VP_STARTER are set before. Every function is called in
# a subshell of its own. The folder of an attempt, taken once by mkdir, is the truth about it:
#   boot begun      boot id and time when it was taken
#   probe apply verify launcher files/
#   running         taken by whoever runs it, or forbids it to
#   pid             process (and group) of the launcher, and its start time in ticks
#   output          what the phases print
#   register        what it found out for later steps, if anything
#   exit            exit status, outcome, phase: written, synced, renamed
# Answers by exit status: 73 taken already, 74 cannot, 75 busy, 77 a newer driver was here.

vp_lock() {
    umask 077
    mkdir -p "$VP_BASE/runs" "$VP_BASE/steps" || return 74
    exec 9>"$VP_BASE/lock" || return 74
    flock -w 20 9 || { echo "$VP_BASE/lock is held by another process"; return 75; }
}

# RUN EPOCH: refuse a driver that is older than one that was here
vp_fence() {
    seen=0
    if [ -s "$VP_BASE/runs/$1" ]; then read -r seen <"$VP_BASE/runs/$1"; fi
    [ "$seen" -le "$2" ] || return 77
    [ "$seen" -eq "$2" ] && return 0
    echo "$2" >"$VP_BASE/runs/$1.new" && mv -f "$VP_BASE/runs/$1.new" "$VP_BASE/runs/$1" || return 74
}

# RUN EPOCH: announce a driver; what is a month old goes
vp_hello() {
    vp_lock || return
    vp_fence "$1" "$2" || return
    find "$VP_BASE/steps" "$VP_BASE/runs" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} +
}

# RUN EPOCH ATTEMPT: take the folder, fill it (by vp_files) and start, once
vp_begin() {
    vp_lock || return
    vp_fence "$1" "$2" || return
    dir=$VP_BASE/steps/$3
    mkdir "$dir" 2>/dev/null || { [ -d "$dir" ] && return 73; mkdir "$dir"; return 74; }
    cd "$dir" || return 74
    { mkdir files && cat /proc/sys/kernel/random/boot_id >boot && date +%s >begun && vp_files; } || {
        cd / && rm -rf "$dir"
        return 74
    }
    vp_start "$3"
}

# ATTEMPT: start the launcher of the current folder, detached; its arguments hold no secret
vp_start() {
    if [ "$VP_STARTER" != setsid ] && [ -d /run/systemd/system ]; then
        systemd-run --quiet --unit="voipadmin-step-$1" /bin/sh "$PWD/launcher" "$PWD" 9>&- && return 0
    fi
    # Where systemd-run failed after all having started it, `running` keeps the second one out.
    setsid /bin/sh "$PWD/launcher" "$PWD" </dev/null >/dev/null 2>&1 9>&- &
}

# Tell whether the attempt of the current folder runs; sets why where it does not
vp_alive() {
    why=restarted
    [ -s boot ] && [ "$(cat boot)" = "$(cat /proc/sys/kernel/random/boot_id)" ] || return 1
    why=vanished
    # The launcher writes its pid a moment after it was started.
    [ -s pid ] || { [ "$elapsed" -lt 15 ]; return; }
    read -r pid start <pid
    [ -r "/proc/$pid/stat" ] || return 1
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
    set -- ${stat##*) }
    [ "${1:-Z}" != Z ] && [ "${20:-}" = "$start" ]
}

# Set elapsed, seconds since the folder was taken
vp_elapsed() {
    elapsed=0
    if [ -s begun ]; then elapsed=$(($(date +%s) - $(cat begun))); fi
}

# ATTEMPT OFFSET: print "state elapsed size code outcome phase", then the output from there on
vp_poll() {
    cd "$VP_BASE/steps/$1" 2>/dev/null || { echo "absent 0 0 0 - -"; return 0; }
    code=0 outcome=- phase=- state=running
    vp_elapsed
    if [ ! -s exit ] && ! vp_alive "$1" && [ ! -s exit ]; then state=$why; fi
    if [ -s exit ]; then
        state=ended
        read -r code outcome phase <exit
    fi
    size=0
    if [ -e output ]; then size=$(($(wc -c <output))); fi
    echo "$state $elapsed $size $code $outcome ${phase:--}"
    if [ "$size" -gt "$2" ]; then tail -c "+$(($2 + 1))" output | head -c 65536; fi
}

# ATTEMPT: print what it found out for later steps
vp_registered() {
    cd "$VP_BASE/steps/$1" 2>/dev/null && [ -e register ] || return 0
    [ "$(wc -c <register)" -le 4096 ] || { echo "what it registers is longer than 4096 bytes"; return 74; }
    cat register
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
    if ! mkdir running 2>/dev/null; then
        n=0
        while [ ! -s pid ] && [ "$n" -lt 20 ]; do n=$((n + 1)); sleep 0.1; done
        if [ -s pid ] && vp_alive "$3"; then vp_kill "$pid"; fi
    fi
    if [ -d /run/systemd/system ]; then
        systemctl stop "voipadmin-step-$3.service"
        systemctl reset-failed "voipadmin-step-$3.service"
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
