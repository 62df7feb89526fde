#!/bin/sh
# examples/studies/mpi_mnist: a pipeline of any number of ranks ends with the parameters of mnist; data parallel and
# hybrid runs learn and repeat; a run goes on with another number of ranks, also after kill -9.
# Arguments: mpi_mnist, mnist, make_idx, mpirun, its option for the number of ranks. SPDX-License-Identifier: MIT
mpi_mnist=$1 mnist=$2 make_idx=$3 mpirun=$4 option=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

data=$work/data
mkdir "$data"
"$make_idx" "$data" 600 200 10 || exit 1
unset MONOFORWARD_DATA

# What follows is the same for mnist and for ranks.
options="--data $data --epochs 2 --batch 16 --seed 5 --learning-rate 0.01"
alone() {
    # shellcheck disable=SC2086 # options are words
    "$mnist" $options "$@"
}
ranks() { # how many, options...
    count=$1
    shift
    # shellcheck disable=SC2086
    "$mpirun" "$option" "$count" "$mpi_mnist" $options "$@"
}

# same_hash WHAT COUNTS OPTIONS...: mnist, and pipelines of these numbers of ranks.
same_hash() {
    what=$1 counts=$2
    shift 2
    succeeds "$what, mnist" alone "$@"
    hash=$(result params_hash)
    [ -n "$hash" ] || fail "$what: mnist has no params_hash"
    for count in $counts; do
        succeeds "$what, $count ranks" ranks $count --mode pipeline "$@"
        [ "$(result params_hash)" = "$hash" ] || fail "$what: $count ranks have other parameters than mnist"
    done
}
deep="--hidden 24,16,20,12"
# shellcheck disable=SC2086
same_hash "dense layers" "1 2 3 4" $deep --dropout 0.1 --normalization batch
[ "$(result activation_bytes_per_batch)" = "$(awk 'BEGIN { rows = 600 / 38
    printf "%.0f", 3 * 64 + rows * (3 * 4 + 4 * (24 + 16 + 20)) }')" ] ||
    fail "4 ranks sent $(result activation_bytes_per_batch) bytes a batch"
same_hash "convolutions" "2 4" --preset cnn --conv 6,10 --pool 2 --hidden 12,10 --epochs 1
# shellcheck disable=SC2086
same_hash "greedy" "3" $deep --greedy --epochs 1 --dropout 0.2

# shellcheck disable=SC2086
{
    succeeds "bf16 on the wire" ranks 2 $deep --wire bf16
    at_least "bf16 on the wire" last 50
    bf16=$(result params_hash)
    succeeds "float32 on the wire" ranks 2 $deep
    sent=$(result activation_bytes_per_batch)
    [ "$(result params_hash)" != "$bf16" ] || fail "--wire bf16 has no effect"
    for mode in "--mode data" "--mode data --average-every 5" "--mode hybrid"; do
        succeeds "$mode" ranks 2 $deep $mode
        at_least "$mode" sum 90
        hash=$(result params_hash)
        succeeds "$mode again" ranks 2 $deep $mode
        [ "$(result params_hash)" = "$hash" ] || fail "$mode does not repeat"
    done
    succeeds "2 x 2 ranks" ranks 4 $deep --mode hybrid --epochs 1
    [ "$(result stages)" = 2 ] && [ "$(result replicas)" = 2 ] || fail "a hybrid run of 4 ranks is not 2 x 2"
}

# ---- a share of one image has no variance: what is left over of 600 images does not suffice for two replicas ----
for batch in 23 199; do
    # shellcheck disable=SC2086
    succeeds "$((600 % batch)) images left over" ranks 2 $deep --mode data --normalization batch --batch $batch --epochs 1
done

# ---- what is wrong is said once ----
# refused WHAT PATTERN COUNT OPTIONS...
refused() {
    what=$1 pattern=$2
    shift 2
    if ranks "$@" >"$work/out" 2>"$work/err"; then
        fail "$what: no error"
    fi
    [ "$(grep -c "^error: .*$pattern" "$work/err")" -eq 1 ] || {
        fail "$what:"
        cat "$work/err"
    }
}
refused "one layer on two ranks" "MF_STATUS_SHAPE: .*1 layers are too few for 2 stages" 2 --hidden 24 --mode pipeline
refused "a batch of one image for one of two replicas" "2 images for each of 2 replicas" 2 --mode data --normalization batch \
    --batch 3
refused "moments for checkpoints" "checkpoint-every is for mnist" 1 --checkpoint-every=5

# ---- as many words as one likes ----
many() { # WORD...: 130 times
    for i in $(seq 130); do
        printf '%s ' "$@"
    done
}
# shellcheck disable=SC2046
{
    succeeds "many words about ranks" ranks 1 $(many --mode data) --mode pipeline --hidden 24 --epochs 1
    [ "$(result mode)" = pipeline ] || fail "the last of many words does not count"
    refused "a wrong word behind many others" "epochs none" 1 $(many --seed 5) --epochs none
}

# ---- a run that is over, and one of something else ----
finished="--hidden 24,16 --epochs 1 --checkpoint $work/over.mf"
# shellcheck disable=SC2086
{
    succeeds "a run with a checkpoint" ranks 2 $finished
    said="$(result params_hash) $(result seconds) $(result samples_per_second)"
    succeeds "a run that is over" ranks 2 $finished --resume
    [ "$(result params_hash) $(result seconds) $(result samples_per_second)" = "$said" ] ||
        fail "a run that is over says otherwise than before ($said): $(tail -1 "$work/out")"
    [ "$(result activation_bytes_per_batch) $(result average_bytes_per_batch)" = "0 0" ] ||
        fail "a run that is over sends something: $(tail -1 "$work/out")"
    mkdir "$work/other"
    "$make_idx" "$work/other" 601 200 10 || exit 1
    refused "other images" "another run: it has images=600, this one images=601" 1 $finished --resume --data "$work/other"
    refused "drawn images" "another run: it has data=idx, this one data=drawn" 1 $finished --resume --data ""
    refused "another warm-up" "another run: it has warmup=0, this one warmup=5" 1 $finished --resume --warmup 5
}

# ---- a run that is killed goes on, on another number of ranks ----
# begun: waits until the run with the checkpoint run.mf has had epochs, and names one of its processes.
begun() {
    while [ "$(grep -c '^epoch' "$work/out")" -lt 5 ] && kill -0 $runner 2>/dev/null; do
        sleep 0.02
    done
    ps -eo pid,args |
        awk -v program="$mpi_mnist" -v file="$work/run.mf" '$2 == program && index($0, file) { last = $1 } END { print last }'
}
# ended SIGNAL COUNT OPTIONS...: one of COUNT ranks gets the signal. A run that is over before is tried once more.
ended() {
    signal=$1 count=$2
    shift 2
    for try in 1 2 3 4 5; do
        rm -f "$work/run.mf"
        : >"$work/out" # which has the epochs of the run before
        ranks "$count" "$@" >"$work/out" 2>"$work/err" &
        runner=$!
        victim=$(begun)
        [ -z "$victim" ] || kill -"$signal" "$victim"
        wait $runner && continue
        [ -n "$victim" ] || fail "a run that SIG$signal is to end fails by itself: $(cat "$work/err")"
        return
    done
    fail "SIG$signal of a rank: mpirun ends with 0, $try times"
}
# shellcheck disable=SC2086
succeeds "the whole run" alone $deep --epochs 60 --dropout 0.1
hash=$(result params_hash)
long="$deep --epochs 60 --dropout 0.1 --checkpoint $work/run.mf"
# shellcheck disable=SC2086
ended KILL 3 $long
[ -s "$work/run.mf" ] || fail "kill -9: no checkpoint is there"
# shellcheck disable=SC2086
succeeds "after kill -9" ranks 2 $long --resume
# The five epochs that were seen, but the last, whose checkpoint may not have been written.
[ "$(grep -c '^epoch' "$work/out")" -le 56 ] || fail "after kill -9: the run has begun anew"
[ "$(result params_hash)" = "$hash" ] || fail "after kill -9, 2 ranks end with other parameters than mnist"
[ "$(result activation_bytes_per_batch)" = "$sent" ] ||
    fail "after kill -9, a batch sends $(result activation_bytes_per_batch) bytes, $sent otherwise"
# A signal that would interrupt mnist at its next batch ends a rank.
# shellcheck disable=SC2086
ended TERM 1 $long --epochs 10000
exit "$status"
