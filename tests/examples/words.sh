#!/bin/sh
# The study of words on a text that is drawn: every head, and a run that is killed and goes on to the same numbers.
# Argument: the program. SPDX-License-Identifier: MIT
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
without_data
source=$(CDPATH='' cd -- "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/python.sh
. "$source/tests/python.sh"
small="--width 16 --embedding 8 --rank 4 --candidates 100 --tokens 4000 --judged 512 --threads 1"

for how in "" "--law counts" "--train bp --law uniform" "--head low-rank --law log-uniform" "--head shared --law uniform" \
    "--head shared --rank 0" "--model transformer --window 8" \
    "--model transformer --window 8 --train bp --head low-rank --law uniform"; do
    # shellcheck disable=SC2086
    "$program" $small $how >out || fail "words $how"
    grep -q "^result example=words data=drawn .* valid=[1-9][0-9.]* .* test=[1-9]" out || fail "words $how gives no result"
    grep -q "the text is drawn" out || fail "words $how does not tell that its text is drawn"
done

same() { # FILE: what does not depend on the clock
    sed -n 's/ [a-z_]*seconds=[0-9.]*//g; /^result/p' "$1"
}
# shellcheck disable=SC2086
"$program" $small --test no >out || fail "words without the test part"
grep -q "^result .* valid=[1-9]" out || fail "--test no tells nothing"
! grep -q " test=" out || fail "--test no looks at the test part"

# ---- fewer words than a batch has are learned from, and judged by; fewer than a row has are refused ----
value() { # KEY: of the last result in `out`
    sed -n '/^result/{s/.* '"$1"'=\([^ ]*\).*/\1/;p;}' out | tail -n 1
}
# shellcheck disable=SC2086
{
    "$program" $small --judged 5 >out || fail "five words to judge by"
    case $(value valid) in [1-9]*) ;; *) fail "five words are judged as $(value valid)" ;; esac
    "$program" $small --tokens 50 --rate 1e-9 >out || fail "fifty words, at no rate"
    untrained=$(value valid)
    "$program" $small --tokens 50 --rate 0.01 >out || fail "fifty words"
    [ "$(value valid)" != "$untrained" ] || fail "nothing is learned from fifty words"
    [ "$(value tokens)" = 50 ] || fail "fifty words are said to be $(value tokens)"
    complains "fewer words than a row has" "a row of this model tells 8 words" "$program" $small --model transformer --window 8 \
        --tokens 5
    complains "fewer words to judge by than a row has" "a row of this model tells 8 words" "$program" $small \
        --model transformer --window 8 --judged 5
}

# ---- the tables of a study's log ----
if find_python sys; then
    {
        # shellcheck disable=SC2086
        for rate in 0.01 0.002; do
            "$program" $small --head low-rank --law uniform --rate $rate --test no | sed -n "s/^result/choose-rank-$rate: result/p"
        done
        # shellcheck disable=SC2086
        "$program" $small --head low-rank --law uniform --rate 0.01 | sed -n 's/^result/rank: result/p'
        echo "torch-bp: result example=words model=feed-forward train=torch-bp head=full law=none rate=0.01 tokens=9 epoch=1" \
            "seconds=2.0 processor_seconds=1.5 valid=11.5 test=12.5 resident_mb=99"
    } >study.log
    "$python" "$source/examples/studies/words/table.py" study.log >tables || fail "the tables of a log"
    row="| rank 4, 100 candidates, width 16 | 1 | 0.01 | [1-9][0-9.]* | [1-9][0-9.]* | [1-9][0-9.]* | [0-9.]*% |"
    grep -q "^$row [0-9.]* | [0-9.]* | [1-9][0-9,]* | [1-9][0-9,]* |\$" tables || fail "a run has no row: $(cat tables)"
    grep -q "^| BP, all words, in PyTorch |  | 0.01 |  | 11.5 | 12.5 |  | 1.5 | 99 resident |  |  |\$" tables ||
        fail "PyTorch has no row: $(cat tables)"
    best=$(grep -c "^| rank 4, 100 candidates, width 16, uniform | [*0-9.]* | [*0-9.]* |\$" tables)
    [ "$best" -eq 1 ] && grep -q "^| Perplexity by rate | 0.002 | 0.01 |\$" tables && grep -q "[*][*][0-9.]*[*][*]" tables ||
        fail "the choices have no row: $(cat tables)"
fi

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
# refuses_place PLACE PATTERN: of a run behind its first epoch, which has the place "1 0".
refuses_place() {
    LC_ALL=C sed "s/\"place\":\"1 0 /\"place\":\"$1/" run.safetensors >moved.safetensors
    cmp -s run.safetensors moved.safetensors && fail "the place was not replaced by $1"
    # shellcheck disable=SC2086
    complains "the place $1" "$2" "$program" $small --law counts --checkpoint moved.safetensors
}
refuses_place "1 -5" "where its run was"
refuses_place "1 x " "where its run was"
refuses_place "9 0 " "what cannot be"
refuses_place "0 5 " "what cannot be"
# A file that cannot be opened is not one that is not there.
# shellcheck disable=SC2086
complains "a checkpoint below a file" "cannot go on from out/run.safetensors" "$program" $small --law counts --checkpoint \
    out/run.safetensors
rm -f run.safetensors moved.safetensors

goes_on --law counts
goes_on --law uniform --head shared

# ---- all runs, of programs that only say what they were told ----
study=$source/examples/studies/words/run.sh
cat >words <<'END'
#!/bin/sh
echo "$*" >>told
echo "result example=words rate=0.004 law=none valid=10"
END
cat >python <<'END'
#!/bin/sh
[ ! -e broken ] || exit 1
echo "result told=$(echo "$*" | tr ' ' ,)"
END
chmod +x words python
all_runs() { # FOLDER OPTIONS...
    WORDS=./words PYTHON=./python sh "$study" "$@" >runs.out 2>runs.err
}
touch broken
! all_runs torch --threads 2 || fail "PyTorch fails, and the study does not"
rm broken
all_runs torch --threads 2 || fail "the study does not go on: $(cat runs.err)"
grep -q '^torch-bp: result told=.*--judged,0,--tokens,2088448,--rate,0.004,--threads,2$' torch/runs.log ||
    fail "PyTorch was told: $(grep '^torch-bp' torch/runs.log)"
grep -q -- '--rate 0.002 .*torch/bp-full-half.safetensors$' told || fail "no run was made at half the rate: $(cat told)"
grep -q -- '--rate 0.001 .*torch/bp-full-quarter.safetensors$' told || fail "no run was made at a quarter of the rate"
grep -q -- '--seed 3 --rate 0.004 .*torch/bp-full-0.004-seed-3.safetensors$' told || fail "another seed was told another rate"
sed -i '/^torch-bp/d' torch/runs.log
all_runs torch --width 64 || fail "a study of other models: $(cat runs.err)"
! grep -q '^torch-bp' torch/runs.log || fail "PyTorch's side was made for other models than those of the study"
grep -q 'torch_words.py does not know all of --width 64' runs.err || fail "the study does not say that PyTorch is left out"

# In two parts, which may run at once, it is the same study.
MODELS=transformer all_runs parts && ! grep -v transformer parts/runs.log && MODELS=feed-forward all_runs parts ||
    fail "the study in two parts: $(cat runs.err)"
[ "$(sort parts/runs.log)" = "$(sed /^torch-bp/d torch/runs.log | cat - parts/runs.log | sort -u)" ] ||
    fail "the study in two parts has other runs"
! MODELS="none transformer" all_runs none || fail "a study of a model that there is not"
exit $status
