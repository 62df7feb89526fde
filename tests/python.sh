# shellcheck shell=sh
# The first python3 of the path need not be the one that has the system's modules. Read by scripts of the tests and by
# docs/check.sh. SPDX-License-Identifier: MIT

# find_python MODULE: sets $python to the command of a Python that has it; fails, with $python empty, if there is none.
find_python() {
    for python in python3 /usr/bin/python3; do
        "$python" -c "import $1" >/dev/null 2>&1 && return 0
    done
    python=
    return 1
}
