#!/bin/sh
# examples/studies/hotplug on drawn digits and on a small set written here: it runs, repeats, takes its options, and has
# one line for broken data. Arguments: hotplug, make_idx. SPDX-License-Identifier: MIT
hotplug=$1 make_idx=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

# figure KEY PATTERN...: the value of KEY in the result line that matches all patterns.
figure() {
    key=$1
    shift
    lines=$(grep '^result example=hotplug ' "$work/out")
    for pattern in "$@"; do
        lines=$(printf '%s\n' "$lines" | grep -- "$pattern")
    done
    printf '%s\n' "$lines" | head -1 | tr ' ' '\n' | sed -n "s/^$key=//p"
}

# runs WHAT COMMAND...: as succeeds, but a slow machine may hear how far it has come.
runs() {
    what=$1
    shift
    "$@" >"$work/out" 2>"$work/err" || fail "$what: exit code $?: $(cat "$work/err")"
    if grep -v ' samples/s, ' "$work/err"; then
        fail "$what: writes the above to stderr"
    fi
}

# holds WHAT EXPRESSION: an expression of awk.
holds() {
    awk "BEGIN { exit !($2) }" </dev/null || fail "$1: $2"
}

quick() {
    "$hotplug" --quick --drawn --limit 1500 --seed 3 "$@"
}

# ---- layers added and taken out, on drawn digits ----
runs "depth" quick --part depth
grep -q 'drawn' "$work/out" || fail "it does not say that the digits are drawn"
base=$(figure last change=none) layer2=$(figure layer2 change=append stage=after depth=4)
[ -n "$base" ] && [ "$base" = "$layer2" ] || fail "layers that are frozen answer otherwise: $base, $layer2"
before=$(figure last change=append stage=before depth=3) after=$(figure last change=append stage=after depth=3)
holds "a layer more learns" "$after > $before + 20"
# The identity passes on what it reads: those behind it answer as before.
[ "$(figure last change=insert-identity stage=before)" = "$base" ] || fail "the identity changes the answer"
holds "a random layer in between" "$(figure last change=insert stage=before) < $base - 20"
grep '^result' "$work/out" >"$work/first"
runs "depth again, without workers" quick --part depth --workers 0
grep '^result' "$work/out" | cmp -s - "$work/first" || fail "workers change the figures"

runs "remove" quick --part remove --workers 0
before=$(figure layer3 change=none stage=before)
[ -n "$before" ] && [ "$before" = "$(figure last change=remove4 stage=before)" ] ||
    fail "without the last layer, the one before it does not answer as before"
holds "layer 2 is missed" "$(figure last change=remove2 stage=before) < $(figure last change=none) - 10"
holds "a pass helps" "$(figure last change=remove2 stage=after) > $(figure last change=remove2 stage=before) + 10"

# ---- layers that move between sets of digits ----
runs "transfer" quick --part transfer --sizes 30,100 --plot "$work/picture.svg"
grep -q 'training images' "$work/picture.svg" || fail "no picture of transfer"
[ "$(grep -c '^result .*part=transfer' "$work/out")" -eq 56 ] || fail "transfer has not all its lines"
own=$(figure last to=drawn-stretched layer=own samples=100)
random=$(figure last to=drawn-stretched layer=random frozen=1 samples=100)
holds "a trained layer beats a random one, both frozen" "$own > $random + 5"
runs "the other format" quick --part transfer --sizes 30 --format pad
succeeds "help" "$hotplug" --help
grep -q -- '--quick' "$work/out" || fail "the help does not name --quick"

# ---- files in the formats of MNIST and optdigits ----
data=$work/data
mkdir -p "$data/mnist" "$data/tabular"
"$make_idx" "$data/mnist" 300 100 28 || exit 1

# digits COUNT: lines of optdigits: a bar in the row or the column of the digit.
digits() {
    awk -v count="$1" 'BEGIN { srand(1)
        for (i = 0; i < count; i++) {
            digit = i % 10
            for (j = 0; j < 64; j++) {
                place = digit < 5 ? int(int(j / 8) * 5 / 8) : int(j % 8 * 5 / 8)
                printf "%d,", (place == digit % 5 ? 12 : 0) + int(4 * rand())
            }
            print digit
        } }'
}
digits 300 | gzip >"$data/tabular/optdigits.tra.gz"
digits 100 >"$data/tabular/optdigits.tes"

files() {
    "$hotplug" --quick --data "$data" --part transfer --sizes 50 "$@"
}
runs "files" files
[ -n "$(figure last from=mnist to=optdigits layer=moved frozen=1 samples=300)" ] || fail "no line for optdigits"
at_files=$(figure last to=optdigits layer=random frozen=0 samples=300)
holds "optdigits are learned" "$at_files > 80"

complains "no such folder" "nowhere" "$hotplug" --quick --data "$work/nowhere"
complains "too large a size" "300 training images" files --sizes 400
# It is said before any part begins.
complains "too large a size for the last part" "300 training images" "$hotplug" --quick --data "$data" --sizes 400
! grep -q 'Depth added' "$work/out" || fail "sizes are looked at when other parts are over"
echo kept >"$work/kept.svg"
complains "a picture of a part that has none" "part transfer" quick --part depth --plot "$work/kept.svg"
[ "$(cat "$work/kept.svg")" = kept ] || fail "a picture was replaced by none"
complains "a picture that cannot be written" "svg" files --plot "$work/nowhere/picture.svg"

# What fails at the end does not take the results along.
# A run that is over before it is seen is tried once more.
for try in 1 2 3 4 5; do
    rm -rf "$work/away" "$work/gone"
    mkdir "$work/away"
    files --plot "$work/away/picture.svg" >"$work/out" 2>"$work/err" &
    runner=$!
    until [ -e "$work/away/picture.svg" ] || ! kill -0 $runner 2>/dev/null; do
        sleep 0.02
    done
    mv "$work/away" "$work/gone"
    wait $runner || break
    [ $try -lt 5 ] || fail "a picture without its folder: no error"
done
grep -q '^result .*part=transfer' "$work/out" || fail "the results are lost with the picture: $(cat "$work/err")"

# The usual place, also with unpacked files.
mkdir -p "$work/at/here" "$work/at/shared"
ln -s "$data" "$work/at/shared/data"
gunzip "$data/tabular/optdigits.tra.gz"
from_usual_place() {
    (cd "$work/at/here" && "$hotplug" --quick "$@")
}
complains "unpacked files in the usual place" "mnist has 300 training images" from_usual_place --sizes 400

# spoiled WHAT PATTERN SED_SCRIPT: the test file of optdigits changed.
spoiled() {
    digits 100 | sed "$3" >"$data/tabular/optdigits.tes"
    complains "$1" "$2" files
}
spoiled "a value above 16" "optdigits.tes, line 3: value 1 " '3s/^[0-9]*/17/'
spoiled "a value below 0" "line 3: value 1 " '3s/^[0-9]*/-1/'
spoiled "no number" "line 7: value 2 " '7s/,[0-9]*,/,x,/'
spoiled "a value too few" "line 4: 64 values, not 65" '4s/^[0-9]*,//'
spoiled "a value too many" "line 5: 66 values, not 65" '5s/^/1,/'
spoiled "no digit" "line 9: it does not end" '9s/[0-9]$/12/'
spoiled "no lines" "is empty" 'd'
spoiled "a very long line" "line 2: " '2s/.*/&&&&&&&&&&&&&&&&/'
digits 100 | gzip | head -c 600 >"$data/tabular/optdigits.tes.gz"
rm "$data/tabular/optdigits.tes"
complains "a truncated file" "optdigits.tes.gz" files
rm "$data/tabular/optdigits.tes.gz"
complains "no test file" "optdigits.tes or the same with .gz" files
exit "$status"
