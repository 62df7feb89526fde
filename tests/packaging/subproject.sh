#!/bin/sh
# The library inside another project, by add_subdirectory and by FetchContent, and the kinds of libraries that
# are installed. Without optimisation, so that it is quick. Arguments: source folder. Reads CC, CMAKE.
# SPDX-License-Identifier: MIT
set -eu
source=$1
CMAKE=${CMAKE:-cmake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
cp "$source/cmake/packaging/conan/test_package/program.c" "$work/"
quick="-DCMAKE_BUILD_TYPE=Debug -DMF_BLAS=builtin"

quietly() {
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log"
        echo "failed: $*"
        exit 1
    }
}

# As docs/packaging.md says. With FetchContent only the place of the sources is another than in life.
cat >"$work/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.20)
project(host LANGUAGES C)
if(FETCH)
    include(FetchContent)
    FetchContent_Declare(monoforward SOURCE_DIR "$source")
    FetchContent_MakeAvailable(monoforward)
else()
    add_subdirectory("$source" monoforward EXCLUDE_FROM_ALL)
endif()
add_executable(program program.c)
target_link_libraries(program PRIVATE monoforward::monoforward\${KIND})
if(TARGET studies_common OR TARGET test_support OR TARGET dist)
    message(FATAL_ERROR "examples, tests or packages of the library are part of the host")
endif()
END
# shellcheck disable=SC2086 # the options are words
quietly "$CMAKE" -S "$work" -B "$work/build" $quick -DFETCH=ON
quietly "$CMAKE" --build "$work/build" -j 2 --target program
"$work/build/program"
# shellcheck disable=SC2086
quietly "$CMAKE" -S "$work" -B "$work/build" $quick -DFETCH=OFF -DKIND=_static
quietly "$CMAKE" --build "$work/build" -j 2 --target program
"$work/build/program"

# Kinds: which files are there, and a project that links what it finds under the one name.
mkdir "$work/user"
cp "$work/program.c" "$source/cmake/packaging/conan/test_package/CMakeLists.txt" "$work/user/"
installed() { # name, expected files, option
    # shellcheck disable=SC2086
    quietly "$CMAKE" -S "$source" -B "$work/own" $quick -DMF_BUILD_TESTS=OFF -DMF_BUILD_EXAMPLES=OFF "$3"
    quietly "$CMAKE" --build "$work/own" -j 2
    quietly "$CMAKE" --install "$work/own" --prefix "$work/$1"
    found=$(find "$work/$1" -name 'libmonoforward*' | sed 's|.*/||; s/\.so\..*/.so/' | sort -u | tr '\n' ' ')
    [ "$found" = "$2" ] || {
        echo "failed: $1: '$found' is installed, not '$2'"
        status=1
    }
    quietly "$CMAKE" -S "$work/user" -B "$work/user-$1" -DCMAKE_PREFIX_PATH="$work/$1"
    quietly "$CMAKE" --build "$work/user-$1"
    "$work/user-$1/program"
}
installed both "libmonoforward.a libmonoforward.so " -UBUILD_SHARED_LIBS
installed shared "libmonoforward.so " -DBUILD_SHARED_LIBS=ON
installed static "libmonoforward.a " -DBUILD_SHARED_LIBS=OFF
exit "$status"
