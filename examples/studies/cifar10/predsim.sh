#!/bin/sh
# Similarity matching beside the cross-entropy alone (pred and predsim of Nokland and Eidnes), at equal passes, for some seeds:
#
#     sh examples/studies/cifar10/predsim.sh FOLDER [OPTIONS OF cifar10]
#
# A run that has its line in FOLDER/runs.log is not made again; one that was interrupted goes on from its checkpoint. CIFAR10
# names another program, SEEDS other seeds. The shape is that of --preset vgg8b; --width 0.25 makes it one for a few cores.
# SPDX-License-Identifier: MIT
set -eu
folder=$1
shift
cifar10=${CIFAR10:-build/examples/cifar10}
. "$(dirname "$0")/../common/runs.sh"
for seed in ${SEEDS:-1 2 3}; do
    run_once "pred-$seed" "$cifar10" --preset vgg8b "$@" --seed "$seed" --resume
    run_once "predsim-$seed" "$cifar10" --preset vgg8b "$@" --seed "$seed" --similarity 0.99 --resume
done
cat "$folder/runs.log"
# For seeds with both: how many points LAST is better with it, on average.
awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^last=/) { split($1, name, "[-:]"); last[name[1], name[2]] = substr($i, 6) } }
    END { for (key in last) { split(key, name, SUBSEP)
              if (name[1] == "pred" && ("predsim", name[2]) in last) {
                  sum += last["predsim", name[2]] - last[key]; runs++ } }
          printf "difference last=%+.2f runs=%d\n", runs ? sum / runs : 0, runs }' "$folder/runs.log"
