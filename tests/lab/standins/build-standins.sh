#!/bin/bash
# build-standins.sh TARGET VERSION...: stand-ins for the vendor's packages in a signed repository, TARGET/ring2all, and for
# Node.js in another, TARGET/nodejs, signed by another key. Each key lies beside its repository, for those who trust it.
set -euo pipefail
target=$1
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'gpgconf --homedir "$work/gpg" --kill all; rm -rf "$work"' EXIT
install -d -m 700 "$work/gpg"
export GNUPGHOME=$work/gpg

# build_package SOURCE VERSION POOL: a package of this folder's tree; its control file says @VERSION@ where the version goes.
build_package() {
    local tree=$work/tree
    rm -rf "$tree"
    cp -r --no-preserve=ownership "$here/$1" "$tree"
    chmod -R u=rwX,go=rX "$tree"
    find "$tree" -name __pycache__ -exec rm -rf {} +
    find "$tree" \( -path '*/DEBIAN/p*' -o -path '*/usr/lib/softswitch-standin/*' -o -path '*/bin/*' \) -type f -exec chmod 755 {} +
    sed -i "s/@VERSION@/$2/" "$tree/DEBIAN/control"
    echo "Description: stand-in for tests of $1, not the vendor's software" >> "$tree/DEBIAN/control"
    dpkg-deb -Zgzip --root-owner-group --build "$tree" "$3" >/dev/null
}

# publish FOLDER SUITE: index and sign what lies in FOLDER/pool, with a key of its own.
publish() {
    local folder=$1 suite=$2 name
    name=$(basename "$folder")
    gpg --batch --quiet --passphrase '' --quick-generate-key "$name (stand-in for tests)" ed25519 sign never
    gpg --batch --armor --export "$name (stand-in for tests)" > "$folder/key.asc"
    cd "$folder"
    mkdir -p "dists/$suite/main/binary-amd64"
    apt-ftparchive packages pool > "dists/$suite/main/binary-amd64/Packages"
    apt-ftparchive -o APT::FTPArchive::Release::Suite="$suite" -o APT::FTPArchive::Release::Components=main \
        -o APT::FTPArchive::Release::Architectures=amd64 release "dists/$suite" > "$work/Release"
    gpg --batch --quiet --local-user "$name (stand-in for tests)" --clearsign -o "dists/$suite/InRelease" "$work/Release"
}

mkdir -p "$target/ring2all/pool" "$target/nodejs/pool"
for version in "$@"; do
    for package in "$here"/softswitch-*/; do
        build_package "$(basename "$package")" "$version" "$target/ring2all/pool"
    done
done
build_package nodejs 24.0.0 "$target/nodejs/pool"
publish "$target/ring2all" stable
publish "$target/nodejs" nodistro
