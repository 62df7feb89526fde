#!/bin/sh
# Every head: sh examples/studies/words/run.sh FOLDER [OPTIONS OF words]. A run that has its line in FOLDER/runs.log is
# not made again; one that was interrupted goes on from its checkpoint. WORDS and PYTHON name other programs; SCALE
# multiplies how many words are learned from (1). Learning rates and the law of the candidates are chosen first, on the
# validation part alone.
# SPDX-License-Identifier: MIT
set -eu
here=$(dirname "$0")
folder=$1
shift
words=${WORDS:-build/examples/words}
scale=${SCALE:-1}
. "$here/../common/runs.sh"

# run NAME OPTIONS...
run() {
    name=$1
    shift
    run_once "$name" "$words" --threads 1 --judged 4096 "$@"
    rm -f "$folder/$name.out"
}

# choose GROUP WORDS "RATES" OPTIONS...: a short run for each rate, which does not look at the test part.
choose() {
    group=$1 count=$2 tried=$3
    shift 3
    for rate in $tried; do
        run "choose-$group-$rate" --test no --judged 2048 --tokens $((count * scale)) --rate "$rate" "$@"
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
    "$PYTHON" "$here/torch_words.py" --judged 4096 "$@" >"$folder/torch-bp.out"
    sed -n 's/^result/torch-bp: result/p' "$folder/torch-bp.out" >>"$folder/runs.log"
    rm -f "$folder/torch-bp.out"
}

rates="0.002 0.004 0.008 0.016"
for law in uniform log-uniform counts; do
    choose "mf-sampled-$law" 102400 "$rates" --law $law "$@"
done
choose bp-full 12800 "$rates" --train bp "$@"
choose mf-full 12800 "0.002 0.004 0.008" "$@"
choose bp-sampled 102400 "$rates" --train bp --law uniform "$@"
choose mf-low-rank 102400 "$rates" --head low-rank --law uniform "$@"
choose mf-shared 102400 "$rates" --head shared --rank 4 --law uniform "$@"

# As many words for all, and more for those that are faster, which take about a third of the time of all words then. Two
# transformer blocks tell as many words in a step, at the positions of four rows; they take the rates of the others.
few="--tokens $((48000 * scale))"
more="--tokens $((384000 * scale))"
transformer="--model transformer --window 32 --width 64"
# shellcheck disable=SC2046,SC2086
{
    run bp-full --train bp $few $(best bp-full) "$@"
    run mf-sampled $few $(best mf-sampled-) "$@"
    run mf-full $few $(best mf-full) "$@"
    run bp-sampled --train bp $few $(best bp-sampled) "$@"
    run mf-low-rank-sampled --head low-rank $few $(best mf-low-rank) "$@"
    run mf-rank-16-sampled --head low-rank --rank 16 $few $(best mf-low-rank) "$@"
    run mf-shared-sampled --head shared --rank 4 $few $(best mf-shared) "$@"
    run mf-shared-rank-0-sampled --head shared --rank 0 $few $(best mf-shared) "$@"
    run mf-shared-sampled-more --head shared --rank 4 $more $(best mf-shared) "$@"
    run mf-shared-rank-0-sampled-more --head shared --rank 0 $more $(best mf-shared) "$@"
    # What wider layers take is known after a step.
    for width in 256 512; do
        run memory-bp-full-$width --test no --train bp --width $width --tokens 128 --judged 128 "$@"
        run memory-mf-low-rank-sampled-$width --test no --head low-rank --law uniform --width $width --tokens 128 \
            --judged 128 "$@"
    done
    run transformer-mf-sampled $transformer $few $(best mf-sampled-) "$@"
    run transformer-bp-sampled $transformer --train bp $few $(best bp-sampled) "$@"
    run mf-sampled-more $more $(best mf-sampled-) "$@"
    if [ -z "${PYTHON:-}" ]; then
        :
    elif torch_knows "$@"; then
        torch $few $(best bp-full) "$@"
    else
        echo "PyTorch is left out: torch_words.py does not know all of $*" >&2
    fi
    run mf-rank-16-sampled-more --head low-rank --rank 16 $more $(best mf-low-rank) "$@"
    run transformer-mf-sampled-more $transformer $more $(best mf-sampled-) "$@"
    run transformer-bp-full $transformer --train bp $few $(best bp-full) "$@"
    run bp-sampled-more --train bp $more $(best bp-sampled) "$@"
    run transformer-mf-full $transformer $few $(best mf-full) "$@"
    run mf-low-rank-sampled-more --head low-rank $more $(best mf-low-rank) "$@"
    run transformer-mf-shared-sampled-more $transformer --head shared --rank 4 $more $(best mf-shared) "$@"
    run transformer-bp-sampled-more $transformer --train bp $more $(best bp-sampled) "$@"
    run mf-sampled-4000 $few $(best mf-sampled-) --candidates 4000 "$@"
    run mf-low-rank --head low-rank $few $(best mf-full) "$@"
    run mf-shared --head shared --rank 4 $few $(best mf-full) "$@"
    # The rate that came second for all words, over as many words as the others have.
    run mf-full-0.008 --test no $few --rate 0.008 "$@"
}
cat "$folder/runs.log"
