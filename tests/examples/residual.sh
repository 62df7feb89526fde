#!/bin/sh
# 11_residual, and its twins in C++ and Python: each learns a small set written here, all of them to the same figures;
# says so when it draws pictures; and complains in one line. Arguments: 11_residual, make_cifar, the source folder, the
# shared library, cpp_residual or nothing. Reads TEST_SANITIZE. SPDX-License-Identifier: MIT
residual=$1 make_cifar=$2 source=$3 library=$4 twin=${5:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
. "$(dirname "$0")/common.sh"
. "$source/tests/python.sh"

data=$work/data
mkdir "$data"
"$make_cifar" "$data" 64 100 || exit 1
without_data

# same_figures WHAT COMMAND...: it learns, and ends with the accuracy and loss of the program in C.
same_figures() {
    what=$1
    shift
    succeeds "$what" "$@" --data "$data" --epochs 4 --summary
    at_least "$what" accuracy 90
    [ "$(result images) $(result data)" = "320 cifar10" ] || fail "$what: $(tail -1 "$work/out")"
    grep -q "node 5 + node 7" "$work/out" || fail "$what: no summary"
    figures=${figures:-"$(result accuracy) $(result loss)"}
    [ "$(result accuracy) $(result loss)" = "$figures" ] ||
        fail "$what: accuracy and loss are $(result accuracy) $(result loss), those in C $figures"
}

# learns_from_few WHAT COMMAND...: pictures that are no whole batch are learned from, too, to the loss of the program in C.
learns_from_few() {
    what=$1
    shift
    succeeds "$what, 40 pictures once" "$@" --data "$data" --images 40
    once=$(result loss)
    succeeds "$what, 40 pictures twice" "$@" --data "$data" --images 40 --epochs 2
    [ "$(result loss)" != "$once" ] || fail "$what: nothing is learned from 40 pictures"
    few=${few:-$once}
    [ "$once" = "$few" ] || fail "$what: the loss behind 40 pictures is $once, that in C $few"
}

same_figures 11_residual "$residual"
learns_from_few 11_residual "$residual"
[ "$(result example)" = 11_residual ] || fail "11_residual: no result line at the end"
succeeds "drawn pictures" "$residual" --images 320
grep -q "SHAPES ARE DRAWN" "$work/out" && [ "$(result data)" = drawn ] || fail "11_residual does not say that it draws"
complains "no such folder" "nowhere" "$residual" --data "$work/nowhere"
complains "a wrong option" "nonsense" "$residual" --nonsense
cp -R "$data" "$work/half" && rm "$work/half/test_batch.bin"
complains "no test file" "test_batch" "$residual" --data "$work/half"

if [ -n "$twin" ]; then
    same_figures cpp_residual "$twin"
    learns_from_few cpp_residual "$twin"
    complains "C++, no such folder" "nowhere" "$twin" --data "$work/nowhere"
    succeeds "C++, drawn pictures" "$twin" --images 320
    [ "$(result data)" = drawn ] || fail "cpp_residual does not say that it draws"
fi

if [ -n "${TEST_SANITIZE:-}" ] || ! find_python numpy; then
    echo "skip: residual.py: no python3 with numpy, or a library with sanitizers, which it cannot load"
    exit "$status"
fi
MONOFORWARD_LIBRARY=$library PYTHONDONTWRITEBYTECODE=1
export MONOFORWARD_LIBRARY PYTHONDONTWRITEBYTECODE
cp -R "$source/examples/bindings/python" "$work/python" # beside which there is no CIFAR-10
same_figures residual.py "$python" "$work/python/residual.py"
learns_from_few residual.py "$python" "$work/python/residual.py"
complains "Python, no such folder" "nowhere" "$python" "$work/python/residual.py" --data "$work/nowhere"
succeeds "Python, drawn pictures" "$python" "$work/python/residual.py" --images 320
grep -q "PICTURES ARE DRAWN" "$work/out" || fail "residual.py does not say that it draws"
if command -v xz >/dev/null; then
    xz "$data"/*
    same_figures "residual.py, packed files" "$python" "$work/python/residual.py"
fi
exit "$status"
