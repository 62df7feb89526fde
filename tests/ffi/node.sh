#!/bin/sh
# The example for Node. Arguments: see languages.sh. SPDX-License-Identifier: MIT
here=$(dirname "$0")
. "$here/languages.sh"

command -v node >/dev/null || skip "there is no node"
modules=
for folder in "${MONOFORWARD_NODE_MODULES:-}" "$build/node/node_modules" "$source/build/node/node_modules"; do
    if [ -z "$modules" ] && [ -n "$folder" ] && [ -d "$folder/koffi" ]; then
        modules=$folder
    fi
done
[ -n "$modules" ] || skip "the package koffi is not installed (sh tests/run.sh installs it)"
NODE_PATH=$modules
export NODE_PATH
node -e 'require("koffi")' 2>"$work/complaint" || skip "koffi does not run here: $(grep -m 1 Error "$work/complaint")"
node "$here/node/arguments.js" "$source/examples/bindings/node" || {
    echo "failed: wrong arguments"
    exit 1
}
learns ffi-node node --expose-gc "$source/examples/bindings/node/spirals.js"
builds ffi-node-residual node "$source/examples/bindings/node/residual.js"
