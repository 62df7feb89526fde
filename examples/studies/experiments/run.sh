#!/bin/sh
# The paper's claims as experiments: goes through a plan of training runs, then makes the table and the figure.
#
#     sh examples/studies/experiments/run.sh NAME|all [--quick] [--minutes N] [--jobs N] [--data DIR] [--out DIR] [--build DIR]
#     sh examples/studies/experiments/run.sh NAME|all --list | --report
#
# Names are those of plans/*.sh. A run whose line stands in OUT/NAME.csv (docs/results/experiments) is not repeated, so
# the same command goes on where it was stopped. --quick is a small version of everything, into the build folder.
# SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
every="sanity mlp-table projection depth memory schedule tabular text cnn-table"
names='' quick=0 minutes=0 jobs=2 data='' out='' build=$root/build task=run

die() {
    echo "error: $*" >&2
    exit 1
}

number() { # number OPTION TEXT
    case $2 in
    '' | *[!0-9]* | 0*) die "$1 $2: a whole number above 0 is needed, without zeros before it" ;;
    esac
}

while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=1 ;;
    --list) task=list ;;
    --report) task=report ;;
    --minutes | --jobs | --data | --out | --build)
        [ $# -gt 1 ] || die "$1 needs a value"
        case $1 in
        --minutes) number "$1" "$2" && minutes=$2 ;;
        --jobs) number "$1" "$2" && jobs=$2 ;;
        --data) data=$2 ;;
        --out) out=$2 ;;
        --build) build=$2 ;;
        esac
        shift
        ;;
    -h | --help)
        sed -n '2,9s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    -*) die "unknown option $1 (see --help)" ;;
    all) names="$names $every" ;;
    *)
        [ -f "$here/plans/$1.sh" ] || die "no experiment $1: there are $every"
        names="$names $1"
        ;;
    esac
    shift
done
[ -n "$names" ] || die "which experiment? all, or of $every"

program=$build/examples/experiment
[ -x "$program" ] || die "no program $program: build it (cmake --build $build --target example_experiment), or say --build DIR"
build=$(cd "$build" && pwd) program=$build/examples/experiment
[ -n "$out" ] || { [ $quick -eq 1 ] && out=$build/experiments-quick || out=$root/docs/results/experiments; }
mkdir -p "$out" || die "$out cannot be made"
out=$(cd "$out" && pwd)
work=$(mktemp -d) || exit 1
pids=''
# shellcheck disable=SC2086
trap 'rm -rf "$work"; [ -z "$pids" ] || kill $pids 2>/dev/null' EXIT
trap 'exit 130' INT TERM
# BLAS libraries begin with one thread: the program sets its own number.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 BLIS_NUM_THREADS=1 MKL_NUM_THREADS=1

# ---- plans ----

# What plans say: a line "minutes mode run options" for each run. Minutes are those of one core that has one to do.
planned() {
    mode=$1 expected=$2 id=$3
    shift 3
    echo "$expected $mode $id $*"
}
run() { planned shared "$@"; }    # run MINUTES RUN OPTIONS
alone() { planned alone "$@"; }   # the same with nothing beside it: for times
choose() {                        # choose MINUTES GROUP RATES GAINS OPTIONS: a run for every rate and gain
    each=$1 group=$2 rates=$3 gains=$4
    shift 4
    for rate in $rates; do
        for gain in $gains; do
            planned shared "$each" "choose-$group-lr$rate-gain$gain" --choice --group "$group" --learning-rate "$rate" \
                --weight-gain "$gain" "$@"
        done
    done
}

layers() { # layers COUNT WIDTH: WIDTH,WIDTH,...
    awk -v count="$1" -v width="$2" 'BEGIN { while (count-- > 0) printf "%s%s", width, (count > 0) ? "," : "\n" }'
}

# The small version: one seed, one pass, few rows, few neurons, digits and shapes that are drawn, and one thread, which is
# all that products in plain C have.
shrink() {
    awk '$3 ~ /-s[2-9]$/ { next }
        {
            $1 = 0
            for (i = 4; i < NF; i++) {
                if ($i == "--data") $(i + 1) = $(i + 1) ~ /mnist$/ ? "digits" : $(i + 1) ~ /^cifar/ ? "shapes" : $(i + 1)
                if ($i == "--threads") $(i + 1) = 1
                if ($i == "--hidden" || $i == "--conv") gsub(/[0-9][0-9]+/, "16", $(i + 1))
            }
            print $0, "--limit 300 --validation 60 --epochs 1 --batch 32 --columns 256 --accumulate 7"
        }'
}

make_plan() {
    # shellcheck disable=SC1090
    (. "$here/plans/$1.sh") >"$work/full"
    if [ $quick -eq 1 ]; then shrink <"$work/full" >"$work/plan"; else cp "$work/full" "$work/plan"; fi
    twice=$(awk '{ print $3 }' "$work/plan" | sort | uniq -d | head -1)
    [ -z "$twice" ] || die "the plan $1 has the run $twice twice"
}

finished() { # finished NAME RUN
    [ -f "$out/$1.csv" ] && grep -q "^$2," "$out/$1.csv"
}

# The runs of a group of choices that are still to be made: choices_left NAME GROUP.
choices_left() {
    # shellcheck disable=SC1090
    (. "$here/plans/$1.sh") | while read -r _ _ other _; do
        case $other in choose-"$2"-lr*) finished "$1" "$other" || echo "$other" ;; esac
    done
}

# The options that did best on the validation rows, by accuracy, then by loss: winner NAME GROUP.
winner() {
    awk -F, -v group="$2" -f "$here/statistics.awk" -f "$here/winner.awk" "$out/$1.csv"
}

# ---- runs ----

running() {
    alive=''
    for pid in $pids; do
        if kill -0 "$pid" 2>/dev/null; then alive="$alive $pid"; fi
    done
    pids=$alive
    # shellcheck disable=SC2086
    set -- $pids
    echo $# >"$work/running"
    [ $# -gt 0 ]
}

# On a terminal: how much of an experiment is done, and the last that each run has said of how far it is.
show() {
    [ -t 1 ] || return 0
    printf '\r\033[K'
    {
        awk -v done=$((total - left)) -v all="$total" 'BEGIN {
            while (i++ < 20) bar = bar (i <= 20 * done / all ? "#" : ".")
            printf "[%s] %d of %d runs ", bar, done, all }'
        for said in "$work"/*.err; do
            [ ! -f "$said" ] || printf ' %s %s' "$(basename "$said" .err)" "$(tail -n 1 "$said" | cut -d, -f1)"
        done
    } | cut -c 1-110 | tr -d '\n'
}

wait_until() { # wait_until MOST: no more runs than that
    while running && [ "$(cat "$work/running")" -gt "$1" ]; do
        show
        sleep "$pause"
    done
    [ ! -t 1 ] || printf '\r\033[K'
}

# A run without its choice: nothing to say if that was skipped or does not fit into this piece.
cannot_choose() { # cannot_choose GROUP WHY
    ! grep -q "^choose-$1-lr" "$work/skipped" || return 1
    [ $stopped -eq 0 ] || return 1
    echo "failed: $id: $2" >&2
    echo "$id" >>"$work/failures"
    return 1
}

# Replaces @GROUP and @NAME/GROUP by the options that were chosen, when all choices have been made.
resolve() { # resolve NAME OPTIONS: sets $options
    name=$1
    options=''
    shift
    for word in "$@"; do
        case $word in
        @*)
            from=$name group=${word#@}
            case $group in
            */*) from=${group%%/*} group=${group#*/} ;;
            esac
            if [ -n "$(choices_left "$from" "$group")" ]; then
                wait_until 0 # they may be on the way
                [ -z "$(choices_left "$from" "$group")" ] ||
                    cannot_choose "$group" "not everything is there to choose $group by: run $from first" || return 1
            fi
            word=$(winner "$from" "$group") || cannot_choose "$group" "all runs to choose $group by diverged" || return 1
            ;;
        esac
        options="$options $word"
    done
}

start() { # start NAME RUN OPTIONS
    name=$1 id=$2
    shift 2
    [ -z "$data" ] || set -- --folder "$data" "$@"
    (
        "$program" --run "$id" --out "$out/$name" "$@" >"$work/$id.out" 2>"$work/$id.err" &
        trap 'kill $! 2>/dev/null; exit 1' TERM # the run ends with those who wait for it
        wait $!
        code=$?
        if [ $code -eq 77 ]; then
            echo "$id" >>"$work/skipped"
            reason=$(grep '^skip: ' "$work/$id.err")
            grep -qxF "$reason" "$work/reasons" || echo "$reason" | tee -a "$work/reasons" >&2
        elif [ $code -ne 0 ]; then
            echo "failed: $id: $(grep '^error: ' "$work/$id.err" | head -1)" >&2
            echo "$id" >>"$work/failures"
        fi
        rm -f "$work/$id.err"
    ) &
    pids="$pids $!"
}

left_to_do() { # left_to_do NAME: sets $left (runs), $time_left (minutes)
    awk -v csv="$out/$1.csv" -v jobs="$jobs" 'BEGIN { while ((getline line < csv) > 0) { split(line, f, ","); done[f[1]] = 1 } }
        !($3 in done) { runs++; minutes += $2 == "alone" ? $1 : $1 / jobs }
        END { printf "%d %.0f\n", runs, minutes }' "$work/plan" >"$work/left"
    read -r left time_left <"$work/left"
}

over() { # over MINUTES: would a run of so many minutes pass the deadline?
    [ "$minutes" -gt 0 ] && awk -v now="$(date +%s)" -v began="$began" -v most="$minutes" -v more="$1" \
        'BEGIN { exit !(now + 60 * more > began + 60 * most) }'
}

go_through() { # go_through NAME
    make_plan "$1"
    total=$(wc -l <"$work/plan")
    while read -r expected mode id rest <&3; do
        finished "$1" "$id" && continue
        left_to_do "$1"
        if over "$expected"; then
            stopped=1
            continue
        fi
        if [ "$mode" = alone ]; then wait_until 0; else wait_until $((jobs - 1)); fi
        # shellcheck disable=SC2086
        resolve "$1" $rest || continue
        [ $quick -eq 1 ] || printf '%s  %s: run %d of %d: %s (%s min; about %s min left here)\n' "$(date +%H:%M)" "$1" \
            $((total - left + 1)) "$total" "$id" "$expected" "$time_left"
        # shellcheck disable=SC2086
        start "$1" "$id" $options
        if [ "$mode" = alone ]; then wait_until 0; fi
    done 3<"$work/plan"
    wait_until 0
    pids=''
    left_to_do "$1"
}

list() {
    make_plan "$1"
    left_to_do "$1"
    awk -v name="$1" -v left="$left" -v time="$time_left" '{ runs++; m += $1 }
        END { printf "%-12s %4d runs, %6.0f minutes of one core; %4d runs left, about %.0f minutes\n", name, runs, m, left, time }' \
        "$work/plan"
}

began=$(date +%s) stopped=0 pause=1 all_left=0
[ $quick -eq 0 ] || pause=0.05
: >"$work/failures"
: >"$work/skipped"
: >"$work/reasons"
for name in $names; do
    if [ $task = list ]; then
        list "$name"
        continue
    fi
    if [ $task = report ]; then
        make_plan "$name"
        left_to_do "$name"
    else
        go_through "$name"
    fi
    all_left=$((all_left + left))
    sh "$here/report.sh" "$name" "$out" || echo "$name" >>"$work/failures"
done
[ $task = list ] && exit 0
sh "$here/summary.sh" "$out" || echo summary >>"$work/failures"
[ $stopped -eq 0 ] || echo "stopped before the $minutes minutes are over: the same command goes on"
echo "result example=experiments names=$(echo $names | tr ' ' ,) left=$all_left failed=$(wc -l <"$work/failures" | tr -d ' ') out=$out"
[ ! -s "$work/failures" ]
