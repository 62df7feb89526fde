#!/bin/sh
# The kernels compile with flags of a package that allow more instructions of x86-64 than a file of theirs uses: macros of
# the compiler then name what the file's vectors are not made for. With -ffast-math they do not, which the build takes back.
# Arguments: lib/, the processor, CMake's name of the compiler, then "FILE FLAGS..." for each file. Reads CC.
# SPDX-License-Identifier: MIT
set -eu
cd "$1"
processor=$2 compiler=$3
shift 3
CC=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

case $processor in
x86_64 | AMD64 | amd64) ;;
*)
    echo "skip: flags: '$processor' is no x86-64, whose instructions the flags would name"
    exit 77
    ;;
esac
case $compiler in
GNU | *Clang) ;;
*)
    echo "skip: flags: the compiler is '$compiler', no GCC or Clang"
    exit 77
    ;;
esac

compile() { # flags...
    "$CC" -std=gnu11 -w -I ../include -I . "$@" -o "$work/object" 2>"$work/log"
}

echo 'extern int nothing;' >"$work/empty.c"
for flags in -mavx2 "-mavx2 -mfma" -march=x86-64-v3 -march=x86-64-v4; do
    # shellcheck disable=SC2086 # the flags are words
    if ! compile $flags -c "$work/empty.c"; then
        echo "skip: flags: the compiler does not know $flags"
        continue
    fi
    for file in "$@"; do
        # That a function uses instructions which nothing allows is found as code is made of it, which takes several times
        # as long: where a file has flags of its own, every build does so.
        case $file in
        *" -mavx"*) far=-fsyntax-only ;;
        *) far="-O0 -c" ;;
        esac
        # shellcheck disable=SC2086
        if ! compile $flags ${file#* } $far "${file%% *}"; then
            echo "failed: ${file%% *} does not compile with $flags:"
            head -n 10 "$work/log"
            status=1
        fi
    done
done
for flag in -ffast-math -funsafe-math-optimizations -fno-signed-zeros; do
    if compile "$flag" -fsyntax-only math/kernels_generic.c; then
        echo "failed: the kernels compile with $flag, with which the check of updates may see nothing"
        status=1
    fi
done
echo "$# files"
exit "$status"
