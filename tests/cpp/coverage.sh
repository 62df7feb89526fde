#!/bin/sh
# Every function that monoforward.h declares is called in monoforward.hpp, and by way of it in the tests. Names
# those that are not. Arguments: the include folder, this folder, the objects of the tests.
# SPDX-License-Identifier: MIT
set -eu
include=$1 here=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

sed -n 's/^MF_API [^(]*[ *]\(mf_[a-z0-9_]*\)(.*/\1/p' "$include/monoforward.h" | sort >"$work/declared"
[ "$(wc -l <"$work/declared")" -gt 50 ] || {
    echo "failed: monoforward.h does not look as it used to: no declarations were found"
    exit 1
}

# missing WHAT LIST: declared functions that LIST lacks
missing() {
    comm -23 "$work/declared" "$2" >"$work/missing"
    if [ -s "$work/missing" ]; then
        echo "failed: $1:"
        sed 's/^/    /' "$work/missing"
        status=1
    fi
}

# without_comments FILE: what they mention is not called.
without_comments() {
    awk '{
        while (1) {
            if (inside) {
                if (!(at = index($0, "*/"))) next
                $0 = substr($0, at + 2)
                inside = 0
            }
            if (!(at = index($0, "/*"))) break
            printf "%s ", substr($0, 1, at - 1)
            $0 = substr($0, at + 2)
            inside = 1
        }
        sub(/\/\/.*/, "")
        print
    }' "$1"
}

without_comments "$include/monoforward.hpp" | grep -oE 'mf_[a-z0-9_]+' | sort -u >"$work/named"
missing "monoforward.hpp does not use" "$work/named"

# The tests themselves call none of them, so whatever their objects ask for comes from the header.
for name in builder errors files handles memory pipeline training; do
    without_comments "$here/$name.cpp" | grep -oE '\bmf_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u >"$work/direct"
    comm -12 "$work/declared" "$work/direct" >"$work/both"
    if [ -s "$work/both" ]; then
        echo "failed: $name.cpp calls the library past the C++ header: $(tr '\n' ' ' <"$work/both")"
        status=1
    fi
done
if ! command -v nm >/dev/null; then
    echo "skip: what the tests reach: nm is not installed"
    exit "$status"
fi
nm -u "$@" | grep -oE '\bmf_[a-z0-9_]+' | sort -u >"$work/reached"
missing "the C++ tests do not reach, through monoforward.hpp" "$work/reached"
[ "$status" -ne 0 ] || echo "$(wc -l <"$work/declared") functions, all of them used and tested"
exit "$status"
