#!/bin/sh
# Ranks with other versions of the library: an error on every rank. A library that is loaded before it on rank 1 answers
# in its place. Arguments: test_mpi_errors, mpirun, its option for the number of ranks. Reads CC.
# SPDX-License-Identifier: MIT
set -eu
program=$1 mpirun=$2 option=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
echo 'const char *mf_version(void); const char *mf_version(void) { return "9.9.9"; }' >"$work/other.c"
"${CC:-cc}" -shared -fPIC "$work/other.c" -o "$work/other.so"
"$mpirun" "$option" 1 "$program" versions : "$option" 1 env LD_PRELOAD="$work/other.so" "$program" versions
