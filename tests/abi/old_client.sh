#!/bin/sh
# Clients of earlier releases: old_client.c is compiled against each kept header and linked to a library with
# nothing but that header's functions, then runs with the library just built, as a program does whose library
# was upgraded. Arguments: shared library. SPDX-License-Identifier: MIT
set -eu
library=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/abi/declarations.sh
. "$here/declarations.sh"
# shellcheck source=tests/abi/stubs.sh
. "$here/stubs.sh"
# shellcheck source=tests/abi/dump.sh
. "$here/dump.sh"
clients=0
for old in "$here"/baseline/*/monoforward.h; do
    old=${old%/*}
    mkdir -p "$work/old"
    stub_library "$old/monoforward.h" "$(soname "$old/monoforward.abi")" "$work/old/libmonoforward.so"
    "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$old" "$here/old_client.c" \
        "$work/old/libmonoforward.so" -Wl,-rpath,"$(dirname "$library")" -o "$work/client"
    "$work/client"
    clients=$((clients + 1))
done
[ $clients -gt 0 ]
