#!/bin/sh
# Every head once: sh examples/studies/words/run.sh FOLDER [OPTIONS OF words]. A run that has its line in FOLDER/runs.log is
# not made again; one that was interrupted goes on from its checkpoint. WORDS and PYTHON name other programs.
# SPDX-License-Identifier: MIT
set -eu
here=$(dirname "$0")
folder=$1
shift
words=${WORDS:-build/examples/words}
. "$here/../common/runs.sh"
# run NAME OPTIONS...
run() {
    name=$1
    shift
    run_once "$name" "$words" "$@"
    rm -f "$folder/$name.out"
}
run mf-counts --law counts "$@"
run bp-full --train bp "$@"
run mf-full "$@"
run bp-counts --train bp --law counts "$@"
run mf-log-uniform --law log-uniform "$@"
run mf-uniform --law uniform "$@"
run mf-low-rank-counts --head low-rank --law counts "$@"
run mf-shared-counts --head shared --law counts "$@"
run mf-counts-8000 --law counts --candidates 8000 "$@"
# As many words as steps with candidates learn from in a third of the time of those with all words.
run mf-counts-more --law counts "$@" --tokens "${MORE:-240000}"
run mf-uniform-8000 --law uniform --candidates 8000 "$@"
run mf-low-rank --head low-rank "$@"
run mf-shared --head shared "$@"
if [ -n "${PYTHON:-}" ] && ! grep -q '^torch-bp: result' "$folder/runs.log"; then
    "$PYTHON" "$here/torch_words.py" "$@" | sed -n 's/^result/torch-bp: result/p' >>"$folder/runs.log"
fi
cat "$folder/runs.log"
