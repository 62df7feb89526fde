#!/bin/sh
# The public header by itself, as strict C99, C11 and C++11, without a warning; and no construct in it, or in that of
# libmonoforward_mpi, that foreign-function interfaces cannot express. Arguments: the include folder. Reads CC and CXX.
# SPDX-License-Identifier: MIT
set -eu
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

compile() { # compiler standard file
    "$1" -std="$2" -pedantic-errors -Wall -Wextra -Wshadow -Wundef -Werror -I"$include" -c "$3" \
        -o "$work/object" || {
        echo "failed: the header as $2"
        status=1
    }
}

# Twice, so that its guard is tested; and first, so that it needs no other header.
cat >"$work/c.c" <<'END'
#include <monoforward.h>
#include <monoforward.h>
mf_status use(mf_layer *layer, mf_workspace *workspace, const float *x, const int32_t *y);
mf_status use(mf_layer *layer, mf_workspace *workspace, const float *x, const int32_t *y)
{
    return mf_layer_step(layer, workspace, 1, x, y, NULL);
}
END
cp "$work/c.c" "$work/c.cpp"
for standard in c99 c11 c17; do
    compile "${CC:-cc}" $standard "$work/c.c"
done
if [ -n "${CXX:-}" ]; then
    for standard in c++11 c++17; do
        compile "$CXX" $standard "$work/c.cpp"
    done
else
    echo "skip: header as C++: no C++ compiler"
fi

# Comments and system headers gone, what is left are declarations.
mkdir "$work/empty"
: >"$work/empty/stddef.h"
: >"$work/empty/stdint.h"
: >"$work/empty/mpi.h"
"${CC:-cc}" -E -P -nostdinc -I"$work/empty" -I"$include" "$include/monoforward_mpi.h" >"$work/plain"
grep -q mf_layer_step "$work/plain" && grep -q mf_mpi_step "$work/plain" || {
    echo "failed: nothing is left of the headers without their comments"
    status=1
}
for word in long bool _Bool FILE union va_list inline short unsigned time_t; do
    if grep -nw "$word" "$work/plain"; then
        echo "failed: '$word' in the header"
        status=1
    fi
done
if grep -n '\.\.\.' "$work/plain"; then
    echo "failed: a function with a variable number of arguments"
    status=1
fi
if grep -nE 'enum [a-zA-Z_]+' "$work/plain"; then
    echo "failed: an enumeration type: its size is up to the compiler; numbers travel as int32_t"
    status=1
fi
if grep -nE '^ *[a-z_0-9]+ +[a-z_]+ *: *[0-9]+;' "$work/plain"; then
    echo "failed: a bit-field"
    status=1
fi
# Names: every function mf_, every macro and constant MF_ or MONOFORWARD_.
if grep -ohE '^#define [A-Za-z_0-9]+' "$include/monoforward.h" "$include/monoforward_mpi.h" |
    grep -vE ' (MF_|MONOFORWARD_)'; then
    echo "failed: a macro without prefix"
    status=1
fi
exit "$status"
