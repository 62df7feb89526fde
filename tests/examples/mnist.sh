#!/bin/sh
# examples/studies/mnist on a small set written here: it learns, repeats, takes its options, and has one line for
# every kind of broken data. Arguments: mnist, make_idx. SPDX-License-Identifier: MIT
mnist=$1 make_idx=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

data=$work/data
mkdir "$data"
"$make_idx" "$data" 600 200 10 || exit 1
unset MONOFORWARD_DATA

# What follows the data folder is the same wherever nothing else is said.
small() {
    folder=$1
    shift
    "$mnist" --data "$folder" --hidden 24,16 --epochs 2 --batch 16 --seed 5 --learning-rate 0.01 "$@"
}

# ---- it learns, and the same seed repeats it ----
succeeds "a run" small "$data"
at_least "a run" last 90
at_least "a run" sum 90
[ "$(result example)" = mnist ] || fail "no result line at the end"
hash=$(result params_hash)
[ -n "$hash" ] || fail "the result line has no params_hash"
succeeds "the same run" small "$data"
[ "$(result params_hash)" = "$hash" ] || fail "the same seed gave other parameters"
for workers in 0 1 2 3; do
    succeeds "$workers workers" small "$data" --workers $workers
    [ "$(result params_hash)" = "$hash" ] || fail "$workers workers gave other parameters"
done
complains "a frozen network in one layer" "cut none" small "$data" --cut none --freeze weight
complains "projections of one layer with a dense end" "init-projection.*cut none" small "$data" --cut none \
    --init-projection zero
succeeds "projections behind convolutions in one layer" small "$data" --cut none --init-projection zero --conv 4 --hidden none \
    --epochs 1
grep -q 'weights start .*, projections zero' "$work/out" || fail "the header does not say how projections start"
succeeds "a preset in one layer" small "$data" --cut none --preset best --epochs 1
succeeds "the network in one layer" small "$data" --cut none
at_least "the network in one layer" last 90
whole=$(result params_hash)
! grep -q 'weights start .*projections' "$work/out" || fail "one layer with a dense end says how projections start"
held=$(sed -n 's/^memory *\([0-9]*\) bytes held .*/\1/p' "$work/out") foreseen=$(sed -n 's/^memory .*foreseen: //p' "$work/out")
[ -n "$held" ] && [ "$held" = "$foreseen" ] || fail "$held bytes held in one layer, foreseen: $foreseen"
[ "$(result precision)" = float32 ] || fail "the result line does not say float32"
grep -qE '^library .* products by [a-z0-9]+( \([a-z]+\))? in float32' "$work/out" || fail "the header does not name the products"
succeeds "bf16" small "$data" --precision bf16
at_least "bf16" last 90
[ "$(result precision)" = bf16 ] || fail "the result line does not say bf16"
grep -qE '^library .* products by [a-z0-9]+ in bf16' "$work/out" || fail "the header does not name the precision"
bf16=$(result params_hash)
succeeds "bf16, two workers" small "$data" --precision bf16 --workers 2
[ "$(result params_hash)" = "$bf16" ] || fail "two workers gave other parameters than none in bf16"
succeeds "bf16 in one layer" small "$data" --precision bf16 --cut none
[ "$(result params_hash)" != "$whole" ] || fail "--precision has no effect on a network in one layer"
complains "another precision" "float32|bf16" small "$data" --precision fp16
succeeds "another seed" small "$data" --seed 6
[ "$(result params_hash)" != "$hash" ] || fail "another seed gave the same parameters"

# ---- gzipped files, and the folder from the environment ----
mkdir "$work/zipped"
cp "$data"/* "$work/zipped"
gzip "$work/zipped"/*
succeeds "gzipped files" small "$work/zipped"
[ "$(result params_hash)" = "$hash" ] || fail "gzipped files gave other parameters"
MONOFORWARD_DATA=$data
export MONOFORWARD_DATA
succeeds "the folder from the environment" "$mnist" --hidden 24,16 --epochs 2 --batch 16 --seed 5 \
    --learning-rate 0.01
[ "$(result params_hash)" = "$hash" ] || fail "MONOFORWARD_DATA gave other parameters"
mkdir "$work/sets" && ln -s "$data" "$work/sets/mnist"
MONOFORWARD_DATA=$work/sets
succeeds "the folder above, from the environment" "$mnist" --hidden 24,16 --epochs 2 --batch 16 --seed 5 --learning-rate 0.01
[ "$(result params_hash)" = "$hash" ] || fail "the folder above in MONOFORWARD_DATA gave other parameters"
unset MONOFORWARD_DATA

# ---- options ----
# plain OPTIONS...: one epoch of a small network.
plain() {
    "$mnist" --data "$data" --hidden 24,16 --epochs 1 --batch 16 --seed 5 "$@"
}
succeeds "one epoch" plain
hash=$(result params_hash)
for option in "--greedy" "--cut none" "--freeze projection" "--freeze weight" "--init-projection zero" \
    "--init-projection orthogonal" "--optimizer sgd" "--optimizer momentum" "--optimizer adamw --weight-decay 0.1" \
    "--optimizer rmsprop" "--schedule constant" "--schedule step" "--activation tanh" "--activation gelu" \
    "--augment jitter" "--augment affine" "--augment elastic" "--dropout 0.2" "--label-smoothing 0.1" \
    "--validation 100" "--clip 1" "--warmup 5" "--hidden 12" "--hidden 20,15,10" "--normalization batch" \
    "--conv 4" "--conv 4,6 --hidden none" "--conv 4,6 --pool 1,2" "--conv 4 --pool none" \
    "--conv 4 --head 2" "--precision bf16"; do
    # shellcheck disable=SC2086 # options are words
    plain $option >"$work/out" 2>"$work/err" || fail "$option: exit code $?: $(cat "$work/err")"
    [ "$(result example)" = mnist ] || fail "$option: no result line at the end"
    [ "$(result params_hash)" != "$hash" ] || fail "$option has no effect"
done
succeeds "a picture of the curves" small "$data" --plot "$work/curves.svg"
grep -q '<svg' "$work/curves.svg" || fail "no picture in curves.svg"
mkdir "$work/away"
plain --epochs 100 --plot "$work/away/curves.svg" >"$work/out" 2>"$work/err" &
runner=$!
until [ -e "$work/away/curves.svg" ] || ! kill -0 $runner 2>/dev/null; do
    sleep 0.02
done
mv "$work/away" "$work/gone"
wait $runner || fail "a picture without its folder ends the run: exit code $?"
[ -n "$(result params_hash)" ] || fail "a picture without its folder takes the result along"
succeeds "help" "$mnist" --help
grep -q -- '--hidden' "$work/out" || fail "the help does not name --hidden"

# ---- a batch of one image has no variance of its own; the last batch of an epoch may be one ----
succeeds "one image left over" plain --normalization batch --validation 1 --batch 23
complains "batches of one image" "batch" plain --normalization batch --batch 1

# ---- presets: their options are those of the result line; options before and after them override them ----
# says KEY VALUE
says() {
    [ "$(result "$1")" = "$2" ] || fail "$what: $1 is '$(result "$1")', expected '$2'"
}
succeeds "preset best" "$mnist" --data "$data" --preset best --hidden 24,16 --epochs 4 --batch 16 --seed 5 \
    --learning-rate 0.01
at_least "preset best" last 90
at_least "preset best" sum 90
says conv none && says normalization batch && says dropout 0.1 && says init_projection zero
says augment elastic && says learning_rate_schedule step && says epochs 4 && says optimizer adam
hash=$(result params_hash)
succeeds "options before the preset" "$mnist" --batch 16 --hidden 24,16 --data "$data" --epochs 4 --seed 5 \
    --learning-rate 0.01 --preset best
says params_hash "$hash"
succeeds "options that undo a preset" plain --preset best --normalization none --dropout 0 \
    --init-projection kaiming --augment none --schedule cosine
succeeds "the same without it" plain --preset plain
undone=$(result params_hash)
succeeds "one epoch" plain
says params_hash "$undone"

cnn() {
    "$mnist" --data "$data" --preset cnn --conv 6,10 --pool 2 --hidden 12 --epochs 4 --batch 16 \
        --seed 5 --learning-rate 0.01 "$@"
}
succeeds "preset cnn" cnn
at_least "preset cnn" last 90
at_least "preset cnn" sum 90
says conv 6,10 && says pool 2 && says hidden 12 && says normalization batch && says augment elastic
hash=$(result params_hash)
succeeds "preset cnn, two workers" cnn --workers 2
says params_hash "$hash"
succeeds "preset cnn, greedy" cnn --greedy
succeeds "preset cnn, no dense layer" cnn --hidden none
says hidden none
succeeds "preset cnn, smaller heads" cnn --head 2 --plot "$work/curves.svg"
says head 2
grep -q '6,10 maps, 12 neurons' "$work/curves.svg" || fail "the picture does not name the layers"

# ---- one clear line for whatever is wrong ----
complains "no such folder" "nowhere" small "$work/nowhere"
complains "an unknown option" "nonsense" small "$data" --nonsense
complains "a wrong value" "epochs" small "$data" --epochs none
complains "an unknown preset" "plain|best|cnn" small "$data" --preset worst
complains "a list that is none" "hidden" small "$data" --hidden 3,,4
complains "a network without layers" "layers" small "$data" --hidden none
complains "more layers than there is room for" "layers" small "$data" --conv "1$(printf ',1%.0s' $(seq 63))"
complains "windows larger than the map" "pool" small "$data" --conv 4,4,4,4,4
complains "a picture that cannot be written" "svg" small "$data" --plot "$work/nowhere/curves.svg"

# broken NAME: a fresh copy of the data in $work/broken, for the next complaint.
broken() {
    rm -rf "$work/broken"
    cp -R "$data" "$work/broken"
    images=$work/broken/train-images-idx3-ubyte
    labels=$work/broken/train-labels-idx1-ubyte
}

# overwrite FILE OFFSET OCTAL_BYTES...
overwrite() {
    file=$1 offset=$2
    shift 2
    for byte in "$@"; do
        printf "\\$byte" | dd of="$file" bs=1 seek="$offset" conv=notrunc 2>"$work/dd"
        offset=$((offset + 1))
    done
}

broken && rm "$labels"
complains "no labels" "train-labels" small "$work/broken"
broken && head -c 30000 "$data/train-images-idx3-ubyte" >"$images"
complains "truncated images" "train-images" small "$work/broken"
broken && head -c 10 "$data/train-images-idx3-ubyte" >"$images"
complains "a truncated header" "train-images" small "$work/broken"
broken && head -c 300 "$data/train-labels-idx1-ubyte" >"$labels"
complains "truncated labels" "train-labels" small "$work/broken"
broken && : >"$images"
complains "an empty file" "train-images" small "$work/broken"
broken && echo "more" >>"$images"
complains "a file that goes on" "train-images" small "$work/broken"
broken && cp "$labels" "$images"
complains "labels in the place of images" "train-images" small "$work/broken"
broken && overwrite "$images" 0 110 151 041 012
complains "a wrong magic number" "train-images" small "$work/broken"
broken && overwrite "$images" 4 377 377 377 377
complains "a header that promises too much" "train-images" small "$work/broken"
broken && overwrite "$images" 8 377 377 377 377 377 377 377 377
complains "images of absurd sizes" "train-images" small "$work/broken"
broken && overwrite "$images" 4 000 000 000 000
complains "no images at all" "train-images" small "$work/broken"
broken && overwrite "$images" 8 000 000 000 000
complains "images without rows" "train-images" small "$work/broken"
broken && overwrite "$labels" 100 012
complains "a label of 10" "label" small "$work/broken"
broken && overwrite "$labels" 7 001
complains "another number of labels" "labels" small "$work/broken"
broken && cp "$work/broken/t10k-labels-idx1-ubyte" "$labels"
complains "the labels of the other part" "labels" small "$work/broken"
mkdir "$work/other" && "$make_idx" "$work/other" 100 50 12
broken && cp "$work/other"/t10k-* "$work/broken"
complains "test images of another size" "10 x 10" small "$work/broken"

# Gzipped files can break in ways of their own.
zipped() {
    rm -rf "$work/broken"
    cp -R "$work/zipped" "$work/broken"
    images=$work/broken/train-images-idx3-ubyte.gz
}
zipped && size=$(wc -c <"$images") && head -c $((size / 2)) "$work/zipped/train-images-idx3-ubyte.gz" >"$images"
complains "a truncated gzip file" "train-images" small "$work/broken"
zipped && head -c $((size - 4)) "$work/zipped/train-images-idx3-ubyte.gz" >"$images"
complains "a gzip file without its end" "train-images" small "$work/broken"
zipped && overwrite "$images" $((size / 2)) 125 252 125 252 125 252
complains "a damaged gzip file" "train-images" small "$work/broken"
exit "$status"
