#!/bin/sh
# The study of heads: shares that can be worked out by hand, and two small layers that learn drawn digits with every head
# that stands on rows. Argument: the program. SPDX-License-Identifier: MIT
heads=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
without_data

# costs SHAPE HEAD ARITHMETIC PARAMETERS
costs() {
    awk -v shape="$1," -v head="$2" -v want="$3% $4%" '
        $2 ~ /^[0-9]+$/ { inside = $1 == shape }
        inside && $1 == head { found = $2 " " $3 }
        END { if (found != want) { print found ", not " want; exit 1 } }' "$work/out" ||
        fail "$1 with the head $2 has other shares"
}
succeeds "what heads cost" "$heads"
# 3 x 10 x 1000 of it and 2 x 784 x 1000 of the layer; 10,000 parameters of 10,000 + 785 x 1000
costs dense-784-1000 linear 1.9 1.3
# a map of 1000 x 1000 three times, 10 x 1000 three times, and 128 rows compared with one in 1000 values, twice
costs dense-784-1000 similarity 67.7 56.3
# 256 x 256 x 9 at 4 x 4 places three times, M of 1024 x 10 three times; 128 x 256 x 9 at 8 x 8 places twice
costs conv-128-256-at-8 conv 42.9 67.0
# 32 x 512 and 32 x 10,000 three times, and 512 x 512 twice
costs dense-512-512 low-rank 65.8 56.2
# 32 x 512, and 32 of 500 + 128 rows
costs dense-512-512 low-rank-sampled 17.3 56.2
# 68 x 512 and 4 of 628 rows three times, 64 that do not learn twice; 68 x 512 + 68 x 10,000 parameters
costs dense-512-512 shared-sampled 26.8 73.1
# 128 x 1000, 10 x 128 and 10 x 1000 three times; 128 x 1001 + 10 x 129 + 10 x 1000 parameters
costs dense-784-1000 auxiliary 21.0 15.1
# 500 + 128 of 10,000 rows of M in a step
costs dense-512-512 sampled 64.8 95.1

succeeds "training" "$heads" --train --hidden 100 --limit 2000 --epochs 12 --learning-rate 0.003
[ "$(grep -c '^result example=heads data=drawn' "$work/out")" -eq 6 ] || fail "not every head has learned"
awk '/^result/ { split($0, part, "last="); if (part[2] + 0 < 70) exit 1 }' "$work/out" || fail "a head learns nothing"
complains "a folder without MNIST" "mnist was not found in $work/nowhere" "$heads" --train --data "$work/nowhere"
complains "an unknown option" "nonsense" "$heads" --nonsense
exit "$status"
