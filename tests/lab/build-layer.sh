#!/bin/bash
# build-layer.sh TARGET BASE REPO PACKAGE...: what installing PACKAGEs adds to BASE, as an overlay layer; no service enabled.
# To be run in a mount namespace of its own (cache.py does): the mounts made here are only half undone.
set -euo pipefail
target=$1 base=$2 repo=$3
shift 3
mkdir -p "$target" "$target.work" "$target.root"
root=$target.root
mount -t overlay layer -o "lowerdir=$base,upperdir=$target,workdir=$target.work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o bind,ro "$repo" "$root/srv/apt"
# Debian's PostgreSQL makes and starts a cluster of its own when it is installed, unless told not to.
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' > "$root/etc/postgresql-common/createcluster.conf"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

enabled() { find "$root/etc/systemd/system" -type l -path '*.wants/*' -printf '%f\n' | sort -u; }
before=$(enabled)
inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
inside apt-get -qq update
inside apt-get -qq install -y "$@"
comm -13 <(echo "$before") <(enabled) | while read -r unit; do inside systemctl disable "$unit"; done

rm -f "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/archives/*.deb
umount --recursive "$root"
rm -rf "$target.work" "$target.root"
