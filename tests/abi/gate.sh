#!/bin/sh
# Compares the ABI of a library with the newest one in baseline/: in the layout that a compiler makes of both
# headers (constants, fields, sizes), and with abidiff (symbols, their versions, signatures, types, SONAME).
# Exit code 0 if they are the same, 1 if a program built for the old one could break, 3 if there is something
# new only. Arguments: baseline/, header, library with debug information. SPDX-License-Identifier: MIT
set -eu
baseline=$1 header=$2 library=$3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/abi/declarations.sh
. "$here/declarations.sh"
# shellcheck source=tests/abi/dump.sh
. "$here/dump.sh"
broken=0
added=0

old=$(newest "$baseline" monoforward.h)
[ -f "$old/monoforward.h" ] && [ -f "$old/monoforward.abi" ] || {
    echo "failed: no baseline in $baseline"
    exit 1
}

# A line that is gone was changed or removed, but for the size of a struct that has grown.
compare_layouts() {
    layout "$old/monoforward.h" >"$work/old"
    layout "$header" >"$work/new"
    [ "$(wc -l <"$work/old")" -gt 100 ] || {
        echo "failed: hardly anything read from $old/monoforward.h"
        exit 1
    }
    LC_ALL=C comm -23 "$work/old" "$work/new" >"$work/gone"
    LC_ALL=C comm -13 "$work/old" "$work/new" >"$work/come"
    # A reserved field may get a meaning and a name: hosts have left it 0, and old libraries refuse anything else.
    awk '
        function place(line) { sub(/^field [^ ]+ [^ ]+ /, "", line); return $2 " " line }
        step == 1 { if ($1 == "field" && $3 ~ /^reserved[0-9]*$/) was[place($0)] = 1; next }
        step == 2 { if ($1 == "field" && place($0) in was) named[place($0)] = 1; next }
        !($1 == "field" && place($0) in named) { print > (step == 3 ? gone : come) }
    ' gone="$work/gone.left" come="$work/come.left" step=1 "$work/gone" step=2 "$work/come" \
        step=3 "$work/gone" step=4 "$work/come"
    for list in gone come; do
        cat "$work/$list.left" >"$work/$list" 2>/dev/null || : >"$work/$list"
    done
    # In a new field at or behind the old end of its struct, an old library sees a tail it does not know.
    awk '
        NR == FNR { if ($1 == "struct") size[$2] = $3; old[$1 " " $2 " " ($1 == "field" ? $3 : "")]; next }
        $1 == "struct" && ($2 in size) && $2 == "mf_allocator" { print $0 ": it has no struct_size"; next }
        $1 == "struct" && ($2 in size) && $3 < size[$2] { print $0 ": smaller than before"; next }
        $1 == "field" && ($2 in size) && !(($1 " " $2 " " $3) in old) && $5 + 0 < size[$2] {
            print $0 ": not behind the old end, at " size[$2]
        }' "$work/old" "$work/come" >"$work/misplaced"
    grep -v '^struct .* bytes$' "$work/gone" >"$work/breaks" || true
    # A struct that is gone altogether has lost its fields as well.
    if [ -s "$work/breaks" ] || [ -s "$work/misplaced" ]; then
        broken=1
        echo "Not as it was in the header:"
        sed 's/^/    /' "$work/breaks"
        echo "It is now:"
        cat "$work/misplaced" "$work/come" | sed 's/^/    /'
    elif [ -s "$work/come" ]; then
        added=1
        echo "New in the header:"
        sed 's/^/    /' "$work/come"
    fi
}

compare_libraries() {
    dump "$library" "$(dirname "$header")" "$work/library.abi"
    abidiff "$@" "$old/monoforward.abi" "$work/library.abi" >"$work/report" && return 0
    code=$?
    [ $((code % 4)) -eq 0 ] || { # its own errors
        cat "$work/report"
        echo "failed: abidiff ended with $code"
        exit 1
    }
    return 1
}

compare_layouts
if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
    why="abidw and abidiff are not installed (Debian: abigail-tools)"
elif ! grep -q '^field mf_batch inputs at [0-9]*, 8 bytes' "$work/new"; then
    why="the baseline is of a machine whose pointers have 8 bytes"
else
    why=
    # Structs that have grown are compared above, field by field.
    awk 'NR == FNR { if ($1 == "struct") size[$2] = $3; next }
        $1 == "struct" && ($2 in size) { print "[suppress_type]\n  name = " $2 }' \
        "$work/old" "$work/come" >"$work/grown.suppr"
    if ! compare_libraries --no-added-syms --suppressions "$work/grown.suppr"; then
        broken=1
        cat "$work/report"
    elif ! compare_libraries; then
        added=1
        cat "$work/report"
    fi
fi

version=${old##*/}
if [ $broken -ne 0 ]; then
    echo "failed: a program built for $version can break. Take the change back, or raise the SONAME as docs/abi.md"
    echo "tells; then: sh tests/abi/renew.sh BUILD --soname-raised"
    exit 1
fi
if [ $added -ne 0 ]; then
    echo "failed: the interface has grown since $version. If that is meant, the baseline has to be renewed:"
    echo "sh tests/abi/renew.sh BUILD"
    exit 3
fi
if [ -n "$why" ]; then
    echo "skip: the library against the baseline: $why"
    exit 77
fi
echo "the ABI is that of $version"
