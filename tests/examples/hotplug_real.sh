#!/bin/sh
# examples/studies/hotplug on a part of the real sets, where they are at hand. Arguments: hotplug, the source folder.
# SPDX-License-Identifier: MIT
hotplug=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

found=
for folder in "${MONOFORWARD_DATA:-}" "$source/../shared/data" "$source/data"; do
    if [ -f "$folder/tabular/optdigits.tra.gz" ] && [ -f "$folder/mnist/train-images-idx3-ubyte.gz" ]; then
        found=$folder
        break
    fi
done
if [ -z "$found" ]; then
    echo "skip: real data: no mnist/ and tabular/ in \$MONOFORWARD_DATA, ../shared/data or data"
    exit 77
fi
"$hotplug" --quick --data "$found" >"$work/out" 2>"$work/err" || fail "exit code $?: $(cat "$work/err")"
grep -q '^result .*from=mnist to=optdigits layer=moved' "$work/out" || fail "nothing moved from MNIST to optdigits"
# A classifier without hidden layers reaches this as well; a reader that mixes up its columns does not.
last=$(sed -n 's/^result .*from=none to=optdigits layer=random frozen=0 samples=3000 .* last=\([0-9.]*\).*/\1/p' \
    "$work/out")
awk -v last="$last" 'BEGIN { exit !(last > 85) }' || fail "optdigits from scratch: '$last', expected above 85"
exit "$status"
