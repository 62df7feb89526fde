#!/bin/sh
# Residual networks, mixers and transformers, cut into layers in different places: trains what stands in plan.sh, one run
# after the other, then makes the table and the figures (report.sh).
#
#     sh examples/studies/cuts/run.sh [--data DIR] [--minutes N] [--only WORD] [--threads N] [--out DIR] [--build DIR]
#     sh examples/studies/cuts/run.sh --list | --report | --speed [--rows N]
#
# A run is done when OUT/NAME.log ends with its result (docs/results/cuts). One that is stopped, by Ctrl-C or because the
# minutes are over, leaves a checkpoint in BUILD/cuts, from where the same command goes on. --only takes the runs whose
# names begin with WORD. --speed times ResNet-18 layer by layer and with two workers, one after the other and several
# times, on a machine that has nothing else to do: OUT/speed.log, of 1920 images each time or those that --rows says. DIR
# holds cifar-10, cifar-100 and text/wikitext-2; without --data it is $MONOFORWARD_DATA.
# SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
minutes=0 only='' threads=0 rows=1920 build=$root/build out=$root/docs/results/cuts data=${MONOFORWARD_DATA:-$root/../shared/data} task=run

die() {
    echo "error: $*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --list) task=list ;;
    --report) task=report ;;
    --speed) task=speed ;;
    --minutes | --only | --threads | --rows | --out | --build | --data)
        [ $# -gt 1 ] || die "$1 needs a value"
        case $1 in
        --minutes) minutes=$2 ;;
        --only) only=$2 ;;
        --threads) threads=$2 ;;
        --rows) rows=$2 ;;
        --out) out=$2 ;;
        --build) build=$2 ;;
        --data) data=$2 ;;
        esac
        shift
        ;;
    -h | --help)
        sed -n '2,15s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown option $1 (see --help)" ;;
    esac
    shift
done
for number in "$minutes" "$threads" "$rows"; do
    case $number in '' | *[!0-9]* | 0?*) die "--minutes $minutes, --threads $threads, --rows $rows: whole numbers are needed" ;; esac
done
work=$build/cuts
mkdir -p "$out" "$work" || die "$out or $work cannot be made"
child=''
trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null; stopped=1' INT TERM

finished() { # finished NAME
    [ -f "$out/$1.log" ] && tail -1 "$out/$1.log" | grep -q '^result .* params_hash='
}

seconds_left() {
    [ "$minutes" -gt 0 ] && echo $((began + 60 * minutes - $(date +%s))) || echo 1000000000
}

# The folder of a run's data, without its path in the log.
train() { # train NAME PROGRAM OPTIONS
    name=$1 program=$2
    shift 2
    timeout -s TERM "$(seconds_left)" "$build/examples/$program" --checkpoint "$work/$name.safetensors" --resume \
        --checkpoint-every 60 --plot "$out/$name.svg" "$@" >"$work/$name.log" 2>"$work/$name.err" &
    child=$!
    wait $child
    code=$?
    [ $stopped -eq 0 ] || wait $child
    child=''
    if tail -1 "$work/$name.log" | grep -q '^result .* params_hash='; then
        mv "$work/$name.log" "$out/$name.log"
        rm -f "$work/$name.safetensors"
    elif [ $code -ne 124 ] && [ $stopped -eq 0 ]; then
        echo "failed: $name: $(grep '^error: ' "$work/$name.err" | head -1)" >&2
        failures=$((failures + 1))
    fi
}

run() { # run NAME PROGRAM OPTIONS, as plan.sh calls it
    case $1 in "$only"*) ;; *) return 0 ;; esac
    if finished "$1"; then return 0; fi
    left=$((left + 1))
    [ $task = run ] || { echo "$*" && return 0; }
    if [ $stopped -ne 0 ] || [ "$(seconds_left)" -le 0 ]; then return 0; fi
    echo "$(date +%H:%M)  $*"
    [ "$threads" -eq 0 ] || set -- "$@" --threads "$threads"
    train "$@"
    if finished "$1"; then left=$((left - 1)); fi
}

# Interleaved, so that other work on the machine meets both ways alike. Nothing is left of a measurement that was stopped
# or failed.
measure_speed() {
    : >"$work/speed.log"
    for run in 1-conv 1-block 1-stage 1-half 1-none 2-conv 2-block 2-stage 2-half 2-none 3-conv 3-block 3-stage 3-half 3-none; do
        for workers in 0 2; do
            "$build/examples/resnet18" --data "$data/cifar-10" --cut "${run#*-}" --width 8 --batch 64 --epochs 1 --limit "$rows" \
                --test-limit 64 --workers $workers --seed "${run%-*}" >"$work/speed.out" 2>"$work/speed.err" &
            child=$!
            wait $child
            [ $stopped -eq 0 ] || { left=1 && return 0; }
            tail -1 "$work/speed.out" | grep '^result .*rows_per_second=' >>"$work/speed.log" ||
                die "the speed of $run with $workers workers: $(grep '^error: ' "$work/speed.err" | head -1)"
        done
    done
    child=''
    mv "$work/speed.log" "$out/speed.log"
}

began=$(date +%s) stopped=0 left=0 failures=0
case $task in
run | list) . "$here/plan.sh" ;;
speed) measure_speed ;;
esac
[ $task != list ] || exit 0
sh "$here/report.sh" "$out" || failures=$((failures + 1))
echo "result example=cuts left=$left failed=$failures out=$out"
[ $failures -eq 0 ]
