#!/bin/sh
# An outside project that uses the installed libmonoforward_mpi, by find_package(monoforward COMPONENTS mpi) and by
# pkg-config, and runs as two ranks. Without the component nothing of MPI is looked for.
# Arguments: the build folder, mpirun, its option for the number of ranks, the compiler for MPI. Reads CMAKE.
# SPDX-License-Identifier: MIT
set -eu
build=$1 mpirun=$2 option=$3 mpicc=$4
CMAKE=${CMAKE:-cmake}
# shellcheck source=tests/manifest.sh
. "$(dirname "$0")/../manifest.sh"

cat >"$work/main.c" <<'PROGRAM'
#include <monoforward_mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    mf_mpi_grid *grid = NULL;
    mf_mpi_place place = {.struct_size = sizeof place};
    MPI_Init(&argc, &argv);
    mf_status status = mf_mpi_grid_create(MPI_COMM_WORLD, NULL, &grid);
    if (status == MF_STATUS_OK)
        status = mf_mpi_grid_place(grid, &place);
    if (place.rank == 1)
        printf("monoforward_mpi %s: %u stages\n", mf_mpi_version(), (unsigned)place.stages);
    mf_mpi_grid_free(grid);
    MPI_Finalize();
    return status != MF_STATUS_OK;
}
PROGRAM
cat >"$work/CMakeLists.txt" <<'PROJECT'
cmake_minimum_required(VERSION 3.20)
project(consumer LANGUAGES C)
find_package(monoforward 0.2 REQUIRED COMPONENTS mpi)
add_executable(program main.c)
target_link_libraries(program PRIVATE monoforward::monoforward_mpi)
PROJECT

"$CMAKE" --install "$build" --prefix "$work/prefix" >"$work/log"
for file in include/monoforward_mpi.h include/monoforward_mpi.hpp; do
    [ -f "$work/prefix/$file" ] || { echo "failed: $file is not installed"; exit 1; }
done
"$CMAKE" -S "$work" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/prefix" -DMPI_C_COMPILER="$mpicc" >"$work/log" 2>&1 &&
    "$CMAKE" --build "$work/out" >>"$work/log" 2>&1 || {
    cat "$work/log"
    echo "failed: find_package"
    exit 1
}
says() { # program, what it was found by
    "$mpirun" "$option" 2 "$1" >"$work/log" 2>&1 && grep -q '^monoforward_mpi .*: 2 stages$' "$work/log" || {
        cat "$work/log"
        echo "failed: $2"
        exit 1
    }
    echo "ok: $2: $(tail -1 "$work/log")"
}
says "$work/out/program" find_package
pc=$(find "$work/prefix" -name monoforward-mpi.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046 # the flags are words
"$mpicc" "$work/main.c" $(pkg-config --cflags --libs monoforward-mpi) \
    -Wl,-rpath,"$(pkg-config --variable=libdir monoforward-mpi)" -o "$work/by_pkg_config"
says "$work/by_pkg_config" pkg-config
static_only "$(dirname "$0")/../.." "$work/prefix" "$work/only"
PKG_CONFIG_PATH=$work/only${PKG_CONFIG_PATH#"$work/prefix"}
# shellcheck disable=SC2046
"$mpicc" "$work/main.c" $(pkg-config --cflags --libs monoforward-mpi) -o "$work/static_by_pkg_config"
says "$work/static_by_pkg_config" "pkg-config, static only"
sed -i 's/ COMPONENTS mpi//; s/monoforward_mpi)/monoforward)/; s/main.c/plain.c/' "$work/CMakeLists.txt"
printf '#include <monoforward.h>\nint main(void) { return mf_version()[0] == 0; }\n' >"$work/plain.c"
"$CMAKE" -S "$work" -B "$work/plain" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1 &&
    "$CMAKE" --build "$work/plain" >>"$work/log" 2>&1 && "$work/plain/program" || {
    cat "$work/log"
    echo "failed: a project that does not ask for mpi"
    exit 1
}
if grep -q MPI_C "$work/plain/CMakeCache.txt"; then
    echo "failed: MPI was looked for without being asked for"
    exit 1
fi
