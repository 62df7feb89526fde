#!/bin/sh
# Is gate.sh a gate? Copies of the header with one change each have to be told apart.
# Arguments: header. SPDX-License-Identifier: MIT
set -eu
header=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/abi/dump.sh
. "$here/../abi/dump.sh"
status=0

judge() { # what, exit code, words, sed commands
    sed "$4" "$header" >"$work/monoforward_mpi.h"
    cmp -s "$header" "$work/monoforward_mpi.h" && echo "failed: nothing was changed by $4" && status=1
    code=0
    sh "$here/gate.sh" "$work/monoforward_mpi.h" >"$work/log" 2>&1 || code=$?
    if [ $code -ne "$2" ] || ! grep -q -- "$3" "$work/log"; then
        echo "failed: $1: exit code $code, expected $2 and '$3':"
        cat "$work/log"
        status=1
    fi
}

judge "a function is gone" 1 mf_mpi_flush 's/mf_mpi_flush(mf_mpi_trainer/mf_mpi_rest(mf_mpi_trainer/'
judge "a type of a parameter" 1 mf_mpi_step_layer 's/size_t position, const mf_batch/int32_t position, const mf_batch/'
judge "a type of a field" 1 max_batch 's/    size_t max_batch; /    int32_t max_batch;/'
judge "a field in the middle" 1 depth 's/^    size_t depth; /    size_t width; size_t depth; /'
judge "a number" 1 MF_MPI_WIRE_BF16 's/MF_MPI_WIRE_BF16 = 1/MF_MPI_WIRE_BF16 = 2/'
judge "a field at the end" 3 more 's/^} mf_mpi_trainer_spec;/    int32_t more; } mf_mpi_trainer_spec;/'
judge "a function more" 3 mf_mpi_more 's/^MF_API mf_status mf_mpi_flush/MF_API mf_status mf_mpi_more(void);\n&/'

# Another release of the library, and --renew: on a copy of the baseline.
renews() { # what, exit code, words, version of the newest interface then, sed commands
    sed "$5" "$header" >"$work/monoforward_mpi.h"
    code=0 after=0
    BASELINE=$work/baseline sh "$here/gate.sh" "$work/monoforward_mpi.h" --renew >"$work/log" 2>&1 || code=$?
    BASELINE=$work/baseline sh "$here/gate.sh" "$work/monoforward_mpi.h" >>"$work/log" 2>&1 || after=$?
    is=$(newest "$work/baseline" monoforward_mpi.interface)
    if [ $code -ne "$2" ] || [ $after -ne "$2" ] || ! grep -q -- "$3" "$work/log" || [ "${is##*/}" != "$4" ]; then
        echo "failed: $1: exit codes $code and $after, expected $2, '$3' and the interface of $4, which is ${is##*/}:"
        cat "$work/log"
        status=1
    fi
}

cp -R "$here/../abi/baseline" "$work/baseline"
mkdir "$work/baseline/998.0.0" # where only the other library was renewed
: >"$work/baseline/998.0.0/monoforward.h"
sed 's/define MF_VERSION_MAJOR .*/define MF_VERSION_MAJOR 999/' "$(dirname "$header")/monoforward.h" >"$work/monoforward.h"
new=$(awk '/^#define MF_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $3; dot = "." }' "$work/monoforward.h")
old=$(newest "$work/baseline" monoforward_mpi.interface)
break='s/mf_mpi_flush(mf_mpi_trainer/mf_mpi_rest(mf_mpi_trainer/'
renews "--renew over a break" 1 mf_mpi_flush "${old##*/}" "$break"
renews "--renew with a function more" 0 "now that of $new" "$new" \
    's/^MF_API mf_status mf_mpi_flush/MF_API mf_status mf_mpi_more(void);\n&/'
find "$work/baseline" -name monoforward_mpi.interface -exec rm -f {} +
code=0
BASELINE=$work/baseline sh "$here/gate.sh" "$header" >"$work/log" 2>&1 || code=$?
if [ $code -ne 1 ] || ! grep -q "^failed: no monoforward_mpi.interface" "$work/log"; then
    echo "failed: without a baseline: exit code $code:"
    cat "$work/log"
    status=1
fi
renews "--renew without a baseline" 0 "now that of $new" "$new" "$break"
exit $status
