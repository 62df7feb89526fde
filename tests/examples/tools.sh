#!/bin/sh
# predict and info on networks that mnist has saved: the accuracy that it printed, one answer a line, and one line for
# every file that cannot be read. Arguments: mnist, predict, info, make_idx, make_models. SPDX-License-Identifier: MIT
mnist=$1 predict=$2 info=$3 make_idx=$4 make_models=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
cd "$work" || exit 1
unset MONOFORWARD_DATA
mkdir data small
"$make_idx" data 300 150 10 && "$make_idx" small 20 20 8 && "$make_models" . || exit 1
images=data/t10k-images-idx3-ubyte labels=data/t10k-labels-idx1-ubyte

# answers WHAT ARGUMENTS...: exit code 0, answers in out, and the result line, which is all of stderr, in result.
answers() {
    what=$1
    shift
    "$predict" "$@" >out 2>err || fail "$what: exit code $?: $(cat err)"
    [ "$(wc -l <err)" -eq 1 ] || fail "$what: $(wc -l <err) lines on stderr: $(cat err)"
    grep '^result example=predict' err >result || fail "$what: no result line"
}

# said KEY: its value in that line
said() {
    tr ' ' '\n' <result | sed -n "s/^$1=//p"
}

# ---- the accuracy that training printed, by both modes ----
succeeds "a run" "$mnist" --data data --hidden 12,10 --epochs 2 --batch 16 --seed 3 --learning-rate 0.005 \
    --save model.safetensors
last=$(result last) sum=$(result sum) first=$(result last)
answers "answers by the last layer" model.safetensors $images --labels $labels
[ "$(said accuracy)" = "$last" ] || fail "LAST: predict says $(said accuracy), training $last"
[ "$(said images)" = 150 ] || fail "the result line counts $(said images) images"
answers "answers by the sum" model.safetensors $images --labels $labels --mode sum
[ "$(said accuracy)" = "$sum" ] || fail "SUM: predict says $(said accuracy), training $sum"

# Where both modes are right nothing tells them apart, so once more by a network that has hardly learned.
succeeds "a short run" "$mnist" --data data --hidden 12,10 --epochs 1 --batch 16 --seed 3 --learning-rate 1e-6 \
    --save short.safetensors
by_last=$(result last) by_sum=$(result sum)
[ "$by_last" != "$by_sum" ] || fail "both modes are right in $by_last%: another seed is needed"
answers "answers of the short run" short.safetensors $images --labels $labels
[ "$(said accuracy)" = "$by_last" ] || fail "LAST of the short run: predict says $(said accuracy), training $by_last"
answers "answers of the short run by the sum" short.safetensors $images --labels $labels --mode sum
[ "$(said accuracy)" = "$by_sum" ] || fail "SUM of the short run: predict says $(said accuracy), training $by_sum"

# ---- one answer a line ----
answers "answers" model.safetensors $images
[ "$(wc -l <out)" -eq 150 ] || fail "150 images have $(wc -l <out) answers"
! grep -qv '^[0-9]$' out || fail "an answer is no digit"
[ -z "$(said accuracy)" ] || fail "there is an accuracy without labels"
# Counted once more, by other means: the labels are the bytes behind the first eight.
od -An -v -tu1 -j8 -w1 $labels | tr -d ' ' | paste out - |
    awk -v said="$last" '{ right += $1 == $2 } END { exit sprintf("%.2f", 100 * right / NR) != said }' ||
    fail "the answers do not have the accuracy that was printed"
cp out plain
answers "probabilities" model.safetensors $images --probabilities
cut -f 1 out | cmp -s - plain || fail "--probabilities changes the answers"
awk -F '\t' '{ sum = 0; best = 2
    for (i = 2; i <= NF; i++) { sum += $i; if ($i > $best) best = i }
    if (NF != 11 || sum < 0.9999 || sum > 1.0001 || $best > $($1 + 2)) exit 1 }' out ||
    fail "the probabilities are not those of the answers"
gzip -k $images
answers "gzipped images" model.safetensors $images.gz
cmp -s out plain || fail "gzipped images have other answers"
answers "pictures" model.safetensors $images --pictures 5 --labels $labels
[ "$(wc -l <out)" -eq 22 ] || fail "two rows of pictures have $(wc -l <out) lines, expected 22"
head -5 plain | while read -r answer; do
    grep -q "^\(.* \)\?$answer\b" out || echo "$answer"
done | grep . && fail "a picture has not its answer below it"
succeeds "help" "$predict" --help
grep -q -- '--probabilities' out || fail "the help does not name --probabilities"

# ---- the best by validation, and the last ----

# first_best EPOCH: the table's first epoch with the highest accuracy of the last layer, which the result line tells
first_best() {
    sed '1,/^epoch/d' out | awk -v best="$1" -v most="$(result best_validation_last)" '
        /^ *[0-9]+ / && $6 > top + 0 { top = $6; at = $1 } END { exit !(at == best && top == most) }' ||
        fail "$what: epoch $1 is not the first of the best epochs"
}
succeeds "a run that stays at its best" "$mnist" --data data --hidden 12,10 --epochs 6 --batch 16 --seed 3 \
    --learning-rate 0.02 --validation 100 --save best.safetensors
[ "$(grep -c ' 100.00 *100.00  *[0-9.]*  *[0-9]*$' out)" -gt 1 ] || fail "no two epochs are equally good"
first_best "$(result best_epoch)"
succeeds "a run that forgets" "$mnist" --data data --hidden 12,10 --epochs 6 --batch 16 --seed 3 --optimizer sgd \
    --learning-rate 1.2 --schedule constant --validation 100 --save best.safetensors --export best.onnx
best=$(result best_epoch) last=$(result last)
first_best "$best"
[ "$best" -lt 6 ] || fail "the last epoch is the best one, so that the files tell nothing"
[ -s best.safetensors ] && [ -s best-last.safetensors ] && [ -s best.onnx ] || fail "a file is missing"
answers "the last one" best-last.safetensors $images --labels $labels
[ "$(said accuracy)" = "$last" ] || fail "best-last is right in $(said accuracy)%, the last network in $last%"
succeeds "the run up to its best epoch" "$mnist" --data data --hidden 12,10 --epochs "$best" --batch 16 --seed 3 \
    --optimizer sgd --learning-rate 1.2 --schedule constant --validation 100 --save again.safetensors
cmp -s best.safetensors again-last.safetensors || fail "the best network is not that of epoch $best"

# ---- info ----
succeeds "info" "$info" model.safetensors
grep -q 'dense  *12 ' out && grep -q 'dense  *10 ' out || fail "info does not name the layers"
grep -q '^  class_names: 0\\n1\\n2\\n3' out || fail "info does not show the names of the classes"
grep -q '^inputs are scaled: (x + -[0-9.]*) 0.[0-9]*$' out || fail "info does not show the scaling"
# 100 x 12 + 12 + 12 x 10 + 10, and 10 classes x 12 and x 10
[ "$(result parameters)" = 1562 ] || fail "info counts $(result parameters) parameters, expected 1562"
[ "$(result layers)" = 2 ] && [ "$(result training)" = no ] && [ "$(result metadata)" = 1 ] ||
    fail "info says: $(tail -1 out)"
[ "$(result bytes)" = "$(wc -c <model.safetensors)" ] || fail "info says $(result bytes) bytes"
succeeds "a checkpoint" "$mnist" --data data --hidden 12,10 --epochs 1 --checkpoint state
succeeds "info of a checkpoint" "$info" state
[ "$(result training)" = yes ] || fail "info does not see the state of training"

# ---- what a file says is shown, and obeyed by nobody ----
LC_ALL=C sed 's/0\\u000a1\\u000a2/\\u001b[\\u000a\xc2\x9b/' model.safetensors >hostile.safetensors
cmp -s model.safetensors hostile.safetensors && fail "the names of the classes were not replaced"
[ "$(wc -c <hostile.safetensors)" = "$(wc -c <model.safetensors)" ] || fail "the header has another length now"
answers "hostile names" hostile.safetensors $images
succeeds "info of hostile names" "$info" hostile.safetensors
for file in out; do
    ! LC_ALL=C grep -q "$(printf '[\033\233]')" $file || fail "a control character of the file reaches the terminal"
done
grep -q 'x1b\[' out || fail "info does not show the control character as text"

# ---- files of before, whose metadata say how pixels are scaled ----
old=$(dirname "$0")/metadata_scaling.safetensors
answers "a file of before" "$old" $images --labels $labels
[ "$(said accuracy)" = "$first" ] || fail "a file of before is right in $(said accuracy)%"
for change in 's/"input_mean":"[0-9]/"input_mean":"x/' 's/"input_mean"/"input_bean"/' \
    's/"input_scale":"0./"input_scale":"1 /'; do
    LC_ALL=C sed "$change" "$old" >forged.safetensors
    complains "scaling after $change" "input_mean and input_scale" "$predict" forged.safetensors $images
done

# ---- one clear line for what is wrong ----
complains "no model" "MODEL is missing" "$predict"
complains "no images" "IMAGES is missing" "$predict" model.safetensors
complains "one file too many" "unexpected argument" "$predict" model.safetensors $images $images
complains "an unknown mode" "last|sum" "$predict" model.safetensors $images --mode best
complains "a model that is not there" "nowhere" "$predict" nowhere $images
complains "images as a model" "cannot load $images" "$predict" $images $images
complains "images that are not there" "nowhere" "$predict" model.safetensors nowhere
complains "a model as images" "no IDX file" "$predict" model.safetensors model.safetensors
complains "labels as images" "no IDX file of images" "$predict" model.safetensors $labels
complains "images as labels" "no IDX file of labels" "$predict" model.safetensors $images --labels $images
complains "images of another size" "8 x 8 pixels, the network reads 100" "$predict" model.safetensors \
    small/t10k-images-idx3-ubyte
complains "labels of other images" "20 labels for 150 images" "$predict" model.safetensors $images --labels \
    small/t10k-labels-idx1-ubyte
complains "answers for positions" "each of 100 positions" "$predict" positions.safetensors $images --probabilities
head -c 5000 $images >short
complains "truncated images" "short is truncated" "$predict" model.safetensors short
bytes=$(wc -c <model.safetensors)
for length in 0 7 200 $((bytes / 2)) $((bytes - 1)); do
    head -c "$length" model.safetensors >short
    complains "$length bytes of a model" "cannot load short" "$predict" short $images
    complains "info of $length bytes of a model" "cannot load short" "$info" short
done
complains "info of nothing" "MODEL is missing" "$info"
# lost WHAT COMMAND...: what it prints has nowhere to go, and it says so.
lost() {
    what=$1
    shift
    ! "$@" >/dev/full 2>err || fail "$what on a full disk: no error"
    grep -q 'cannot write what was to be printed' err || fail "$what on a full disk: $(cat err)"
}
if [ -c /dev/full ]; then
    lost "predict" "$predict" model.safetensors $images
    lost "info" "$info" model.safetensors
    lost "mnist" "$mnist" --data data --hidden 12,10 --epochs 1
fi
complains "info of a folder" "cannot load data" "$info" data
exit "$status"
