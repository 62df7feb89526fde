#!/bin/sh
# The example for LuaJIT. Arguments: see languages.sh. SPDX-License-Identifier: MIT
here=$(dirname "$0")
. "$here/languages.sh"

command -v luajit >/dev/null || skip "there is no luajit (sh tests/run.sh --all installs it)"
luajit "$here/lua/arguments.lua" "$source/examples/bindings/lua" || {
    echo "failed: wrong arguments"
    exit 1
}
learns ffi-luajit luajit "$source/examples/bindings/lua/spirals.lua"
builds ffi-luajit-residual luajit "$source/examples/bindings/lua/residual.lua"
