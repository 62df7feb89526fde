#!/bin/sh
# Compares two builds of the library: runs their bench_dense and bench_conv in turn, and prints for each line the
# ratio of the new rate to the old one.
#
#     sh tests/bench/compare_builds.sh OLD_BUILD NEW_BUILD [ROUNDS]
#
# Rounds are interleaved, and a ratio is the median of the rounds' ratios, so that a neighbour on the machine slows both.
# SPDX-License-Identifier: MIT
set -eu
[ $# -ge 2 ] || {
    echo "usage: sh tests/bench/compare_builds.sh OLD_BUILD NEW_BUILD [ROUNDS]" >&2
    exit 2
}
old=$1 new=$2 rounds=${3:-7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export OPENBLAS_NUM_THREADS=1

run_one() { # side build name command...
    side=$1 build=$2 name=$3
    shift 3
    "$build/tests/bench/$name" "$@" | grep '^result ' | sed "s|^|$side $round |" >>"$work/lines"
}

# Who is first changes from round to round. Both may be the same build: that tells how much the machine scatters.
run_both() { # name command...
    if [ $((round % 2)) -eq 1 ]; then
        run_one old "$old" "$@"
        run_one new "$new" "$@"
    else
        run_one new "$new" "$@"
        run_one old "$old" "$@"
    fi
}

: >"$work/lines"
round=1
while [ "$round" -le "$rounds" ]; do
    run_both bench_dense --arch=784-1000-1000 --batch=128 --rounds=3 --threads=1
    run_both bench_conv --arch=3x32x32:c64p-c128p-c10 --batch=32 --rounds=1 --steps=6 --python=none --threads=1 --run=steps
    round=$((round + 1))
done

# The line without its figures says what was measured; its rate is samples per second.
awk '
    {
        side = $1; turn = $2; name = ""; rate = 0
        for (i = 4; i <= NF; i++) {
            split($i, field, "=")
            if (field[1] ~ /^(sps|images_s)$/)
                rate = field[2]
            else if (field[1] ~ /^(bench|batch|optimizer|threads|run|norm|arch)$/)
                name = name " " $i
        }
        if (rate > 0) {
            value[name, turn, side] = rate
            if (!(name in seen)) { seen[name] = ++names; order[names] = name }
            if (turn > turns) turns = turn
        }
    }
    END {
        for (n = 1; n <= names; n++) {
            count = 0
            for (turn = 1; turn <= turns; turn++)
                if (value[order[n], turn, "old"] > 0)
                    ratio[++count] = value[order[n], turn, "new"] / value[order[n], turn, "old"]
            for (i = 2; i <= count; i++) {
                kept = ratio[i]
                for (j = i; j > 1 && ratio[j - 1] > kept; j--) ratio[j] = ratio[j - 1]
                ratio[j] = kept
            }
            printf "result bench=compare_builds measured=\"%s\" rounds=%d ratio=%.3f lowest=%.3f highest=%.3f\n", substr(order[n], 2), count, ratio[int((count + 1) / 2)], ratio[1], ratio[count]
        }
    }' "$work/lines"
