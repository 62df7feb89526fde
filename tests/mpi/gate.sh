#!/bin/sh
# The gate of libmonoforward_mpi: its interface, as the header declares it, against that of the last release, which is
# in tests/abi/baseline/VERSION/monoforward_mpi.interface. MPI's own types differ from one MPI library to the next, so
# declarations are compared, not what a compiler makes of them: what is gone or changed is a break (exit code 1), but
# for a field at the end of a struct; what has come has to be made known:
#
#     sh tests/mpi/gate.sh include/monoforward_mpi.h --renew
#
# which writes the file of the version in monoforward.h beside it. Over a break it does not, unless the SONAME was raised
# and the old files are removed.
# Arguments: header [--renew]. SPDX-License-Identifier: MIT
set -eu
header=$1 option=${2:-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/abi/declarations.sh
. "$here/../abi/declarations.sh"
# shellcheck source=tests/abi/dump.sh
. "$here/../abi/dump.sh"
# The tests renew copies.
baselines=${BASELINE:-$here/../abi/baseline}
baseline=$(newest "$baselines" monoforward_mpi.interface)/monoforward_mpi.interface

# Function, field (with its number) and constant, a line each.
interface() {
    mkdir -p "$work/empty"
    echo '#define MF_API __attribute__((visibility("default")))' >"$work/empty/monoforward.h"
    : >"$work/empty/mpi.h"
    prototypes "$1" | sed 's/^/function /'
    declarations "$1" >"$work/declarations"
    fields "$work/declarations" | awk '{ print "field", $1, ++count[$1], $2, substr($0, length($1 $2) + 3) }'
    sed -n 's/^enum { *\(.*\)}$/\1/p' "$work/declarations" | tr ',' '\n' | sed 's/^ *//; s/ *$//; /^$/d; s/^/constant /'
}

renew() {
    version=$(awk '/^#define MF_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $3; dot = "." }' \
        "$(dirname "$header")/monoforward.h")
    mkdir -p "$baselines/$version"
    cp "$work/new" "$baselines/$version/monoforward_mpi.interface"
    echo "the interface is now that of $version"
    exit 0
}

interface "$header" >"$work/new"
[ "$(wc -l <"$work/new")" -gt 30 ] || {
    echo "failed: hardly anything read from $header"
    exit 1
}
if [ ! -f "$baseline" ]; then
    [ "$option" != --renew ] || renew
    echo "failed: no monoforward_mpi.interface in $baselines"
    exit 1
fi
sort "$baseline" >"$work/was"
sort "$work/new" >"$work/is"
if ! comm -13 "$work/is" "$work/was" >"$work/gone" || [ -s "$work/gone" ]; then
    echo "failed: a program built for the last release can break. Not as it was:"
    sed 's/^/    /' "$work/gone"
    exit 1
fi
if comm -23 "$work/is" "$work/was" | grep . >"$work/come"; then
    [ "$option" != --renew ] || renew
    echo "failed: the interface has grown. If that is meant: sh tests/mpi/gate.sh include/monoforward_mpi.h --renew"
    sed 's/^/    /' "$work/come"
    exit 3
fi
echo "$(wc -l <"$work/new") functions, fields and constants are those of the last release"
