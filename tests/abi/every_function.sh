#!/bin/sh
# A program, written here from the header, that takes the address of every declared function: one that the
# library does not have makes it fail to link. Arguments: header, shared library, flags for the compiler.
# SPDX-License-Identifier: MIT
set -eu
header=$1 library=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

functions=$(sed -n 's/^MF_API [^(]*[ *]\(mf_[a-z0-9_]*\)(.*/\1/p' "$header")
[ "$(echo "$functions" | grep -c .)" -eq "$(grep -c '^MF_API' "$header")" ] || {
    echo "failed: a declaration that this script cannot read"
    exit 1
}
{
    echo '#include <monoforward.h>'
    echo '#include <stdio.h>'
    echo 'typedef void (*function)(void);'
    echo 'static const function functions[] = {'
    for name in $functions; do
        echo "    (function)$name,"
    done
    echo '};'
    echo 'int main(void)'
    echo '{'
    echo '    size_t count = sizeof functions / sizeof functions[0], missing = 0;'
    echo '    for (size_t i = 0; i < count; i++)'
    echo '        missing += functions[i] == NULL;'
    printf '%s\n' '    printf("%d functions of monoforward %s\n", (int)count, mf_version());'
    echo '    return missing > 0;'
    echo '}'
} >"$work/every.c"
"${CC:-cc}" -std=c11 -Wno-cast-function-type "$@" -I"$(dirname "$header")" "$work/every.c" "$library" \
    -Wl,-rpath,"$(dirname "$library")" -o "$work/every"
"$work/every"
