#!/bin/sh
# debian/libmonoforward0.symbols names exactly the functions of the version script, under its version node; so does
# libmonoforward-mpi0.symbols.
# Arguments: the source folder. SPDX-License-Identifier: MIT
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# compare PACKAGE NAME LEAST: of a library and of its package, and how many functions there are at least
compare() {
    package=$1 name=$2 least=$3
    symbols=cmake/packaging/debian/$package.symbols
    map=cmake/$name.map
    upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
    node=$(sed -n "s/^\\(${upper}_[0-9]*\\) {.*/\\1/p" "$map")
    {
        echo "$node"
        sed -n 's/^ *\(mf_[a-z0-9_]*\);.*/\1/p' "$map"
    } | LC_ALL=C sort | sed "s/.*/&@$node/" >"$work/map"
    [ "$(wc -l <"$work/map")" -ge "$least" ] || {
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
    head -1 "$symbols" | grep -q "^lib$name\.so\.${node##*_} $package " || {
        echo "failed: $symbols does not begin with the SONAME of $node"
        exit 1
    }
    echo "$package: $(wc -l <"$work/map") symbols"
}

compare libmonoforward0 monoforward 60
compare libmonoforward-mpi0 monoforward_mpi 15
