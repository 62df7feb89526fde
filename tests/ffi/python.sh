#!/bin/sh
# The Python binding: its tests, and the example on a few images. Arguments: see languages.sh.
# SPDX-License-Identifier: MIT
set -u
. "$(dirname "$0")/languages.sh"

python=
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import numpy' 2>/dev/null; then
        python=$candidate
    fi
done
[ -n "$python" ] || skip "there is no python3 with numpy"

MONOFORWARD_LIBRARY=$library
PYTHONPATH=$source/examples/ffi/python
PYTHONDONTWRITEBYTECODE=1
export MONOFORWARD_LIBRARY PYTHONPATH PYTHONDONTWRITEBYTECODE
"$python" "$(dirname "$0")/python_test.py" "$work" || exit 1

# The example: drawn patterns where nobody names the data set.
mkdir "$work/nothing"
cd "$work/nothing" || exit 1
check_example() { # its last line holds `accuracy` or more
    tail -1 "$work/out"
    tail -1 "$work/out" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^last=/) last = substr($i, 6) }
        END { exit !(last >= 90) }' || {
        echo "failed: mnist.py has not learned"
        cat "$work/out"
        exit 1
    }
}
if ! "$python" "$source/examples/ffi/python/mnist.py" --epochs 5 --hidden 64,64 --limit 6000 --threads 1 --learning-rate 0.003 \
    >"$work/out" 2>&1; then
    echo "failed: mnist.py"
    cat "$work/out"
    exit 1
fi
check_example
if "$python" "$source/examples/ffi/python/mnist.py" --data "$work/nothing" >"$work/out" 2>&1; then
    echo "failed: mnist.py takes an empty folder for data"
    exit 1
fi
grep -q '^mnist.py: .*train-images' "$work/out" || {
    echo "failed: mnist.py does not name the file that is missing"
    cat "$work/out"
    exit 1
}
