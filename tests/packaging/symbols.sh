#!/bin/sh
# debian/libmonoforward0.symbols names exactly the functions of the version script, under its version node.
# Arguments: the source folder. SPDX-License-Identifier: MIT
set -eu
cd "$1"
symbols=cmake/packaging/debian/libmonoforward0.symbols
map=cmake/monoforward.map
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node=$(sed -n 's/^\(MONOFORWARD_[0-9]*\) {.*/\1/p' "$map")
{
    echo "$node"
    sed -n 's/^ *\(mf_[a-z0-9_]*\);.*/\1/p' "$map"
} | LC_ALL=C sort | sed "s/.*/&@$node/" >"$work/map"
[ "$(wc -l <"$work/map")" -ge 60 ] || {
    echo "failed: hardly any function found in $map"
    exit 1
}
grep '^ ' "$symbols" | awk '{ print $1 }' | LC_ALL=C sort >"$work/symbols"
diff "$work/map" "$work/symbols" || {
    echo "failed: $symbols departs from $map (< map, > symbols): add or remove these lines"
    exit 1
}
if grep '^ ' "$symbols" | grep -vE '^ [^ ]+ [0-9]+\.[0-9]+\.[0-9]+$'; then
    echo "failed: $symbols: a line without the version that brought the function"
    exit 1
fi
head -1 "$symbols" | grep -q "^libmonoforward\.so\.${node#MONOFORWARD_} libmonoforward${node#MONOFORWARD_} " || {
    echo "failed: $symbols does not begin with the SONAME of $node"
    exit 1
}
echo "$(wc -l <"$work/map") symbols"
