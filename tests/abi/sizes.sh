#!/bin/sh
# The table of struct sizes in docs/abi.md says what the compiler says, and what the library takes for the first
# size of each struct. None ends in padding, where a field of a later version would hide.
# Arguments: header, lib/, docs/abi.md. SPDX-License-Identifier: MIT
set -eu
header=$1 lib=$2 document=$3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/abi/declarations.sh
. "$here/declarations.sh"
status=0

layout "$header" >"$work/facts"
# Where every struct ends, and where it ended at first: behind the field that the library names for that.
grep -rhoE 'MFI_FIRST_SIZE\(mf_[a-z_]+, [a-z_]+\)' "$lib/api" | sort -u | sed 's/.*(\(.*\), \(.*\))/first \1 \2/' |
    cat - "$work/facts" >"$work/all"
awk '
    $1 == "first" {
        if ($2 in last)
            print "failed: the library has two first sizes of " $2
        last[$2] = $3
    }
    $1 == "field" {
        end = $5 + $6
        if (end > ends[$2])
            ends[$2] = end
        if (last[$2] == $3)
            first[$2] = end
    }
    $1 == "struct" {
        if (ends[$2] != $3)
            print "failed: " $2 " ends in " $3 - ends[$2] " bytes of padding"
        if ($2 != "mf_allocator" && !first[$2])
            print "failed: the library has no first size of " $2
        print $2, first[$2] ? first[$2] : $3, $3
    }' "$work/all" >"$work/found"
! grep '^failed' "$work/found" || status=1
[ "$(wc -l <"$work/found")" -ge 14 ] || {
    echo "failed: hardly any struct found in $header"
    status=1
}
if grep -q '^field mf_batch inputs at [0-9]*, 8 bytes' "$work/facts"; then
    sed -n 's/^| `\(mf_[a-z_]*\)` | \([0-9]*\) | \([0-9]*\) |$/\1 \2 \3/p' "$document" | LC_ALL=C sort >"$work/said"
    grep -v '^failed' "$work/found" | LC_ALL=C sort | diff "$work/said" - || {
        echo "failed: sizes in $document (<) are not those of the compiler (>): struct, first, now"
        status=1
    }
else
    echo "skip: the table of sizes: it is for pointers of 8 bytes"
fi
exit "$status"
