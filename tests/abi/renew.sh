#!/bin/sh
# Renews the baseline of the ABI gate from a build, when something was added to the interface:
#
#     sh tests/abi/renew.sh BUILD                   BUILD: the build folder
#     sh tests/abi/renew.sh BUILD --soname-raised   after a change that breaks programs
#
# The folder of the header's version in tests/abi/baseline is written: the header, and the ABI as abidw sees it.
# Folders of earlier versions stay, since clients built for them have to run; with a new SONAME they need not,
# and go, but for the interface of libmonoforward_mpi, which tests/mpi/gate.sh renews. Refuses to renew over an incompatible change under the old SONAME, and without abigail-tools.
# SPDX-License-Identifier: MIT
set -eu
usage() {
    echo "usage: sh tests/abi/renew.sh BUILD [--soname-raised]" >&2
    exit 2
}
[ $# -ge 1 ] && [ $# -le 2 ] || usage
[ $# -eq 1 ] || [ "$2" = --soname-raised ] || usage
build=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# The tests renew copies.
baseline=${BASELINE:-$here/baseline}
header=${HEADER:-$here/../../include/monoforward.h}
library=$build/tests/abi/libmonoforward.so
# shellcheck source=tests/abi/dump.sh
. "$here/dump.sh"

for tool in abidw abidiff; do
    command -v $tool >/dev/null || {
        echo "failed: $tool is not installed (Debian: abigail-tools)" >&2
        exit 1
    }
done
[ -f "$library" ] || {
    echo "failed: $library is not there: build it first" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
dump "$library" "$(dirname "$header")" "$work/monoforward.abi"
version=$(awk '/^#define MF_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $3; dot = "." }' "$header")

old=$(newest "$baseline" monoforward.abi)
if [ $# -eq 2 ]; then
    was=$(soname "$old/monoforward.abi") is=$(soname "$work/monoforward.abi")
    [ "$is" -gt "$was" ] || {
        echo "refused: the SONAME ends in $is, as it did in ${old##*/}: nothing was raised" >&2
        exit 1
    }
    for folder in "$baseline"/*/; do
        rm -f "$folder/monoforward.abi" "$folder/monoforward.h"
        rmdir "$folder" 2>/dev/null || true # if that was all
    done
elif [ -d "$baseline/${old##*/}" ] && [ -n "${old##*/}" ]; then
    code=0
    sh "$here/gate.sh" "$baseline" "$header" "$library" >"$work/log" 2>&1 || code=$?
    case $code in
    0 | 3) ;;
    *)
        cat "$work/log"
        echo "refused: see above" >&2
        exit 1
        ;;
    esac
fi
mkdir -p "$baseline/$version"
cp "$work/monoforward.abi" "$baseline/$version/monoforward.abi"
cp "$header" "$baseline/$version/monoforward.h"
echo "the baseline is now that of $version"
