#!/bin/bash
# build-base.sh TARGET MIRROR DEBCACHE PACKAGE...: a Debian 13 root filesystem, the read-only bottom of every lab host.
set -euo pipefail
target=$1 mirror=$2 debcache=$3
shift 3
mkdir -p "$debcache"
debootstrap --variant=minbase --cache-dir="$debcache" --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --include="$(IFS=,; echo "$*")" trixie "$target" "$mirror"

install -d -m 700 "$target/root/.ssh"
install -d "$target/srv/apt"
cat > "$target/etc/ssh/sshd_config.d/lab.conf" <<'CONF'
PermitRootLogin prohibit-password
UseDNS no
MaxSessions 50
MaxStartups 100:30:200
CONF

# Each host gets an identity of its own when it is first brought up.
rm -f "$target"/etc/ssh/ssh_host_* "$target/var/lib/dbus/machine-id" "$target/etc/hostname" "$target/etc/resolv.conf"
: > "$target/etc/machine-id"

# Hosts have no way out: their packages come from the lab's own repository, bound into each.
echo 'deb [trusted=yes] file:/srv/apt ./' > "$target/etc/apt/sources.list"
rm -f "$target"/etc/apt/sources.list.d/*
cat > "$target/etc/apt/apt.conf.d/90lab" <<'CONF'
Acquire::Languages "none";
APT::Install-Recommends "false";
Dpkg::Options {"--force-confdef";"--force-confold";};
CONF
echo force-unsafe-io > "$target/etc/dpkg/dpkg.cfg.d/lab"

# A shared kernel keeps the time, and nobody sits at these consoles.
for unit in systemd-timesyncd.service getty@tty1.service console-getty.service apt-daily.timer \
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
    ln -sf /dev/null "$target/etc/systemd/system/$unit"
done
rm -rf "$target"/var/cache/apt/archives/*.deb "$target"/var/lib/apt/lists/*
