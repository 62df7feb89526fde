#!/bin/sh
# The library inside another project, by add_subdirectory and by FetchContent, and the kinds of libraries that
# are installed. Without optimisation, so that it is quick. Arguments: source folder. Reads CC, CMAKE, and MF_MPI (on or
# off) and MPI_C_COMPILER, by which the kinds of libmonoforward_mpi are looked at, too. SPDX-License-Identifier: MIT
set -eu
source=$1
CMAKE=${CMAKE:-cmake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0
cp "$source/cmake/packaging/conan/test_package/program.c" "$work/"
quick="-DCMAKE_BUILD_TYPE=Debug -DMF_BLAS=builtin -DMF_MPI=off"

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

# A host that is static, and has set options as plain variables before it fetches: they hold from the first
# configuration on. What it installs starts by itself, and nothing of the library is installed unless it wants that.
mkdir "$work/static"
cp "$work/program.c" "$work/static/"
cat >"$work/static/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.20)
project(host LANGUAGES C)
set(BUILD_SHARED_LIBS OFF)
set(MF_BLAS builtin)

include(GNUInstallDirs)
include(FetchContent)
FetchContent_Declare(monoforward SOURCE_DIR "$source")
FetchContent_MakeAvailable(monoforward)
add_executable(program program.c)
target_link_libraries(program PRIVATE monoforward::monoforward)
install(TARGETS program)
END
for along in OFF ON; do
    quietly "$CMAKE" -S "$work/static" -B "$work/static-$along" -DCMAKE_BUILD_TYPE=Debug -DMF_INSTALL=$along
    grep -q "Matrix products: builtin" "$work/log" || {
        echo "failed: the host's plain variables are not obeyed at the first configuration"
        status=1
    }
    quietly "$CMAKE" --build "$work/static-$along" -j 2
    quietly "$CMAKE" --install "$work/static-$along" --prefix "$work/prefix-$along"
    if find "$work/static-$along" -name 'libmonoforward.so*' | grep .; then
        echo "failed: a static host builds a shared library"
        status=1
    fi
    rm -r "$work/static-$along" # the installed program needs nothing of it
    "$work/prefix-$along/bin/program"
done
[ "$(cd "$work/prefix-OFF" && find . -type f)" = ./bin/program ] || {
    echo "failed: more than the host's program is installed: $(cd "$work/prefix-OFF" && find . -type f)"
    status=1
}
[ -n "$(find "$work/prefix-ON" -name libmonoforward.a)" ] || {
    echo "failed: MF_INSTALL=ON does not install the library"
    status=1
}
[ -f "$work/prefix-ON/share/doc/monoforward/README.md" ] && [ ! -e "$work/prefix-ON/share/doc/host" ] || {
    echo "failed: the documents are not in a folder of their own: $(cd "$work/prefix-ON/share/doc" && find . -name README.md)"
    status=1
}

# Kinds: which files are there, and a project that links what it finds under the one name.
mkdir "$work/user"
cp "$work/program.c" "$source/cmake/packaging/conan/test_package/CMakeLists.txt" "$work/user/"
mpi=${MF_MPI:-off}
installed() { # name, kinds, option
    # shellcheck disable=SC2086
    quietly "$CMAKE" -S "$source" -B "$work/own" $quick -DMF_BUILD_TESTS=OFF -DMF_BUILD_EXAMPLES=OFF -DMF_MPI="$mpi" \
        ${MPI_C_COMPILER:+-DMPI_C_COMPILER="$MPI_C_COMPILER"} "$3"
    find "$work/own" -name 'libmonoforward*' ! -type d -exec rm -f {} +
    quietly "$CMAKE" --build "$work/own" -j 2
    quietly "$CMAKE" --install "$work/own" --prefix "$work/$1"
    expected=
    for library in libmonoforward libmonoforward_mpi; do
        [ $library = libmonoforward ] || [ "$mpi" = on ] || continue
        for kind in $2; do
            expected="$expected$library.$kind "
        done
    done
    for folder in "$work/own" "$work/$1"; do
        found=$(find "$folder" -name 'libmonoforward*' ! -type d | sed 's|.*/||; s/\.so\..*/.so/' | LC_ALL=C sort -u |
            tr '\n' ' ')
        [ "$found" = "$expected" ] || {
            echo "failed: $1: '$found' is in $folder, not '$expected'"
            status=1
        }
    done
    quietly "$CMAKE" -S "$work/user" -B "$work/user-$1" -DCMAKE_PREFIX_PATH="$work/$1"
    quietly "$CMAKE" --build "$work/user-$1"
    "$work/user-$1/program"
}
installed both "a so" -UBUILD_SHARED_LIBS
installed shared so -DBUILD_SHARED_LIBS=ON
installed static a -DBUILD_SHARED_LIBS=OFF
exit "$status"
