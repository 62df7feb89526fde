#!/bin/sh
# Every head: sh examples/studies/words/run.sh FOLDER [OPTIONS OF words]. A run that has its line in FOLDER/runs.log is
# not made again; one that was interrupted goes on from its checkpoint. WORDS and PYTHON name other programs. All words of
# the training part are learned from, once, or TOKENS of them; learning rates and the law of the candidates are chosen
# first, by runs over a tenth of them that do not look at the test part. MODELS says which parts are made: the second may
# run beside the first, on another core.
# SPDX-License-Identifier: MIT
set -eu
here=$(dirname "$0")
folder=$1
shift
words=${WORDS:-build/examples/words}
tokens=${TOKENS:-2088448}
models=${MODELS:-feed-forward transformer}
. "$here/../common/runs.sh"

# run NAME OPTIONS...
run() {
    name=$1
    shift
    run_once "$name" "$words" --threads 1 --judged 0 --tokens "$tokens" "$@"
    rm -f "$folder/$name.out"
}

# choose GROUP OPTIONS...: a short run for each rate, which does not look at the test part.
choose() {
    group=$1
    shift
    for rate in 0.002 0.004 0.008 0.016; do
        run "choose-$group-$rate" --test no --judged 16384 --tokens $((tokens / 10)) --rate "$rate" "$@"
    done
}

# best PATTERN: the options of the run of the lowest perplexity on the validation part, of all choices of that name.
best() {
    grep "^choose-$1" "$folder/runs.log" | awk '
        { for (i = 2; i <= NF; i++) { split($i, part, "="); value[part[1]] = part[2] }
          if (least == "" || value["valid"] < least) {
              least = value["valid"]
              options = "--rate " value["rate"]
              if (value["law"] != "none")
                  options = options " --law " value["law"] " --candidates " value["candidates"]
          } }
        END { print options }'
}

# torch_knows OPTIONS...: are these for PyTorch's side, too? With others it would be the model of another run.
torch_knows() {
    while [ $# -gt 0 ]; do
        case $1 in
        --data=* | --judged=* | --threads=*) ;;
        --data | --judged | --threads) [ $# -eq 1 ] || shift ;;
        *) return 1 ;;
        esac
        shift
    done
}

# torch OPTIONS...: PyTorch's side of bp-full.
torch() {
    ! grep -q '^torch-bp: result' "$folder/runs.log" || return 0
    "$PYTHON" "$here/torch_words.py" --judged 0 --tokens "$tokens" "$@" >"$folder/torch-bp.out"
    sed -n 's/^result/torch-bp: result/p' "$folder/torch-bp.out" >>"$folder/runs.log"
    rm -f "$folder/torch-bp.out"
}

# The rates of the second model are chosen like those of the first, the law of its candidates is theirs.
sampled="--law uniform"
low_rank="--head low-rank"
shared="--head shared --rank 4"

# shellcheck disable=SC2046,SC2086
feed_forward() {
    for law in uniform log-uniform counts; do
        choose "mf-sampled-$law" --law $law "$@"
    done
    choose mf-shared $shared $sampled "$@"
    choose mf-low-rank $low_rank $sampled "$@"
    choose bp-sampled --train bp $sampled "$@"
    choose mf-full "$@"
    choose bp-full --train bp "$@"

    run mf-full $(best mf-full) "$@"
    run bp-full --train bp $(best bp-full) "$@"
    run mf-sampled $(best mf-sampled-) "$@"
    run bp-sampled --train bp $(best bp-sampled) "$@"
    for rank in 32 16 8; do
        run mf-rank-$rank-sampled $low_rank --rank $rank $(best mf-low-rank) "$@"
    done
    run mf-shared-sampled $shared $(best mf-shared) "$@"
    run mf-shared-rank-0-sampled --head shared --rank 0 $(best mf-shared) "$@"
    if [ -z "${PYTHON:-}" ]; then
        :
    elif torch_knows "$@"; then
        torch $(best bp-full) "$@"
    else
        echo "PyTorch is left out: torch_words.py does not know all of $*" >&2
    fi
    # Other starts and orders of those that decide.
    for seed in 2 3; do
        run mf-sampled-seed-$seed --seed $seed $(best mf-sampled-) "$@"
        run mf-rank-8-sampled-seed-$seed --seed $seed $low_rank --rank 8 $(best mf-low-rank) "$@"
        run mf-shared-sampled-seed-$seed --seed $seed $shared $(best mf-shared) "$@"
        run mf-full-seed-$seed --seed $seed $(best mf-full) "$@"
        run bp-full-seed-$seed --seed $seed --train bp $(best bp-full) "$@"
    done
    run mf-sampled-4000 $(best mf-sampled-) --candidates 4000 "$@"
    run mf-rank-32 $low_rank --rank 32 $(best mf-full) "$@"
    run mf-shared $shared $(best mf-full) "$@"
    # Wider layers; what they take is known after a step.
    for width in 256 512; do
        steps="--test no --tokens 128 --judged 128"
        [ $width -eq 512 ] || steps=
        run bp-full-width-$width --train bp --width $width $steps $(best bp-full) "$@"
        run mf-rank-32-sampled-width-$width $low_rank --width $width $steps $(best mf-low-rank) "$@"
        run mf-shared-sampled-width-$width $shared --width $width $steps $(best mf-shared) "$@"
    done
}

# Two blocks, which tell as many words in a step, at the positions of four rows.
# shellcheck disable=SC2046,SC2086
transformer() {
    set -- --model transformer --window 32 --width 64 "$@"
    choose transformer-mf-sampled $sampled "$@"
    choose transformer-mf-shared $shared $sampled "$@"
    choose transformer-mf-low-rank $low_rank $sampled "$@"
    choose transformer-bp-sampled --train bp $sampled "$@"
    choose transformer-mf-full "$@"
    choose transformer-bp-full --train bp "$@"

    run transformer-mf-full $(best transformer-mf-full) "$@"
    run transformer-bp-full --train bp $(best transformer-bp-full) "$@"
    run transformer-mf-sampled $(best transformer-mf-sampled) "$@"
    run transformer-bp-sampled --train bp $(best transformer-bp-sampled) "$@"
    run transformer-mf-rank-32-sampled $low_rank --rank 32 $(best transformer-mf-low-rank) "$@"
    run transformer-mf-rank-8-sampled $low_rank --rank 8 $(best transformer-mf-low-rank) "$@"
    run transformer-mf-shared-sampled $shared $(best transformer-mf-shared) "$@"
}

for model in $models; do
    case $model in
    feed-forward) feed_forward "$@" ;;
    transformer) transformer "$@" ;;
    *)
        echo "MODELS is $model, which is neither feed-forward nor transformer" >&2
        exit 2
        ;;
    esac
done
cat "$folder/runs.log"
