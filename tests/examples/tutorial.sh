#!/bin/sh
# The small examples learn what they say they learn. Arguments: hello, streaming.
# SPDX-License-Identifier: MIT
hello=$1 streaming=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/common.sh"

succeeds "hello" "$hello"
at_least "hello" accuracy 100
[ "$(result example)" = hello ] || fail "hello: no result line at the end"

succeeds "streaming" "$streaming" --samples 20000 --seed 3
at_least "streaming" accuracy 80
first=$(result accuracy)
succeeds "streaming again" "$streaming" --samples 20000 --seed 3
[ "$(result accuracy)" = "$first" ] || fail "streaming: the same seed gave $first and $(result accuracy)"
succeeds "streaming, help" "$streaming" --help
complains "streaming, a wrong option" "nonsense" "$streaming" --nonsense
complains "streaming, a wrong value" "samples" "$streaming" --samples many
exit "$status"
