#!/bin/sh
# The study of words on a text that is drawn: every head, and a run that is killed and goes on to the same numbers.
# Argument: the program. SPDX-License-Identifier: MIT
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
without_data
small="--width 16 --embedding 8 --rank 4 --candidates 100 --tokens 4000 --judged 512 --threads 1"

for how in "" "--law counts" "--train bp --law uniform" "--head low-rank --law log-uniform" "--head shared --law uniform" \
    "--head shared --rank 0" "--model transformer --window 8" \
    "--model transformer --window 8 --train bp --head low-rank --law uniform"; do
    # shellcheck disable=SC2086
    "$program" $small $how >out || fail "words $how"
    grep -q "^result example=words .* valid=[1-9][0-9.]* .* test=[1-9]" out || fail "words $how gives no result"
    grep -q "the text is drawn" out || fail "words $how does not tell that its text is drawn"
done

same() { # FILE: what does not depend on the clock
    sed -n 's/ [a-z_]*seconds=[0-9.]*//g; /^result/p' "$1"
}
# shellcheck disable=SC2086
"$program" $small --test no >out || fail "words without the test part"
grep -q "^result .* valid=[1-9]" out || fail "--test no tells nothing"
! grep -q " test=" out || fail "--test no looks at the test part"

goes_on() { # OPTIONS...
    # shellcheck disable=SC2086
    "$program" $small --epochs 2 "$@" >whole || fail "two epochs $*"
    # Killed in its second epoch; one that is over before that is tried once more.
    code=0
    for try in 1 2 3 4 5 6 7 8 9 10; do
        rm -f run.safetensors
        : >begun
        # shellcheck disable=SC2086
        "$program" $small --epochs 2 "$@" --checkpoint run.safetensors --every 0 >begun &
        id=$!
        until grep -q '^result' begun || ! kill -0 $id 2>/dev/null; do
            sleep 0.02
        done
        kill -9 $id 2>/dev/null
        wait $id 2>/dev/null
        code=$?
        [ $code -eq 137 ] && break
    done
    [ $code -eq 137 ] || fail "no run was killed in its second epoch $*"
    [ -s run.safetensors ] || fail "a run that was killed has left no checkpoint $*"
    # shellcheck disable=SC2086
    "$program" $small --epochs 2 "$@" --checkpoint run.safetensors >rest || fail "a run that goes on $*"
    [ "$(grep -c '^result' rest)" -eq 1 ] || fail "a run that goes on learns its first epoch again $*"
    [ "$(same rest | tail -n 1)" = "$(same whole | tail -n 1)" ] || fail "a run that went on has other numbers $*"
    rm -f run.safetensors
}
# A place that the samples do not have; the file keeps its length.
# shellcheck disable=SC2086
"$program" $small --law counts --checkpoint run.safetensors >/dev/null || fail "a run with a checkpoint"
LC_ALL=C sed 's/"place":"\([0-9]*\) 0 \([0-9]*\)\.[0-9]\{3\} /"place":"\1 99\29999./' run.safetensors >moved.safetensors
cmp -s run.safetensors moved.safetensors && fail "the place was not replaced"
# shellcheck disable=SC2086
complains "a place behind the samples" "more samples" "$program" $small --law counts --checkpoint moved.safetensors
# shellcheck disable=SC2086
complains "a checkpoint of another rate" "another run" "$program" $small --law counts --rate 0.5 --checkpoint \
    run.safetensors
rm -f run.safetensors moved.safetensors

goes_on --law counts
goes_on --law uniform --head shared
exit $status
