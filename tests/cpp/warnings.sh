#!/bin/sh
# The C++ header and its tests without a warning, with each compiler here, in one standard of C++; the header
# by itself, twice, without run-time type information; and refused with a reason where it cannot work.
# Arguments: the include folder, the shared library, the standard. Reads CXX.
# SPDX-License-Identifier: MIT
set -u
include=$1 library=$2 standard=$3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0
steps=0

fail() {
    echo "failed: $*"
    status=1
}

cat >"$work/alone.cpp" <<'END_OF_FILE'
#include <monoforward.hpp>
#include <monoforward.hpp>
#include <cstring>

int main()
{
    int caught = 0;
    try {
        monoforward::layer layer(monoforward::layer_spec::dense(2, 2, 1));
    } catch (const std::exception &problem) {
        caught += std::strstr(problem.what(), "classes") != nullptr;
    }
    monoforward::network network;
    network.append(monoforward::layer_spec::dense(1, 2, 2));
    network.set_optimizer(monoforward::optimizer());
    monoforward::pipeline_spec spec;
    spec.network = network.get();
    spec.max_batch = 1;
    spec.workers = 0;
    monoforward::pipeline pipeline(spec, [](const mf_pipeline_report &) { throw 5; });
    const float x[] = {1};
    const int32_t y[] = {1};
    try {
        pipeline.submit(x, y);
        pipeline.flush();
    } catch (int number) {
        caught += number == 5;
    }
    return caught == 2 ? 0 : 1;
}
END_OF_FILE

warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"

clean() { # compiler
    # shellcheck disable=SC2086 # the warnings are words
    "$1" -std="$standard" $warnings -I"$include" -fsyntax-only "$here"/*.cpp ||
        fail "$1 -std=$standard: the tests are not free of warnings"
    # shellcheck disable=SC2086
    "$1" -std="$standard" $warnings -Wold-style-cast -Wnon-virtual-dtor -Wsign-conversion -I"$include" \
        -fsyntax-only "$work/alone.cpp" || fail "$1 -std=$standard: the header alone"
    if "$1" -std="$standard" -O1 -fno-rtti -I"$include" "$work/alone.cpp" "$library" \
        -Wl,-rpath,"$(dirname "$library")" -o "$work/alone"; then
        "$work/alone" || fail "$1 -fno-rtti: exceptions do not arrive"
    else
        fail "$1 -fno-rtti: does not build"
    fi
    refused "$1" "C++17" -std=c++14
    refused "$1" "exceptions" -std="$standard" -fno-exceptions
    steps=$((steps + 5))
}

refused() { # compiler, word, flags...
    compiler=$1 word=$2
    shift 2
    if "$compiler" "$@" -I"$include" -fsyntax-only "$work/alone.cpp" 2>"$work/log"; then
        fail "$compiler $*: takes the header"
    fi
    grep -q "error.*$word" "$work/log" ||
        fail "$compiler $*: does not say why: $(head -1 "$work/log")"
}

# Each once, by whatever name; but called by a name that tells it which language is meant.
compilers=
seen=
for one in "${CXX:-}" g++ clang++; do
    path=$(command -v "$one" 2>/dev/null) || continue
    real=$(readlink -f "$path")
    case " $seen " in
    *" $real "*) ;;
    *)
        seen="$seen $real"
        compilers="$compilers $path"
        ;;
    esac
done
[ -n "$compilers" ] || {
    echo "skip: warnings: no C++ compiler"
    exit 77
}
for one in $compilers; do
    clean "$one"
done
case $compilers in
*clang*) ;;
*) echo "skip: warnings of clang++: not installed" ;;
esac
[ "$status" -ne 0 ] || echo "$steps steps with:$compilers"
exit "$status"
