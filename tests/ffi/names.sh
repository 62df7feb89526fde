#!/bin/sh
# Every name of the library that the hand-written parts of the bindings use is in the description of the ABI.
# In most of these languages a name that does not exist shows only where it is used, or never. Argument:
# examples/bindings. SPDX-License-Identifier: MIT
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

grep -oE '"(mf|MF)_[A-Za-z0-9_]+"' "$folder/abi/monoforward.json" | tr -d '"' | sort -u >"$work/described"
[ "$(wc -l <"$work/described")" -gt 100 ] || {
    echo "failed: abi/monoforward.json describes next to nothing"
    exit 1
}

# check FILE...
check() {
    # Constants that are named as a whole, MF_ACTIVATION_..., and C.mf_ with a name made at run time are no
    # names.
    grep -hoE '\b(mf|MF)_[A-Za-z0-9_]+' "$@" | grep -vE '_$' | sort -u >"$work/used"
    [ -s "$work/used" ] || {
        echo "failed: no names of the library in $*"
        status=1
    }
    comm -23 "$work/used" "$work/described" >"$work/unknown"
    while read -r name; do
        echo "failed: $name is not in the description: $(grep -l "\b$name\b" "$@" | tr '\n' ' ')"
        status=1
    done <"$work/unknown"
}

cd "$folder" || exit 1
check node/monoforward.js node/shared.js node/residual.js node/spirals.js
check browser/monoforward.js browser/page/learner.js
check lua/monoforward.lua lua/residual.lua lua/spirals.lua
check rust/src/builder.rs rust/src/error.rs rust/src/layer.rs rust/src/lib.rs rust/src/matrix.rs rust/src/network.rs \
    rust/src/optimizer.rs rust/src/pipeline.rs rust/src/workspace.rs rust/examples/residual.rs rust/examples/spirals.rs
check python/*.py python/monoforward/[a-z_]*.py
check go/*.go
exit "$status"
