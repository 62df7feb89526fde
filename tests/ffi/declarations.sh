#!/bin/sh
# The description of the ABI is what the header says, and the declarations of the bindings are what the
# description says. Argument: examples/bindings. Reads CC. SPDX-License-Identifier: MIT
command -v python3 >/dev/null || {
    echo "skip: ffi: there is no python3, which compares the declarations with the header"
    exit 77
}
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
status=0
python3 "$1/abi/describe.py" --check || status=1
python3 "$1/abi/generate.py" --check || status=1
[ $status -eq 0 ] || echo "python3 examples/bindings/abi/describe.py and generate.py write them anew"
exit $status
