#!/bin/sh
# The example in C++ learns what it says, keeps its model, and complains in one line. Argument: cpp_digits.
# SPDX-License-Identifier: MIT
digits=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"

succeeds "cpp_digits" "$digits" --seed 2 --model "$work/a model.safetensors"
at_least "cpp_digits" accuracy 97
grep -q "MF_STATUS_SHAPE" "$work/out" || fail "cpp_digits: the mistake on purpose was not noticed"
[ -s "$work/a model.safetensors" ] || fail "cpp_digits: no model was saved"
case $(result loaded) in
yes) ;;
*) fail "cpp_digits: the model that was loaded does not answer like the one that was saved" ;;
esac
first=$(result accuracy)
succeeds "cpp_digits, by a buffer" "$digits" --seed 2
[ "$(result accuracy)" = "$first" ] || fail "cpp_digits: the same seed gave $first and $(result accuracy)"
complains "cpp_digits, no such folder" "no/such" "$digits" --samples 200 --epochs 1 --model "$work/no/such/file"
complains "cpp_digits, a wrong option" "nonsense" "$digits" --nonsense
"$digits" --samples 100 --epochs 1 >"$work/out" 2>&1 && fail "cpp_digits: content with $(result accuracy)%"
exit "$status"
