#!/bin/sh
# examples/studies/cuts on small data: every cut learns, needs the memory that was foreseen, learns the same bits in a
# pipeline and with more threads, goes on where it was interrupted, and has one line for what is wrong.
# Arguments: resnet18, mixer, language, make_cifar. SPDX-License-Identifier: MIT
resnet18=$1 mixer=$2 language=$3 make_cifar=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
runner=$(cd "$(dirname "$0")/../../examples/studies/cuts" && pwd)/run.sh
mkdir "$work/text" || exit 1
without_data
"$make_cifar" "$work" 40 60 || exit 1
for part in train valid test; do
    awk 'BEGIN { while (i++ < 400) print (i % 3 ? "to be or not to be" : "that is the question"), i % 7 }' \
        >"$work/text/wiki.$part.tokens"
done

# Words. The seed is one from which every instruction set learns, also all 17 convolutions as one layer.
small="--width 4 --batch 20 --epochs 6 --learning-rate 0.01 --seed 1"
residual() {
    # shellcheck disable=SC2086 # options are words
    "$resnet18" --data "$work" $small "$@"
}
mixed() {
    "$mixer" --data "$work" --width 8 --blocks 2 --batch 20 --epochs 20 --learning-rate 0.01 --seed 5 "$@"
}
written() {
    "$language" --data "$work/text" --width 16 --length 12 --batch 16 --epochs 8 --learning-rate 0.01 --seed 5 "$@"
}

# at_most WHAT KEY MOST
at_most() {
    value=$(result "$2")
    awk -v value="$value" -v most="$3" 'BEGIN { exit !(value != "" && value + 0 <= most + 0) }' ||
        fail "$1: $2 is '$value', expected at most $3: $(tail -1 "$work/out")"
}

# same_bits WHAT COMMAND...: others that share the work change nothing but the time.
same_bits() {
    what=$1
    shift
    hash=$(result params_hash)
    [ -n "$hash" ] || fail "$what: the result line has no params_hash"
    succeeds "$what, shared" "$@" --workers 2 --threads 2
    [ "$(result params_hash)" = "$hash" ] || fail "$what: workers and threads gave other parameters"
}

# ---- every cut learns, and the result line says what it must ----
for cut in conv:17 block:9 stage:4 half:2 none:1; do
    succeeds "resnet18, cut ${cut%:*}" residual --cut "${cut%:*}"
    at_least "resnet18, cut ${cut%:*}" best 80
    [ "$(result layers)" = "${cut#*:}" ] || fail "cut ${cut%:*} has $(result layers) layers, not ${cut#*:}"
    [ "$(result memory)" = "$(result held)" ] || fail "cut ${cut%:*} holds other than was foreseen"
    percent='[0-9]+\.[0-9]{2}'
    tail -1 "$work/out" | grep -qE "^result example=resnet18 cut=${cut%:*} epochs=6 last=$percent sum=$percent \
best=$percent seconds=[0-9.]+ processor_seconds=[0-9.]+ memory=[0-9]+ " ||
        fail "the result line does not begin as it should: $(tail -1 "$work/out")"
    same_bits "resnet18, cut ${cut%:*}" residual --cut "${cut%:*}"
done
for cut in block:2 none:1; do
    succeeds "mixer, cut ${cut%:*}" mixed --cut "${cut%:*}"
    at_least "mixer, cut ${cut%:*}" last 80
    [ "$(result layers)" = "${cut#*:}" ] || fail "the mixer's cut ${cut%:*} has $(result layers) layers"
    [ "$(result memory)" = "$(result held)" ] || fail "the mixer's cut ${cut%:*} holds other than was foreseen"
    same_bits "mixer, cut ${cut%:*}" mixed --cut "${cut%:*}"
    # Of 256 bytes; which of two sentences comes, and its number, cannot be told.
    succeeds "language, cut ${cut%:*}" written --cut "${cut%:*}"
    at_most "language, cut ${cut%:*}" last 3
    at_most "language, cut ${cut%:*}" valid_last 3
    [ "$(result layers)" = "${cut#*:}" ] || fail "language's cut ${cut%:*} has $(result layers) layers"
    [ "$(result memory)" = "$(result held)" ] || fail "language's cut ${cut%:*} holds other than was foreseen"
    same_bits "language, cut ${cut%:*}" written --cut "${cut%:*}"
done
succeeds "four blocks" written --blocks 4
[ "$(result layers)" = 4 ] || fail "--blocks 4 has $(result layers) layers"

# ---- memory, counted and foreseen, with nothing learned ----
for cut in block none; do
    succeeds "memory of $cut" residual --cut $cut --epochs 0 --batch 512 --width 16
    [ "$(result memory)" = "$(result memory_512)" ] || fail "$cut: two words about the same memory"
    [ "$(result memory)" = "$(result held)" ] || fail "$cut holds $(result held) bytes, not $(result memory)"
    eval "bytes_$cut=$(result memory)"
    ! grep -q '^result .*nan' "$work/out" || fail "$cut: nothing was learned, and it says $(tail -1 "$work/out")"
done
# shellcheck disable=SC2154
[ $((2 * bytes_block)) -lt "$bytes_none" ] || fail "blocks take $bytes_block bytes, all in one layer $bytes_none"

# ---- an interrupted run goes on to the same bits ----
succeeds "a whole run" residual
hash=$(result params_hash)
# Behind an epoch, so that there is something to go on from; a run that is over before that is tried once more.
for try in 1 2 3 4 5; do
    rm -f "$work/run.safetensors"
    : >"$work/out"
    # shellcheck disable=SC2086
    "$resnet18" --data "$work" $small \
        --checkpoint "$work/run.safetensors" --checkpoint-every 0 >"$work/out" 2>"$work/err" &
    pid=$!
    until grep -q '^ *[1-9] ' "$work/out" || ! kill -0 $pid 2>/dev/null; do
        sleep 0.05
    done
    kill -INT $pid 2>/dev/null
    wait $pid
    code=$?
    [ $code -eq 0 ] || break
done
[ $code -eq 130 ] || fail "an interrupted run ends with exit code $code, not as its signal would: $(cat "$work/err")"
[ -s "$work/run.safetensors" ] || fail "an interrupted run has left no checkpoint"
grep '^ *[1-9] ' "$work/out" >"$work/before"
succeeds "going on" residual --checkpoint "$work/run.safetensors" --resume --plot "$work/curves.svg"
# With their seconds, which no other run has.
grep -vxFf "$work/out" "$work/before" && fail "the run that went on has learned these epochs again"
[ "$(result params_hash)" = "$hash" ] || fail "the run that went on has other parameters"
grep -q '<svg' "$work/curves.svg" || fail "no picture in curves.svg"
complains "another cut" "is of another run: it has cut=block, this one cut=none" residual --cut none \
    --checkpoint "$work/run.safetensors" --resume

# ---- the pipeline's speed: 15 pairs of runs, and nothing is left of a failure ----
build=$(cd "$(dirname "$resnet18")/.." && pwd)
mkdir -p "$work/out-speed" && ln -s "$work" "$work/cifar-10"
speed() {
    sh "$runner" --speed --rows 64 --build "$build" --out "$work/out-speed" "$@"
}
complains "no data for the speed" "the speed of 1-conv with 0 workers" speed --data "$work/nowhere"
[ ! -f "$work/out-speed/speed.log" ] || fail "speed.log is there although a run failed"
succeeds "the pipeline's speed" speed --data "$work"
for workers in 0 2; do
    count=$(grep -c "^result example=resnet18 .*rows_per_second=.* workers=$workers " "$work/out-speed/speed.log")
    [ "$count" -eq 15 ] || fail "$count runs with $workers workers in speed.log, not 15"
done

# ---- other options, data that is drawn, and what is wrong ----
succeeds "images held out" residual --validation 50 --epochs 1
[ "$(result rows)" = 150 ] || fail "--validation 50 leaves $(result rows) images"
[ -n "$(result valid_last)" ] || fail "--validation is not in the result line"
succeeds "one epoch" residual --epochs 1
hash=$(result params_hash)
for option in "--head 1" --head-conv "--seed 6" "--width 3" "--learning-rate 0.02" "--warmup 0.5" "--weight-decay 0.5" \
    "--batch 19" "--limit 190"; do
    # shellcheck disable=SC2086 # options are words
    succeeds "$option" residual --epochs 1 $option
    [ "$(result params_hash)" != "$hash" ] || fail "$option has no effect"
done
succeeds "a mixer" mixed --epochs 2
hash=$(result params_hash)
succeeds "the mean over patches" mixed --epochs 2 --head 1
[ "$(result params_hash)" != "$hash" ] || fail "--head has no effect on the mixer"
for program in "$resnet18" "$mixer" "$language"; do
    succeeds "no data" "$program" --epochs 1 --width 4 --limit 40 --test-limit 20 --batch 20
    [ "$(result data)" = drawn ] || fail "$program: the result line does not say that data was drawn"
done
succeeds "help" "$resnet18" --help
grep -q -- '--cut' "$work/out" || fail "the help does not name --cut"
complains "an unknown cut" "conv|block|stage|half|none" residual --cut middle
complains "no such folder" "nowhere" residual --data "$work/nowhere"
complains "no text there" "wiki.train.tokens" written --data "$work/nowhere"
mkdir "$work/short" && for part in train valid test; do echo short >"$work/short/wiki.$part.tokens"; done
complains "a short text" "a text of 6 bytes has no piece of 12" written --data "$work/short"
exit "$status"
