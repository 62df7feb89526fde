#!/bin/sh
# examples/studies/cifar10 on a small set written here: it learns, repeats, takes its options, keeps its time, and has
# one line for every kind of broken data. Arguments: cifar10, make_cifar. SPDX-License-Identifier: MIT
cifar10=$1 make_cifar=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

data=$work/data
mkdir "$data"
"$make_cifar" "$data" 40 60 || exit 1
fine=$work/fine
mkdir "$fine"
"$make_cifar" "$fine" 40 60 fine || exit 1
without_data

# What follows the data folder is the same wherever nothing else is said.
small() {
    folder=$1
    shift
    "$cifar10" --data "$folder" --width 0.125 --epochs 4 --batch 20 --seed 5 --learning-rate 0.01 "$@"
}

# ---- it learns, and the same seed repeats it ----
succeeds "a run" small "$data"
at_least "a run" last 80
at_least "a run" sum 80
beginning='^result example=cifar10 preset=paper epochs=4 minutes=[0-9.]+'
tail -1 "$work/out" | grep -qE "$beginning last=[0-9]+\.[0-9]{2} sum=[0-9]+\.[0-9]{2} " ||
    fail "the result line does not begin as it should: $(tail -1 "$work/out")"
grep -q '200 images to learn from, 60 to test with; the whole set has 50000 and 10000' "$work/out" ||
    fail "the header does not tell how many images there are"
hash=$(result params_hash)
accuracies="$(result last) $(result sum) $(result layer1)"
[ -n "$hash" ] || fail "the result line has no params_hash"
for workers in 0 1 3; do
    succeeds "$workers workers" small "$data" --workers $workers --threads 1
    [ "$(result params_hash)" = "$hash" ] || fail "$workers workers gave other parameters"
    [ "$(result last) $(result sum) $(result layer1)" = "$accuracies" ] ||
        fail "$workers workers judge otherwise"
done
succeeds "another seed" small "$data" --seed 6
[ "$(result params_hash)" != "$hash" ] || fail "another seed gave the same parameters"
hashes=" $hash "
for preset in strong long vgg8b; do
    succeeds "$preset" small "$data" --preset $preset --epochs 1
    [ "$(result preset)" = $preset ] || fail "--preset $preset is not in the result line"
    case $hashes in
    *" $(result params_hash) "*) fail "--preset $preset is another one" ;;
    esac
    hashes="$hashes$(result params_hash) "
done

succeeds "a hundred classes" small "$fine" --set cifar100
at_least "a hundred classes" last 80
[ "$(result data)" = cifar100 ] || fail "--set cifar100 is not in the result line"
seq -f 'class%.0f' 100 >"$fine/fine_label_names.txt"
succeeds "names of a hundred classes" small "$fine" --set cifar100 --epochs 1 --save "$work/names.safetensors"
grep -aq 'class99.*class100' "$work/names.safetensors" || fail "the names of the classes are not in the file"
echo one_more >>"$fine/fine_label_names.txt"
complains "too many names" "holds 101 names instead of 100" small "$fine" --set cifar100
rm "$fine/fine_label_names.txt"
succeeds "a hundred classes and mirror images" small "$fine" --set cifar100 --flip-test
at_least "a hundred classes and mirror images" last_flip 75

succeeds "one layer" small "$data" --whole
at_least "one layer" last 80
[ "$(result layer1) $(result layer2)" = "$(result last) " ] || fail "--whole is not one layer"

succeeds "similarity matching" small "$data" --preset vgg8b --width 0.06 --similarity 0.9
at_least "similarity matching" last 80
for workers in 0 3; do
    hash_of_one=$(result params_hash)
    succeeds "similarity matching with $workers workers" small "$data" --preset vgg8b --width 0.06 --similarity 0.9 \
        --workers $workers --threads 1
    [ "$(result params_hash)" = "$hash_of_one" ] || fail "similarity matching: $workers workers gave other parameters"
done

# ---- pred beside predsim: the runs that are missing, whatever was interrupted ----
study=$(dirname "$0")/../../examples/studies/cifar10/predsim.sh
predsim() {
    CIFAR10=$cifar10 sh "$study" "$work/study" --data "$data" --width 0.06 --epochs 1 --batch 20 --threads 1 "$@"
}
SEEDS="3 4" succeeds "a study of similarities" predsim
[ "$(grep -c ': result' "$work/study/runs.log")" -eq 4 ] || fail "the study has not 4 runs"
grep -q '^difference last=[-+0-9.]* runs=2' "$work/out" || fail "the study does not tell the difference"
sed -i '2d' "$work/study/runs.log"
cp "$work/study/runs.log" "$work/before"
SEEDS="3 4" succeeds "the rest of a study" predsim
[ "$(grep -c ': result' "$work/study/runs.log")" -eq 4 ] || fail "a missing run was not made"
[ "$(grep -cFf "$work/before" "$work/study/runs.log")" -eq 3 ] || fail "runs that were there were made again"

# ---- packed files, and the folder from the environment or a usual place ----
if ! "$cifar10" --help | grep -q 'with .xz'; then
    echo "skip: packed files: the program was built without liblzma"
elif ! command -v xz >/dev/null; then
    echo "skip: packed files: there is no xz to pack them with"
else
    packed=$work/packed
    cp -R "$data" "$packed"
    xz "$packed"/*
    succeeds "packed files" small "$packed"
    [ "$(result params_hash)" = "$hash" ] || fail "packed files gave other parameters"
fi
mkdir sets && ln -s "$data" sets/cifar-10
MONOFORWARD_DATA=$PWD/sets
export MONOFORWARD_DATA
succeeds "the folder from the environment" "$cifar10" --width 0.125 --epochs 4 --batch 20 --seed 5 \
    --learning-rate 0.01
[ "$(result params_hash)" = "$hash" ] || fail "the folder above in MONOFORWARD_DATA gave other parameters"
unset MONOFORWARD_DATA
mkdir -p data && ln -s "$data" data/cifar-10
succeeds "a usual place" "$cifar10" --width 0.125 --epochs 4 --batch 20 --seed 5 --learning-rate 0.01
[ "$(result params_hash)" = "$hash" ] || fail "the files in data/cifar-10 gave other parameters"
rm data/cifar-10 && ln -s "$fine" data/cifar-100
succeeds "a usual place of a hundred classes" "$cifar10" --set cifar100 --width 0.125 --epochs 1
[ "$(result data)" = cifar100 ] || fail "the files in data/cifar-100 were not found"
rm -r data
succeeds "no data" "$cifar10" --width 0.05 --epochs 1 --limit 500
grep -q 'SHAPES DRAWN' "$work/out" || fail "without data, the header does not say that shapes are drawn"
[ "$(result data)" = drawn ] || fail "without data, the result line does not say so"

# ---- options ----
for option in "--limit 100" "--optimizer sgd" "--optimizer momentum" "--optimizer nesterov" "--optimizer adamw --weight-decay 0.1" \
    "--optimizer rmsprop" "--schedule constant" "--schedule steps" "--warmup 0.5" "--augment none" "--augment alternating" "--precision bf16" \
    "--dropout 0.4" "--label-smoothing 0.1" "--similarity 0.5" "--weight-decay 0.1" "--init-projection kaiming" \
    "--init-projection orthogonal" "--batch 7" "--border 2" "--cutout 8" "--width 0.06" "--validation 40"; do
    # shellcheck disable=SC2086 # options are words
    small "$data" $option >"$work/out" 2>"$work/err" || fail "$option: exit code $?: $(cat "$work/err")"
    [ "$(result example)" = cifar10 ] || fail "$option: no result line at the end"
    [ "$(result params_hash)" != "$hash" ] || fail "$option has no effect"
done
[ "$(result precision)" = float32 ] || fail "the result line does not say float32"
succeeds "bf16" small "$data" --precision bf16
at_least "bf16" last 80
[ "$(result precision)" = bf16 ] || fail "the result line does not say bf16"
grep -qE '^library .* products by [a-z0-9]+ in bf16' "$work/out" || fail "the header does not name the products"
succeeds "alternating mirror images" small "$data" --augment alternating
grep -q 'mirrored in every second pass' "$work/out" || fail "the header does not tell how images are mirrored"
succeeds "hidden squares" small "$data" --augment none --cutout 6
grep -q 'augmented; a square of 6 x 6 hidden' "$work/out" || fail "the header does not tell of hidden squares"
succeeds "mirror images" small "$data" --flip-test
[ "$(result last) $(result sum) $(result layer1)" = "$accuracies" ] ||
    fail "--flip-test changes other figures"
# Bars are the same in the mirror, so it must not spoil much.
at_least "mirror images" last_flip 75
at_least "mirror images" sum_flip 75
succeeds "few evaluations" small "$data" --evaluate-every 3
[ "$(result last) $(result sum) $(result layer1)" = "$accuracies" ] ||
    fail "--evaluate-every changes the result"
[ "$(grep -cE '^ +[124] .* - .* - ' "$work/out")" -eq 2 ] || fail "--evaluate-every 3 evaluates other epochs"
succeeds "a picture of the curves" small "$data" --plot "$work/curves.svg"
grep -q '<svg' "$work/curves.svg" || fail "no picture in curves.svg"
succeeds "a log" small "$data" --log "$work/log.csv"
succeeds "more of a log" small "$data" --log "$work/log.csv" --preset strong --epochs 1
[ "$(grep -c '^run,preset' "$work/log.csv")" -eq 1 ] || fail "the log has not one head"
[ "$(awk -F, 'NF == 11' "$work/log.csv" | wc -l)" -eq 6 ] || fail "the log has not 11 fields in 6 lines"
succeeds "help" "$cifar10" --help
grep -q -- '--time-budget' "$work/out" || fail "the help does not name --time-budget"

# ---- time ----
succeeds "a time budget" small "$data" --epochs 100000 --time-budget 0.06 --log "$work/time.csv"
awk -v minutes="$(result minutes)" -v epochs="$(result epochs)" \
    'BEGIN { exit !(minutes > 0.02 && minutes < 0.2 && epochs > 0 && epochs < 100000) }' ||
    fail "0.06 minutes became $(result minutes), with $(result epochs) epochs"
# The learning rate follows the clock down.
tail -n +2 "$work/time.csv" | awk -F, 'NR > 1 && $6 > before { exit 1 } { before = $6 }' ||
    fail "the learning rate rises with a time budget"
succeeds "a time budget that suffices" small "$data" --epochs 1 --time-budget 60
[ "$(result epochs)" = 1 ] || fail "--epochs is no upper bound within a time budget"

# ---- one clear line for whatever is wrong ----
complains "no such folder" "nowhere" small "$work/nowhere"
complains "an unknown option" "nonsense" small "$data" --nonsense
complains "a wrong value" "epochs" small "$data" --epochs none
complains "an unknown preset" "paper|strong|long|vgg8b" small "$data" --preset weak
complains "an unknown set" "cifar10|cifar100" small "$data" --set cifar1000
complains "no time at all" "time-budget" small "$data" --time-budget 0
complains "a picture that cannot be written" "svg" small "$data" --plot "$work/nowhere/curves.svg"
complains "a log that cannot be written" "csv" small "$data" --log "$work/nowhere/log.csv"

# broken [FOLDER]: a fresh copy of the data in $work/broken, for the next complaint.
broken() {
    rm -rf "$work/broken"
    cp -R "${1:-$data}" "$work/broken"
    train=$work/broken/data_batch_3.bin
    test=$work/broken/test_batch.bin
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

broken && rm "$train"
complains "no third file" "data_batch_3" small "$work/broken"
broken && rm "$test"
complains "no test file" "test_batch" small "$work/broken"
broken && : >"$train"
complains "an empty file" "data_batch_3.*empty" small "$work/broken"
broken && head -c 30000 "$data/data_batch_3.bin" >"$train"
complains "a truncated file" "data_batch_3.*truncated" small "$work/broken"
broken && echo >>"$test"
complains "a file that goes on" "test_batch.*184381 bytes" small "$work/broken"
broken && overwrite "$train" 3073 012
complains "a label of 10" "data_batch_3.*record 1 has the label 10" small "$work/broken"
broken && overwrite "$test" 0 377
complains "a label of 255" "test_batch.*label 255" small "$work/broken"
broken && head -c 30733073 /dev/zero >"$train"
complains "too many records" "data_batch_3.*goes on" small "$work/broken"
broken && rm "$train" && mkdir "$train"
complains "a folder in the place of a file" "data_batch_3" small "$work/broken"

# Packed files can break in ways of their own.
if [ -n "${packed:-}" ]; then
    whole=$packed/data_batch_3.bin.xz
    size=$(wc -c <"$whole")
    broken "$packed" && head -c $((size / 2)) "$whole" >"$train.xz"
    complains "a truncated xz file" "data_batch_3.*truncated" small "$work/broken"
    broken "$packed" && head -c $((size - 4)) "$whole" >"$train.xz"
    complains "an xz file without its end" "data_batch_3.*truncated" small "$work/broken"
    broken "$packed" && : >"$train.xz"
    complains "an empty xz file" "data_batch_3.*truncated" small "$work/broken"
    broken "$packed" && overwrite "$train.xz" $((size / 2)) 125 252 125 252 125 252
    complains "a damaged xz file" "data_batch_3.*damaged" small "$work/broken"
    broken "$packed" && cp "$data/data_batch_3.bin" "$train.xz"
    complains "a plain file with the name of an xz file" "data_batch_3.*xz" small "$work/broken"
    broken "$packed" && echo "something that follows" >>"$train.xz"
    complains "an xz file that goes on" "data_batch_3.*damaged" small "$work/broken"
    # A few kilobytes that unpack to more than any file of CIFAR-10 has.
    broken "$packed" && head -c 200000000 /dev/zero | xz -0 >"$train.xz"
    complains "an xz file that swells" "data_batch_3.*goes on" small "$work/broken"
fi
exit "$status"
