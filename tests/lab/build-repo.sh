#!/bin/bash
# build-repo.sh TARGET MIRROR BASE PACKAGE...: a flat apt repository with every package and all it depends on beyond BASE.
set -euo pipefail
target=$1 mirror=$2 base=$3
shift 3
mkdir -p "$target"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state"/{lists/partial,archives/partial,sources}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$state/sources/lab.list"

# An apt that knows trixie, believes the machine to be BASE, and never touches the machine's own state.
lab_apt() {
    apt-get -qq -o Dir::State::lists="$state/lists" -o Dir::State::status="$base/var/lib/dpkg/status" \
        -o Dir::State::extended_states="$state/extended_states" -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::Etc::sourceparts="$state/sources" -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::Cache="$state" -o Dir::Cache::archives="$target" -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o APT::Install-Recommends=false -o APT::Keep-Downloaded-Packages=true -o Debug::NoLocking=1 "$@"
}
lab_apt update
# One by one: each must be installable alone, whichever of its alternative dependencies apt then takes.
for package in "$@"; do
    lab_apt install -y --download-only "$package"
done
lab_apt install -y --download-only "$@"

rm -rf "$target/partial" "$target/lock"
cd "$target"
apt-ftparchive packages . > Packages
gzip -kf Packages
apt-ftparchive release . > Release.new
mv Release.new Release
