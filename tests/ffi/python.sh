#!/bin/sh
# One of the Python tests. Arguments: see languages.sh, and the name of the test.
# SPDX-License-Identifier: MIT
here=$(dirname "$0")
test=$4
. "$here/languages.sh"
. "$here/../python.sh"

find_python numpy || skip "there is no python3 with numpy (Debian: python3-numpy)"

MONOFORWARD_LIBRARY=$library
PYTHONPATH=$source/examples/bindings/python
PYTHONDONTWRITEBYTECODE=1
MONOFORWARD_SOURCE=$source
export MONOFORWARD_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE MONOFORWARD_SOURCE
unset MONOFORWARD_DATA
# Warnings, such as of an exception that went lost in a callback or a finalizer, are failures.
"$python" -W error -X faulthandler "$here/python/test_$test.py" 2>"$work/err" || {
    code=$?
    cat "$work/err"
    exit $code
}
if grep -E 'Exception ignored|Warning' "$work/err"; then
    cat "$work/err"
    exit 1
fi
tail -1 "$work/err"
