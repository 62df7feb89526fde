#!/bin/sh
# The example for Rust. Arguments: see languages.sh. SPDX-License-Identifier: MIT
here=$(dirname "$0")
. "$here/languages.sh"

command -v cargo >/dev/null || skip "there is no cargo (sh tests/run.sh --all installs it)"
cargo --version >"$work/complaint" 2>&1 || skip "cargo does not run here: $(head -1 "$work/complaint")"
offer_package
# Everything that cargo writes lands in the build folder, and nothing comes from the network.
CARGO_TARGET_DIR=$build/rust CARGO_HOME=$build/rust/home
export CARGO_TARGET_DIR CARGO_HOME
cd "$source/examples/bindings/rust" || exit 1
cargo build --quiet --release --locked --offline --examples || exit 1
learns ffi-rust "$build/rust/release/examples/spirals"
builds ffi-rust-residual "$build/rust/release/examples/residual"
