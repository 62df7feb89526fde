#!/bin/sh
# The library as one file compiles without a warning, exports what the library does and nothing else, and trains the
# first example.
#
#     sh amalgamation.sh SOURCE_FOLDER
#
# SPDX-License-Identifier: MIT
set -eu
source=$1
command -v python3 >/dev/null || {
    echo "skip: amalgamation: python3 is not installed"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
python3 "$source/cmake/amalgamate.py" "$work"
cd "$work"
# As a program of somebody else's would: all in one command.
"${CC:-cc}" -std=gnu11 -O1 -Wall -Wextra -ffp-contract=fast -fno-math-errno -fno-trapping-math -pthread -c \
    monoforward_all.c -o all.o 2>warnings || true
if [ -s warnings ]; then
    cat warnings
    echo "failed: the compiler has warnings"
    exit 1
fi
echo 'int known;' >known.cc
if "${CC:-cc}" -x c++ -fsyntax-only known.cc 2>errors; then
    "${CC:-cc}" -x c++ -fsyntax-only monoforward_all.c 2>errors || true
    [ "$(grep -c 'error: ' errors)" -eq 1 ] && grep -q 'this file is C' errors || {
        head -n 20 errors
        echo "failed: a C++ compiler is not told that the file is C"
        exit 1
    }
fi
"${CC:-cc}" -I . "$source/examples/01_hello.c" all.o -pthread -lm -o hello
# Not into a pipe, whose status would be that of its other end.
./hello >output || {
    cat output
    echo "failed: 01_hello ends with an error"
    exit 1
}
cat output
grep -q 'accuracy=100' output || {
    echo "failed: 01_hello did not learn"
    exit 1
}
# What the system says of a file.
cat >missing.c <<'END'
#include "monoforward.h"
#include <stdio.h>

int main(void)
{
    mf_network *network;
    mf_status status = mf_network_load(NULL, "no.safetensors", &network);
    puts(mf_last_message());
    return status != MF_STATUS_IO;
}
END
"${CC:-cc}" -I . missing.c all.o -pthread -lm -o missing
./missing >output
grep -q 'no.safetensors: No such file or directory' output || {
    cat output
    echo "failed: the message does not have the system's reason"
    exit 1
}
nm -g --defined-only all.o | awk 'NF == 3 && $3 !~ /^__/ { print $3 }' | sort >names
if grep -v '^mfi\{0,1\}_' names; then
    echo "failed: names that a host program may have, too"
    exit 1
fi
grep '^mf_' names >has
sed -n 's/^ *\(mf_[a-z0-9_]*\);.*/\1/p' "$source/cmake/monoforward.map" | sort >wanted
if ! diff wanted has; then
    echo "failed: the functions are not those of cmake/monoforward.map"
    exit 1
fi
echo "$(wc -l <has) functions, $(wc -l <monoforward_all.c) lines"
