#!/bin/sh
# examples/studies/experiments: the verdicts on claims, from small tables whose verdicts are known. Where a t-test decides, what it
# says was looked up in a table of Student's distribution. Argument: the source folder. SPDX-License-Identifier: MIT
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

# A table NAME of lines "group seed status last sum valid", first layers 1 point behind the last.
table() { # table NAME LINES
    mkdir -p "$work/experiments"
    printf '%s\n' "$2" | awk 'BEGIN { OFS = ","
            print "run,group,measure,choice,status,seed,network,learning_rate,passes,seconds,rows_per_second,valid_last,valid_loss,test_last,test_sum,test_layers,train_losses,peak_bytes" }
        NF { print $1 "-s" $2, $1, "accuracy", 0, $3, $2, "8-8", 0.001, 3, 1, 100, $6, 1, $4, $5, ($4 - 1) ";" $4, "0.5;0.4", 0 }' \
        >"$work/experiments/$1.csv"
}
# says CLAIM TEXT: that claim's line has it in the column of verdicts.
says() {
    sh "$root/examples/studies/experiments/summary.sh" "$work/experiments" || fail "summary.sh: exit code $?"
    verdict=$(grep -F "| $1" "$work/README.md" | awk -F ' [|] ' '{ sub(/ [|]$/, "", $NF); print $NF }')
    [ "$verdict" = "$2" ] || fail "$3$1: '$verdict' instead of '$2'"
}
# pairs WHAT "BP ACCURACIES" "MF ACCURACIES" VERDICT: of MNIST's claim, within 0.2 points.
pairs() {
    table sanity "$(seed=0
        for value in $2; do echo "bp $((seed += 1)) done $value $value 90"; done
        seed=0
        for value in $3; do echo "mf $((seed += 1)) done $value $value 90"; done)"
    says "MNIST, 2 x 1000, 20 passes" "$4" "$1: "
}
pairs "better" "97.0 97.1 97.2" "98.0 98.1 98.2" "holds"
pairs "a little worse" "98.60 98.61 98.62" "98.45 98.46 98.47" "holds partly"
pairs "worse" "98.60 98.61 98.62" "98.35 98.36 98.37" "does not hold"
pairs "one seed" "98.6" "98.3" "does not hold (one seed)"
# Deviations of 1 and three seeds each: 4 degrees of freedom, t of 2.45 and 3.06, and 2.776 is the limit.
pairs "p of 0.07" "91 92 93" "93 94 95" "holds (within the noise)"
pairs "p of 0.04" "91 92 93" "93.5 94.5 95.5" "holds"
# One side does not vary: 2 degrees of freedom, t of 3.46, and 4.303 is the limit; then 5.20.
pairs "one side varies" "92 92 92" "93 94 95" "holds (within the noise)"
pairs "one side varies" "91 91 91" "93 94 95" "holds"
pairs "the other side varies" "93 94 95" "96 96 96" "holds (within the noise)"
# Two seeds, one against one degree of freedom: 2 together when deviations are equal; t of 4.24, and then 4.95.
pairs "two seeds" "91 92" "94 95" "holds (within the noise)"
pairs "two seeds" "91 92" "94.5 95.5" "holds"
pairs "nothing varies" "92 92" "92 92" "holds (within the noise)"

# The sum against the last layer of the same networks: pairs, 2 degrees of freedom, t of 3.46 and 5.20.
table sanity 'mf 1 done 91 92 90
mf 2 done 95 97 90
mf 3 done 93 96 90'
says "The sum of all layers answers better than the last" "holds (within the noise)" "pairs: "
table sanity 'mf 1 done 91 93 90
mf 2 done 95 98 90
mf 3 done 93 97 90'
says "The sum of all layers answers better than the last" "holds" "pairs: "
says "MNIST, 2 x 1000, 20 passes" "-" "no BP: "
says "MNIST, 2 x 1000: less than half" "-" "no memory: "
says "MF's share of BP's memory" "-" "no memory: "
printf 'run,group,measure,choice,peak_bytes\nmemory-cifar-bp-adam,memory,memory,0,1000\n' >"$work/experiments/sanity.csv"
says "CIFAR-10, 3 x 2000, batch 128: less memory" "-" "memory of BP alone: "

# A seed that diverged counts against a method, also where the others did well; so does all that diverged.
table sanity 'bp 1 done 91 91 90
bp 2 done 92 92 90
mf 1 done 95 95 90
mf 2 done 96 96 90
mf 3 diverged    '
says "MNIST, 2 x 1000, 20 passes" "does not hold: 1 of 3 diverged" "a seed diverged: "
table sanity 'bp 1 done 91 91 90
mf 1 diverged    '
says "MNIST, 2 x 1000, 20 passes" "does not hold: 1 of 1 diverged" "all diverged: "
says "The sum of all layers answers better than the last" "-" "all diverged: "
table sanity 'bp 1 diverged
mf 1 done 95 95 90'
says "MNIST, 2 x 1000, 20 passes" "BP diverged" "BP diverged: "
table projection 'learned-kaiming 1 done 98 98 90
frozen-kaiming 1 diverged    '
says "MNIST, 3 x 500: the projection must learn" "-: projection/frozen-kaiming diverged" "diverged: "

# Of several rates the one that is best on the validation rows counts, also where the test says something else.
rates='mf-2 1 done 55 55 55
bp-2 1 done 55 55 55
mf-8 1 done 50 50 50
mf-8-lr1e-4 1 done 52 52 56
mf-8-lr3e-4 1 done 59 59 54
mf-15 1 done 50 50 50
mf-15-lr3e-4 1 done 60 60 49
mf-15-lr1e-3 1 done 61 61 48
bp-8 1 done 52.1 52.1 50
bp-8-lr3e-4 1 done 40 40 45
bp-8-lr1e-3 1 done 40 40 45
bp-15 1 done 51 51 50
bp-15-lr1e-4 1 done 52 52 45'
table depth "$rates"
says "... 8 layers" "-" "a rate is missing: "
table depth "$rates
bp-15-lr1e-3 1 done 53 53 45"
says "... 8 layers" "holds partly (one seed)" "three rates: "
says "... 15 layers" "does not hold (one seed)" "three rates: "
grep -q '^| ... 8 layers | - | - | 52.10 (one seed) / 52.00 (one seed) |' "$work/README.md" || fail "other rates: $(cat "$work/README.md")"

# A page of its own names the claim that its first row goes on from.
table mlp-table 'mnist-greedy-passes 1 done 95 95 90'
sh "$root/examples/studies/experiments/summary.sh" "$work/experiments" mlp-table >"$work/out"
grep -q '^| MNIST, 2 x 1000, 20 passes: as accurate as BP: ... trained greedily' "$work/out" || fail "mlp-table: $(cat "$work/out")"
exit "$status"
