#!/bin/sh
# Every head: sh examples/studies/words/run.sh FOLDER [OPTIONS OF words]. A run that has its line in FOLDER/runs.log is
# not made again; one that was interrupted goes on from its checkpoint. WORDS and PYTHON name other programs. All words of
# the training part are learned from, once, or TOKENS of them; learning rates and the law of the candidates are chosen
# first, by runs over a tenth of them that do not look at the test part. More words want lower rates, so each model is made
# at half the chosen rate as well, and the feed-forward ones at a quarter. MODELS says which parts are made: the second may
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

# best NAMES [DIVISOR]: the options of the run of the lowest perplexity on the validation part, of all runs of such names,
# a regular expression; the rate is divided.
best() {
    grep -E "^($1): result" "$folder/runs.log" | awk -v divisor="${2:-1}" '
        { for (i = 2; i <= NF; i++) { split($i, part, "="); value[part[1]] = part[2] }
          if (least == "" || value["valid"] < least) {
              least = value["valid"]
              options = "--rate " value["rate"] / divisor
              if (value["law"] != "none")
                  options = options " --law " value["law"] " --candidates " value["candidates"]
          } }
        END { print options }'
}

# rates NAME CHOICES OPTIONS...: runs at the best rate of these choices, and at parts of it.
# shellcheck disable=SC2046
rates() {
    base=$1 choices="choose-$2-[0-9.]*"
    shift 2
    for part in $parts; do
        case $part in
        1) name=$base ;;
        2) name=$base-half ;;
        4) name=$base-quarter ;;
        esac
        run "$name" $(best "$choices" "$part") "$@"
    done
}

# seeds NAME OPTIONS...: other starts and orders, at the best of these rates.
# shellcheck disable=SC2086
seeds() {
    base=$1
    shift
    options=$(best "$base(-half|-quarter)?")
    rate=${options#--rate } rate=${rate%% *}
    for seed in 2 3; do
        run "$base-$rate-seed-$seed" --seed $seed $options "$@"
    done
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
    parts="1 2 4"
    for law in uniform log-uniform counts; do
        choose "mf-sampled-$law" --law $law "$@"
    done
    choose mf-shared $shared $sampled "$@"
    choose mf-low-rank $low_rank $sampled "$@"
    choose bp-sampled --train bp $sampled "$@"
    choose bp-low-rank --train bp $low_rank $sampled "$@"
    choose mf-full "$@"
    choose bp-full --train bp "$@"

    rates mf-full mf-full "$@"
    rates bp-full bp-full --train bp "$@"
    rates mf-sampled 'mf-sampled-[a-z-]*' "$@"
    rates bp-sampled bp-sampled --train bp "$@"
    for rank in 32 16 8; do
        rates mf-rank-$rank-sampled mf-low-rank $low_rank --rank $rank "$@"
    done
    for rank in 32 8; do
        rates bp-rank-$rank-sampled bp-low-rank --train bp $low_rank --rank $rank "$@"
    done
    rates mf-shared-sampled mf-shared $shared "$@"
    rates mf-shared-rank-0-sampled mf-shared --head shared --rank 0 "$@"
    rates mf-sampled-4000 'mf-sampled-[a-z-]*' "$@" --candidates 4000
    if [ -z "${PYTHON:-}" ]; then
        :
    elif torch_knows "$@"; then
        torch $(best 'bp-full(-half|-quarter)?') "$@"
    else
        echo "PyTorch is left out: torch_words.py does not know all of $*" >&2
    fi
    seeds mf-sampled "$@"
    seeds mf-rank-32-sampled $low_rank --rank 32 "$@"
    seeds mf-rank-8-sampled $low_rank --rank 8 "$@"
    seeds mf-shared-sampled $shared "$@"
    seeds mf-full "$@"
    seeds bp-full --train bp "$@"
    # What wider layers take is known after a step.
    for width in 256 512; do
        step="--width $width --test no --tokens 128 --judged 128"
        run bp-full-width-$width --train bp "$@" $step
        run mf-rank-32-sampled-width-$width $low_rank $sampled "$@" $step
        run mf-shared-sampled-width-$width $shared $sampled "$@" $step
    done
}

# Two blocks, which tell as many words in a step, at the positions of four rows.
# shellcheck disable=SC2046,SC2086
transformer() {
    parts="1 2"
    set -- --model transformer --window 32 --width 64 "$@"
    choose transformer-mf-sampled $sampled "$@"
    choose transformer-mf-shared $shared $sampled "$@"
    choose transformer-mf-low-rank $low_rank $sampled "$@"
    choose transformer-bp-sampled --train bp $sampled "$@"
    choose transformer-bp-low-rank --train bp $low_rank $sampled "$@"
    choose transformer-mf-full "$@"
    choose transformer-bp-full --train bp "$@"

    rates transformer-mf-full transformer-mf-full "$@"
    rates transformer-bp-full transformer-bp-full --train bp "$@"
    rates transformer-mf-sampled transformer-mf-sampled "$@"
    rates transformer-bp-sampled transformer-bp-sampled --train bp "$@"
    rates transformer-mf-rank-32-sampled transformer-mf-low-rank $low_rank --rank 32 "$@"
    rates transformer-mf-rank-8-sampled transformer-mf-low-rank $low_rank --rank 8 "$@"
    rates transformer-bp-rank-32-sampled transformer-bp-low-rank --train bp $low_rank --rank 32 "$@"
    rates transformer-bp-rank-8-sampled transformer-bp-low-rank --train bp $low_rank --rank 8 "$@"
    rates transformer-mf-shared-sampled transformer-mf-shared $shared "$@"
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
