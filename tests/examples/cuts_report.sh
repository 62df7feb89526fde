#!/bin/sh
# The page of examples/studies/cuts, from logs written here: means over seeds, what was asked for and what came of it, and
# the points of the figure. Argument: the source folder. SPDX-License-Identifier: MIT
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
page=$work/cuts.md

# log NAME EXAMPLE CUT LAST MEMORY SEED MORE...
log() {
    name=$1
    {
        echo "something before"
        echo "result example=$2 cut=$3 epochs=2 last=$4 sum=1 best=2 seconds=9 processor_seconds=6 memory=7 memory_512=$5" \
            "layers=2 layer1=30.5 layer2=$4 data=d rows=1000 width=8 batch=64 learning_rate=0.1 weight_decay=0 seed=$6" \
            "workers=0 threads=0 params_hash=1"
    } >"$work/$name.log"
}
has() {
    grep -qF "$1" "$page" || {
        fail "the page has not: $1"
        cat "$page"
    }
}

succeeds "no logs at all" sh "$root/examples/studies/cuts/report.sh" "$work"
[ ! -f "$page" ] || fail "a page without logs"
log resnet18-block-s1 resnet18 block 60 9000000 1
log resnet18-block-s2 resnet18 block 62 9000000 2
log resnet18-none-s1 resnet18 none 65 18000000 1
log mixer-block-s1 mixer block 50 800000 1
log mixer-none-s1 mixer none 52 9000000 1
sh "$root/examples/studies/cuts/report.sh" "$work" >/dev/null || fail "report.sh fails"
has "| resnet18: LAST of blocks within 3 points of BP's | 4.00 points below | does not hold |"
has "| resnet18: blocks take less than half of BP's memory at batch 512 | 50% | does not hold |"
has "| mixer: LAST of blocks within 2 points of BP's | 2.00 points below | holds |"
has "| block | 2 | 61.00 ± 1.41 | 1.00 ± 0.00 | 2.00 ± 0.00 | 3.00 ± 0.00 | 9.0 | [1](resnet18-block-s1.log)"
! grep -q 'Where to cut' "$page" || fail "the page says where to cut, without all cuts"

for cut in conv stage half; do
    log resnet18-$cut-s1 resnet18 $cut 63 5000000 1
done
for speed in 10 30 12; do
    echo "result example=resnet18 cut=stage workers=0 rows_per_second=10"
    echo "result example=resnet18 cut=stage workers=2 rows_per_second=$speed"
done >"$work/speed.log"
sed -e 's/layers=2/& valid_last=3.5/' -e 's/workers=/length=64 &/' "$work/mixer-block-s1.log" >"$work/language2-block-s1.log"
sed -i 's/last=50/last=4/; s/example=mixer/example=language/' "$work/language2-block-s1.log"
sed 's/last=4/last=3.3/; s/cut=block/cut=none/' "$work/language2-block-s1.log" >"$work/language2-none-s1.log"
sh "$root/examples/studies/cuts/report.sh" "$work" >/dev/null || fail "report.sh fails with all cuts"
has "| 4 | stage | 2 | 63.00 | 5.0 | 3.00 | 1.20 |"
has "| language2: blocks have at most 1.20 times the perplexity of BP | 1.212 times | does not hold |"
if command -v gnuplot >/dev/null; then
    grep -q '<svg' "$work/locality.svg" || fail "no figure"
else
    echo "skip: the figure: gnuplot was not found"
fi
exit "$status"
