#!/bin/sh
# Settings that take words: capitals do not matter, and what is no value of a setting is an error that names those that are.
# Arguments: the source folder. Reads CMAKE. SPDX-License-Identifier: MIT
set -eu
source=$1
CMAKE=${CMAKE:-cmake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

# The settings of the project itself.
{
    echo 'cmake_minimum_required(VERSION 3.20)'
    echo "include(\"$source/cmake/Settings.cmake\")"
    awk '/^mf_setting\(/ { inside = 1 } inside { print } /\)$/ { inside = 0 }' "$source/CMakeLists.txt" \
        "$source/cmake/Reference.cmake"
    # shellcheck disable=SC2016 # CMake expands them
    echo 'message("${MF_BLAS} ${MF_MPI} ${MF_REFERENCE} ${MF_SANITIZE} ${MF_FUZZING_ENGINE}")'
} >"$work/settings.cmake"

gives() { # words, cmake's arguments
    words=$1
    shift
    if ! "$CMAKE" "$@" -P "$work/settings.cmake" >"$work/log" 2>&1 || [ "$(cat "$work/log")" != "$words" ]; then
        echo "failed: with '$*', expected '$words':"
        cat "$work/log"
        status=1
    fi
}

refuses() { # words, cmake's arguments
    words=$1
    shift
    if "$CMAKE" "$@" -P "$work/settings.cmake" >"$work/log" 2>&1 || ! grep -qF "$words" "$work/log"; then
        echo "failed: with '$*', expected an error with '$words':"
        cat "$work/log"
        status=1
    fi
}

gives "auto auto auto  "
gives "openblas on off thread -Lx/libFuzzer.a" -DMF_BLAS=OpenBLAS -DMF_MPI=ON -DMF_REFERENCE=OFF -DMF_SANITIZE=thread \
    -DMF_FUZZING_ENGINE=-Lx/libFuzzer.a
gives "auto off auto  " -DMF_MPI=Off
refuses "MF_BLAS is 'atlas': choose one of auto, openblas, netlib, blis, builtin" -DMF_BLAS=atlas
refuses "MF_MPI is 'TRUE': choose one of auto, on, off" -DMF_MPI=TRUE
refuses "MF_MPI is '': choose one of auto, on, off" -DMF_MPI=
refuses "MF_REFERENCE is 'on': choose one of auto, off" -DMF_REFERENCE=on
exit "$status"
