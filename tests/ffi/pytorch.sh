#!/bin/sh
# Units against PyTorch, where it is installed. Arguments: see languages.sh. SPDX-License-Identifier: MIT
here=$(dirname "$0")
. "$here/languages.sh"
. "$here/../python.sh"

find_python torch || skip "there is no python3 with PyTorch (Debian: python3-torch)"

MONOFORWARD_LIBRARY=$library
PYTHONPATH=$source/examples/bindings/python
PYTHONDONTWRITEBYTECODE=1
export MONOFORWARD_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE
"$python" "$here/python/pytorch.py"
