#!/bin/sh
# The committed corpus is what fuzz_make_corpus writes, byte for byte, on every machine. After a change of the
# program or of a format: fuzz_make_corpus tests/fuzz/corpus
#
#     corpus.sh PROGRAM CORPUS
# SPDX-License-Identifier: MIT
set -u

made=$(mktemp -d) || exit 1
trap 'rm -rf "$made"' EXIT
trap 'exit 130' INT TERM
# shellcheck disable=SC2086 # an emulator is words
${TEST_EMULATOR:-} "$1" "$made" || exit 1
diff -r "$made" "$2" || {
    echo "FAILED: the corpus is not what $1 writes: run it on $2"
    exit 1
}
echo "$(find "$made" -type f | wc -l) seeds are what $1 writes"
