#!/bin/sh
# Builds the Debian packages:
#
#     sh cmake/packaging/build_deb.sh [OUTPUT_FOLDER]      (default: build/debian)
#
# Works on a copy in a temporary folder: what is committed, or all files where there is no git. Runs lintian, of
# which errors and warnings count. Installs missing build tools on Debian and Ubuntu, and names them elsewhere.
# DEB_BUILD_OPTIONS=nocheck leaves the tests out. Exit code 77: this system cannot build such packages.
# SPDX-License-Identifier: MIT
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
case "${1:-}" in
-*)
    echo "usage: sh cmake/packaging/build_deb.sh [OUTPUT_FOLDER]" >&2
    exit 2
    ;;
esac
output=${1:-$root/build/debian}
mkdir -p "$output"
output=$(CDPATH='' cd -- "$output" && pwd -P)

have() {
    command -v "$1" >/dev/null 2>&1
}

# install PACKAGES...: or say what to install
install() {
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    if have apt-get && { [ -z "$as_root" ] || have sudo; }; then
        echo "installing: $*"
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
            --no-install-recommends "$@" >"$work/log" 2>&1 && return 0
        cat "$work/log"
        echo "the installation has failed"
    fi
    echo "skip: Debian packages: please install $*"
    exit 77
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# Programs, each with the package that has it.
missing=
have dpkg-buildpackage || missing="$missing dpkg-dev"
have dh || missing="$missing debhelper"
have lintian || missing="$missing lintian"
# shellcheck disable=SC2086 # packages are words
[ -z "$missing" ] || install $missing

# The folder's name is that of the package: dpkg-buildpackage writes beside it.
tree=$work/libmonoforward
mkdir "$tree"
if have git && git -C "$root" rev-parse --verify -q HEAD >"$work/log" 2>&1 &&
    [ "$(git -C "$root" rev-parse --show-toplevel)" = "$root" ]; then
    [ -z "$(git -C "$root" status --porcelain)" ] || echo "note: changes that are not committed are left out"
    git -C "$root" archive HEAD | tar -x -C "$tree"
else
    tar -c -C "$root" --exclude='./build*' --exclude=./.git --exclude=./data . | tar -x -C "$tree"
fi
cp -R "$tree/cmake/packaging/debian" "$tree/debian"
cd "$tree"

# What control wants for the build, as dpkg-checkbuilddeps names it: the first of each choice, versions aside.
if ! lacking=$(dpkg-checkbuilddeps 2>&1); then
    # shellcheck disable=SC2046
    install $(echo "$lacking" | sed 's/.*: //; s/([^)]*)//g; s/| *[^ ]*//g')
fi

jobs=$(nproc 2>/dev/null || echo 2)
if ! dpkg-buildpackage -us -uc -b -j"$jobs" >"$work/log" 2>&1; then
    cat "$work/log"
    echo "failed: dpkg-buildpackage"
    exit 1
fi
if ! lintian --allow-root --fail-on error,warning "$work"/*.changes >"$work/lintian" 2>&1; then
    cat "$work/lintian"
    echo "failed: lintian"
    exit 1
fi
grep -v '^N:' "$work/lintian" || true
cp "$work"/*.deb "$output/"
for package in "$work"/*.deb; do
    echo "result package=$(basename "$package") bytes=$(wc -c <"$package")"
done
