#!/bin/bash
# boot.sh HOST ROOT RUNS REPO STANDINS CGROUP2 PRIVATE PUBLIC INIT: run a host's systemd until it is powered off; again when it reboots.
# With INIT=sshd the host has no systemd: its first process only reaps the dead, its second is the SSH server.
# Run as the first process of the host's control group, in a mount namespace of its own.
set -uo pipefail
host=$1 root=$2 runs=$3 repo=$4 standins=$5 cgroup2=$6 private=$7 public=$8
start=(--boot) command=()
[ "$9" = systemd ] || { start=(--as-pid2) command=(/bin/sh -c 'mkdir -p /run/sshd && exec /usr/sbin/sshd -D'); }
trap '' HUP

# systemd-nspawn looks for version 2 in one place only; in the hybrid layout it is mounted elsewhere.
[ "$cgroup2" = /sys/fs/cgroup ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup

# This namespace copied the mounts of all other hosts; let go of them, or they would outlive those hosts.
findmnt -rno TARGET | grep -E "^($runs/.*/root|/run/netns/.+)$" | grep -vxF -e "$root" -e "/run/netns/$host" |
    xargs -r -n1 umount -l

# What a real reboot loses because it lived in the kernel: rules, extra links, addresses, routes.
reset_network() {
    nsenter --net="/run/netns/$host" nft flush ruleset
    ip -n "$host" -br link | cut -d' ' -f1 | cut -d@ -f1 | grep -vxE 'lo|eth0|eth1' |
        xargs -r -n1 ip -n "$host" link del
    local number=0
    for address in "$private" "$public"; do
        ip -n "$host" addr flush dev "eth$number" scope global
        ip -n "$host" addr add "$address/24" dev "eth$number"
        ip -n "$host" link set "eth$number" up
        number=$((number + 1))
    done
    ip -n "$host" route replace default via "${public%.*}.1"
}

while :; do
    SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn --quiet --directory="$root" "${start[@]}" --machine="$host" \
        --register=no --keep-unit --network-namespace-path="/run/netns/$host" --resolv-conf=off --timezone=off \
        --link-journal=no --console=pipe --capability=CAP_NET_ADMIN,CAP_IPC_LOCK \
        --bind-ro="$repo:/srv/apt" --bind-ro="$standins:/srv/standins" \
        $([ -e /dev/fuse ] && echo --bind=/dev/fuse) \
        $([ -e /dev/net/tun ] && echo --bind=/dev/net/tun) "${command[@]}"
    code=$?
    [ $code = 133 ] || exit $code # 133: a reboot was asked for inside
    reset_network
done
