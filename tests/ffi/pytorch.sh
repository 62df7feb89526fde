#!/bin/sh
# Random networks against PyTorch, where it is installed. Arguments: see languages.sh; then a program of the folder
# python, and its arguments. SPDX-License-Identifier: MIT
here=$(dirname "$0")
. "$here/languages.sh"
. "$here/../python.sh"
program=$4
shift 4

find_python torch || skip "there is no python3 with PyTorch (Debian: python3-torch)"

MONOFORWARD_LIBRARY=$library
PYTHONPATH=$source/examples/bindings/python
PYTHONDONTWRITEBYTECODE=1
export MONOFORWARD_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE
"$python" "$here/python/$program.py" "$@"
