#!/bin/sh
# examples/studies/experiments: every experiment in its small version, and what run.sh promises: it resumes, skips what is
# finished, refuses nonsense, and its tables are whole. Arguments: the build folder, the source folder, and "quick" for
# everything or "behaviour" for the promises. SPDX-License-Identifier: MIT
build=$1 root=$2 part=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
experiment=$build/examples/experiment
script=$root/examples/studies/experiments/run.sh

experiments() {
    sh "$script" "$@" --build "$build"
}

# Every line of a table has as many fields as its header, no run is there twice, and there is nothing half written.
whole() {
    for table in "$1"/*.csv; do
        awk -F, 'NR == 1 { fields = NF } NF != fields { bad = 1 } END { exit bad || NR < 2 }' "$table" ||
            fail "$table is not whole"
        case $table in
        *-curves.csv) twice=$(cut -d, -f1-3 "$table" | sort | uniq -d | head -1) ;;
        *) twice=$(cut -d, -f1 "$table" | sort | uniq -d | head -1) ;;
        esac
        [ -z "$twice" ] || fail "$table has $twice twice"
    done
}

if [ "$part" = quick ]; then
    experiments all --quick --out "$work/a b" >"$work/out" 2>"$work/err" || {
        fail "all --quick: exit code $?"
        cat "$work/out" "$work/err"
    }
    grep -v '^skip: ' "$work/err" && fail "all --quick writes the above to stderr"
    [ "$(result failed)" = 0 ] || fail "failed runs: $(tail -1 "$work/out")"
    whole "$work/a b"
    for name in sanity projection depth memory mlp-table cnn-table schedule; do
        grep -q '^| ' "$work/a b/$name.md" || fail "$name has no table"
        if command -v gnuplot >/dev/null 2>&1; then
            grep -q "<path" "$work/a b/$name"*.svg || fail "$name has no figure"
        fi
    done
    grep -q '^| MNIST, 2 x 1000, 20 passes.*seed' "$work/a b/README.md" || fail "the page of claims has no figures"
    exit "$status"
fi

# ---- one run ----
one() {
    "$experiment" --data digits --drawn --limit 600 --validation 100 --hidden 40,30 --out "$work/one" "$@"
}
quietly() { # WHAT COMMAND...: as succeeds, but a slow machine may hear how far it has come
    what=$1
    shift
    "$@" >"$work/out" 2>"$work/err" || fail "$what: exit code $?: $(cat "$work/err")"
}
in_nowhere() { # COMMAND...: where no program finds a data set
    (without_data && "$@")
}
for method in mf mf-greedy mf-pipelined bp bp-accumulate linear; do
    quietly "$method" one --method $method --run $method --epochs 12 --learning-rate 0.005 --accumulate 50
    at_least "$method learns" test_last 25
    cp "$work/out" "$work/out-$method"
done
value() { # value METHOD KEY
    tail -1 "$work/out-$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}
for key in test_last train_losses; do
    [ "$(value mf $key)" = "$(value mf-pipelined $key)" ] || fail "the pipeline changes $key"
done
[ "$(value bp test_last)" != "$(value linear test_last)" ] || fail "linear is bp"
[ "$(value mf-greedy passes)" = 24 ] || fail "greedy: $(value mf-greedy passes) passes instead of 12 for each of 2 layers"
cp "$work/one.csv" "$work/before.csv"
quietly "again" one --method mf --run mf --epochs 12 --learning-rate 0.005
[ "$(result test_last)" = "$(value mf test_last)" ] || fail "a seed does not repeat a run"
[ "$(wc -l <"$work/one.csv")" = "$(wc -l <"$work/before.csv")" ] || fail "a repeated run is in the table twice"
quietly "another seed" one --method mf --run other --epochs 12 --learning-rate 0.005 --seed 2
[ "$(result train_losses)" != "$(value mf train_losses)" ] || fail "the seed changes nothing"
whole "$work"

# A choice never sees the test set; a table that was cut off in the middle of a line loses that line only.
quietly "choice" one --choice --run choice --epochs 1
[ -z "$(result test_last)" ] && [ -n "$(result valid_last)" ] || fail "a choice tells: $(tail -1 "$work/out")"
printf 'half,a,line' >>"$work/one.csv"
quietly "after a crash" one --run next --epochs 1
grep -q '^half' "$work/one.csv" && fail "half a line stays"
whole "$work"

# A table of another time is not one to add to; a run says so before it begins.
sed '1s/,seed,/,grain,/' "$work/one.csv" >"$work/old.csv"
cp "$work/old.csv" "$work/old-before.csv"
complains "a table with other columns" "old.csv has other columns" one --out "$work/old"
cmp -s "$work/old.csv" "$work/old-before.csv" && [ ! -e "$work/old-curves.csv" ] || fail "a table with other columns was changed"
rm "$work"/old*.csv

# What stands in for a set does not go by its name.
quietly "no set" in_nowhere one --data mnist --run nothing --epochs 1
[ "$(result data)" = drawn ] || fail "drawn digits are recorded as $(result data)"
grep -q '^nothing,nothing,drawn,' "$work/one.csv" || fail "drawn digits are in the table as: $(grep '^nothing,' "$work/one.csv")"

# Its own convergence: the best state is the one that is kept, and patience ends the run.
quietly "patience" one --method bp --run patient --epochs 200 --patience 2 --cuts 1 --learning-rate 0.01
[ "$(result passes)" -lt 200 ] || fail "patience does not end the run"
[ "$(result best_pass)" -lt "$(result passes)" ] || fail "the last pass is always the best"
best=$(awk -F, '$1 == "patient" { if ($8 > most) most = $8 } END { print most }' "$work/one-curves.csv")
[ "$(result valid_last)" = "$best" ] || fail "kept $(result valid_last), the best was $best"
quietly "divergence" one --method bp --run wild --epochs 3 --optimizer sgd --learning-rate 1e6
[ "$(result status)" = diverged ] && [ -z "$(result test_last)" ] || fail "divergence: $(tail -1 "$work/out")"

# A frozen zero projection is the failure signature; rank 1 tells two groups of classes apart at most.
quietly "dead" one --run dead --freeze projection --init-projection zero --epochs 2
case $(result train_losses) in 2.302*\;2.302*) ;; *) fail "a dead projection has the losses $(result train_losses)" ;; esac
quietly "rank 9" one --run nine --rank 9 --epochs 12 --learning-rate 0.005
nine=$(result test_last)
quietly "rank 1" one --run rank --rank 1 --epochs 12 --learning-rate 0.005
awk "BEGIN { exit !($nine > $(result test_last) + 5) }" </dev/null || fail "rank 1 $(result test_last), rank 9 $nine"

# Memory: backpropagation keeps what Mono-Forward does not, and parts keep less.
for method in mf bp bp-accumulate; do
    quietly "memory" one --measure memory --method $method --run memory-$method --hidden 64,64,64,64,64,64,64,64,64 \
        --batch 2000 --accumulate 100 --optimizer sgd
    eval "peak_$(echo $method | tr - _)=$(result peak_bytes)"
done
[ "$peak_mf" -lt "$peak_bp" ] && [ "$peak_bp_accumulate" -lt "$peak_bp" ] ||
    fail "memory: mf $peak_mf, bp $peak_bp, accumulate $peak_bp_accumulate"
# Parts add up to the batch.
awk "BEGIN { d = $(value bp train_losses) - $(value bp-accumulate train_losses); exit !(d * d < 1e-6) }" </dev/null ||
    fail "parts change the loss: bp $(value bp train_losses), bp-accumulate $(value bp-accumulate train_losses)"

complains "no layers" "needs layers" one --hidden none
complains "another method" "one of mf|" one --method magic
complains "rank of bp" "no projections" one --method bp --rank 2
complains "rank of a pipeline" "no --rank" one --method mf-pipelined --rank 2
for method in bp bp-accumulate linear; do
    complains "zero projections of $method" "no --init-projection" one --method $method --init-projection zero
    complains "large projections of $method" "no --projection-gain" one --method $method --projection-gain 10
done
complains "large weights of a linear classifier" "no --weight-gain" one --method linear --weight-gain 2
complains "images that are all mirrored" "none|crops|jitter|affine|elastic is" one --augment mirror
complains "nothing left" "leaves nothing" one --validation 600
complains "a choice by nothing" "needs a --validation" one --choice --validation 0
complains "a run with a comma" "without commas" one --run a,b
complains "a folder that is not there" "one" "$experiment" --data digits --drawn --limit 200 --validation 50 --hidden 8 \
    --epochs 1 --out "$work/nowhere/one"

# ---- plans ----
complains "no name" "which experiment" experiments
complains "no such experiment" "no experiment nonsense" experiments nonsense
complains "answers of the baseline" "for Mono-Forward" one --measure answers --method bp
complains "no such option" "unknown option" experiments sanity --fast
complains "minutes" "whole number" experiments sanity --minutes soon
complains "zeros before a number" "whole number" experiments sanity --jobs 08
complains "zeros before a number of cuts" "whole numbers" sh "$root/examples/studies/cuts/run.sh" --minutes 08 --list
complains "no program" "no program" sh "$script" sanity --build "$work"
quick() {
    experiments projection --quick --out "$work/plan" "$@"
}
succeeds "quick" quick
[ "$(result left)" = 0 ] || fail "runs are left: $(tail -1 "$work/out")"
cp "$work/plan/projection.csv" "$work/first.csv"
succeeds "finished runs are not repeated" quick
cmp -s "$work/first.csv" "$work/plan/projection.csv" || fail "a finished run was repeated"
# The choice is the best by validation accuracy, then by loss, and the runs behind it use it.
sed -i '/^frozen-zero-s1,/d' "$work/plan/projection.csv"
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    $1 ~ /^choose-.*lr3e-4/ { $at["valid_last"] = 99; $at["valid_loss"] = 0.2 }
    $1 ~ /^choose-.*lr3e-3/ { $at["valid_last"] = 99; $at["valid_loss"] = 0.1 } { print }' \
    "$work/plan/projection.csv" >"$work/changed.csv"
cp "$work/changed.csv" "$work/plan/projection.csv"
succeeds "report" quick --report
[ "$(result left)" = 1 ] || fail "--report says left=$(result left) where one run is left"
succeeds "it resumes" quick
grep '^frozen-zero-s1,' "$work/plan/projection.csv" | grep -q ',0.003,' || fail "the run that was left out did not take the choice"
[ "$(wc -l <"$work/plan/projection.csv")" = "$(wc -l <"$work/first.csv")" ] || fail "resuming made other runs too"
grep -q '0.003 .*99 | yes |' "$work/plan/projection.md" || fail "the page does not say what was chosen"
# Nobody goes on with a part of the choices, be they of another experiment or of its own.
experiments schedule --quick --out "$work/early" >"$work/out" 2>"$work/err" && fail "schedule succeeds without a choice"
grep -q '^failed: joint-s1: not everything is there to choose mnist-mf by: run sanity first' "$work/err" ||
    fail "schedule without a choice says: $(cat "$work/err")"
[ "$(result left)" = 6 ] && [ ! -f "$work/early/schedule.csv" ] || fail "schedule ran without a choice"
succeeds "list" experiments all --list --out "$work/empty"
grep -q '^mlp-table .*runs left' "$work/out" || fail "--list says: $(cat "$work/out")"
# No run of cnn-table takes as little as a minute: none is begun.
succeeds "minutes" experiments cnn-table --minutes 1 --out "$work/late"
grep -q '^stopped before' "$work/out" && [ "$(result left)" -gt 10 ] || fail "--minutes says: $(cat "$work/out")"
[ ! -f "$work/late/cnn-table.csv" ] || fail "--minutes begins a run that cannot end in time"
exit "$status"
