#!/bin/sh
# The HTML reference: no warning, no dead link, the documents as chapters, nothing written beside the build folder.
# Arguments: source folder, build folder. Reads DOXYGEN, PYTHON and CMAKE.
# SPDX-License-Identifier: MIT
set -u
source=$1 build=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/common.sh"

run_doxygen Doxyfile.html
"$PYTHON" "$here/links.py" "$work/html" || fail "dead links"
for document in "$source"/docs/*.md; do
    name=$(basename "$document" .md)
    grep -q "\"doc-$name.html\"" "$work/html/navtreedata.js" || fail "docs/$name.md is no chapter"
done
grep -q 'mf_layer_step' "$work/html/group__layer.html" || fail "mf_layer_step() is not in the reference"
exit "$status"
