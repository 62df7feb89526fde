#!/bin/sh
# A study that is killed at random moments, by Ctrl-C and by kill -9, and goes on from its checkpoint: the bits and the
# saved networks of a run that nobody interrupted. And one line for every file that it cannot go on from.
# Arguments: mnist or cifar10, the program, the program that makes its data. TEST_KILLS: how often it is killed by each
# signal (6), TEST_SEED: what the moments depend on. SPDX-License-Identifier: MIT
kind=$1 program=$2 make_data=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
kills=${TEST_KILLS:-6} seed=${TEST_SEED:-$(date +%s)}
unset MONOFORWARD_DATA
cd "$work" || exit 1
mkdir data other
case $kind in
mnist)
    "$make_data" data 20000 100 12 && "$make_data" other 20001 100 12 || exit 1
    set -- --hidden 32,24 --epochs 3 --batch 16 --augment affine --normalization batch
    ;;
*)
    "$make_data" data 200 60 && "$make_data" other 201 60 || exit 1
    set -- --width 0.125 --epochs 3 --batch 20 --learning-rate 0.01 --augment alternating --workers 0
    ;;
esac
options="$* --seed 5 --threads 1 --dropout 0.2 --validation 90"

# study OPTIONS...
study() {
    # shellcheck disable=SC2086 # options are words
    "$program" --data data $options "$@"
}

# The same in the place of the shell that calls it: for jobs in the background, which then are the program itself.
become_study() {
    # shellcheck disable=SC2086
    exec "$program" --data data $options "$@"
}

# shown: the lines of epochs that the last run has written, with its samples in a second, which no other run has. The
# column before that is left out: cifar10 has the minutes of the run there, and says nothing of those before.
shown() {
    awk '/^ *[1-9]/ { $(NF - 1) = ""; print }' out
}

# same_epochs WHAT FILE: lines that were shown are shown again, so the run has gone on and has not begun anew.
same_epochs() {
    shown | grep -vxFf - "$2" >lost && fail "$1: these epochs were learned again: $(cat lost)"
}

# Waits until the program has written a line that matches, for half a minute.
await() {
    tries=0
    until grep -q "$1" out 2>/dev/null || [ $tries -eq 600 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
}

# ---- the run to compare with; its time sets the moments of the kills ----
started=$(date +%s%N)
succeeds "a run" study --save whole.safetensors --export whole.onnx
milliseconds=$((($(date +%s%N) - started) / 1000000))
hash=$(result params_hash)
[ -n "$hash" ] || fail "no params_hash in the result line"
for file in whole.safetensors whole-last.safetensors whole.onnx; do
    [ -s $file ] || fail "$file was not written"
done

# kill_often SIGNAL OPTIONS...: the run, killed at random moments, then to its end.
kill_often() {
    signal=$1 interrupted=0 most=$milliseconds
    shift
    rm -f state best* before
    : >before
    echo "moments from seed $seed, within $((milliseconds / 2)) ms" >>log
    count=0
    while [ $count -lt "$kills" ] || { [ $count -lt 100 ] && { [ ! -s state ] || [ $interrupted -eq 0 ]; }; }; do
        seed=$(((seed * 1103515245 + 12345) % 2147483648))
        : >out
        become_study --checkpoint state --checkpoint-every 0.05 --resume --save best.safetensors --export best.onnx "$@" \
            >out 2>err &
        child=$!
        # kill -9 also meets the time before the run begins; other signals are ignored until it watches for them.
        [ "$signal" = KILL ] || await '^epoch'
        sleep "$(awk -v share=$((seed / 65536 % 1000)) -v most="$most" 'BEGIN { print share * most / 2e6 }')"
        kill -"$signal" $child 2>/dev/null
        wait $child 2>/dev/null
        code=$?
        # What a run that is killed has written may be more than its checkpoint has.
        [ $code -eq 137 ] || shown >before
        case $signal:$code in
        *:0) # it was over before: from the start, and sooner
            rm -f state best*
            : >before
            most=$((most * 3 / 4))
            ;;
        KILL:137 | INT:130 | TERM:143) interrupted=$((interrupted + 1)) ;;
        *) fail "SIG$signal: exit code $code: $(cat err)" ;;
        esac
        count=$((count + 1))
    done
    [ $interrupted -gt 0 ] || fail "SIG$signal: no run was interrupted"
    [ -s state ] || fail "SIG$signal: no checkpoint is there"
    succeeds "the rest after SIG$signal" study --checkpoint state --resume --save best.safetensors --export best.onnx "$@"
    same_epochs "after SIG$signal" before
    [ "$(result params_hash)" = "$hash" ] || fail "SIG$signal: other parameters than without it, with $* ($(tail -1 log))"
    for ending in .safetensors -last.safetensors .onnx; do
        cmp -s whole$ending best$ending || fail "SIG$signal: another best$ending than without it, with $*"
    done
}
kill_often KILL
kill_often INT
kill_often TERM --workers 2
[ "$kind" != mnist ] || {
    # shellcheck disable=SC2086
    for more in --greedy "--cut none"; do
        succeeds "a run with $more" study $more --save whole.safetensors --export whole.onnx
        hash=$(result params_hash)
        kill_often KILL $more
    done
}

# ---- what an interrupted run says is what one has to do ----
rm -f state
: >out
become_study --checkpoint state --epochs 1000 --save best.safetensors >out 2>err &
child=$!
await '^ *[1-9]' # an epoch, so it watches for signals, and has something to go on from
kill -INT $child
wait $child
code=$?
[ $code -eq 130 ] || fail "exit code $code after SIGINT, expected 130: $(cat err)"
grep -q '^interrupted in epoch [0-9]*, behind [0-9]* of its samples; to go on:$' out || fail "it does not tell where it was"
tail -1 out | grep -q "^result example=$kind interrupted=yes .*checkpoint=state" || fail "no result line: $(tail -1 out)"
shown >before
again=$(sed -n '/to go on:$/{n;p;}' out)
case $again in
*" --resume") ;;
*) fail "the command to go on with is: $again" ;;
esac
: >out
eval "exec $again" >out 2>err &
child=$!
await '^ *[1-9]'
kill -INT $child
wait $child
grep -q '^interrupted in epoch' out || fail "the command that it names does not go on: $(cat err)"
same_epochs "the command that it names" before

# ---- one clear line for what cannot be gone on from ----
rm -f state
succeeds "a checkpoint at the end" study --checkpoint state
hash=$(result params_hash)
shown >before
succeeds "a run that is over" study --checkpoint state --resume
same_epochs "a run that is over" before
[ "$(result params_hash)" = "$hash" ] || fail "a run that is over has other parameters when resumed"
complains "a checkpoint that is there" "state is there already.*--resume" study --checkpoint state
complains "another seed" "another run: it has seed=5, this one seed=6" study --checkpoint state --resume --seed 6
complains "other epochs" "another run: it has epochs=3, this one epochs=4" study --checkpoint state --resume --epochs 4
complains "other images" "another run: it has images" study --checkpoint state --resume --data other
complains "the best network saved elsewhere" "other.safetensors is not there: the best network so far" study --checkpoint state \
    --resume --save other.safetensors
complains "the best network exported elsewhere" "other.onnx is not there" study --checkpoint state --resume --export other.onnx
complains "resuming from nowhere" "checkpoint" study --resume
complains "a model that is no checkpoint" "whole.safetensors.*state of its training" study --checkpoint whole.safetensors \
    --resume
complains "a folder" "no regular file" study --checkpoint data --resume
complains "a checkpoint in no folder" "nowhere" study --checkpoint nowhere/state
complains "a model in no folder" "nowhere" study --save nowhere/model
complains "an ONNX model in no folder" "nowhere" study --export nowhere/model
[ -s state ] || fail "a refused run has removed the checkpoint"
bytes=$(wc -c <state)
for length in 0 5 300 $((bytes / 2)) $((bytes - 1)); do
    head -c "$length" state >short
    complains "a checkpoint of $length bytes" "cannot go on from short" study --checkpoint short --resume
done
head -c "$bytes" /dev/zero >zeros
complains "zeros" "cannot go on from zeros" study --checkpoint zeros --resume
# changed FROM TO: the checkpoint with another text of the same length in its metadata
changed() {
    LC_ALL=C sed "s/$1/$2/" state >forged
    [ "$(wc -c <forged)" = "$bytes" ] && ! cmp -s state forged || fail "'$1' was not replaced"
}
changed 'run 1\\u000aposition' 'run 2\\u000aposition'
complains "another version" "forged.*another version, or damaged" study --checkpoint forged --resume
changed 'position 0' 'position x'
complains "a place that is no number" "forged.*another version, or damaged" study --checkpoint forged --resume
changed 'epochs 3' 'epochs 2'
complains "more epochs than it counts" "forged.*another version, or damaged" study --checkpoint forged --resume
changed 'position 0' 'position 7'
complains "a place within a batch" "forged.*what cannot be" study --checkpoint forged --resume
changed 'run.state' 'run.spate'
complains "no state" "no checkpoint" study --checkpoint forged --resume
cat log
exit "$status"
