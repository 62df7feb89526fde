#!/bin/sh
# The package for Python: installed by pip without a network, it finds the library in its prefix, and elsewhere says
# where it has looked. Arguments: the shared library, the source folder. SPDX-License-Identifier: MIT
set -eu
library=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/python.sh
. "$source/tests/python.sh"

skip() {
    echo "skip: pip: $*"
    exit 77
}
[ -z "${TEST_SANITIZE:-}" ] || skip "Python does not start with a library that has sanitizers"
find_python numpy || skip "there is no python3 with numpy (Debian: python3-numpy)"
for module in pip setuptools wheel; do
    "$python" -c "import $module" 2>"$work/log" || skip "Python has no $module (Debian: python3-$module)"
done

# pip builds in the folder that it is given, so it gets a copy.
cp -R "$source/examples/bindings/python" "$work/package"
"$python" -m pip install --no-build-isolation --no-index --no-cache-dir --no-deps --ignore-installed --quiet \
    --root-user-action=ignore --disable-pip-version-check --prefix "$work/prefix" "$work/package" >"$work/log" 2>&1 || {
    cat "$work/log"
    echo "failed: pip install"
    exit 1
}
installed=$(dirname "$(find "$work/prefix" -name monoforward -type d)")
[ -f "$installed/monoforward/py.typed" ] || {
    echo "failed: py.typed is not installed"
    exit 1
}
cmp "$source/LICENSE" "$(find "$installed" -path '*.dist-info/*' -name LICENSE)" || {
    echo "failed: the package is without the licence of the library, or has another one"
    exit 1
}

cat >"$work/program.py" <<'END'
import importlib.metadata
import numpy
import monoforward

assert importlib.metadata.version("monoforward") == monoforward.version() == monoforward.__version__
X = numpy.random.default_rng(0).normal(size=(200, 2))
y = numpy.where(X[:, 0] > 0, "right", "left")
print(f"result accuracy={monoforward.MonoforwardClassifier(hidden=16).fit(X, y).score(X, y):.3f}")
END
unset MONOFORWARD_LIBRARY LD_LIBRARY_PATH
cd "$work"
if PYTHONPATH=$installed "$python" program.py >"$work/log" 2>&1; then
    echo "skip: pip: what the package says without a library: this system has one"
else
    grep -q "Looked for:" "$work/log" || {
        cat "$work/log"
        echo "failed: the package does not say where it has looked"
        exit 1
    }
fi
mkdir -p "$work/prefix/lib"
cp -L "$library" "$work/prefix/lib/libmonoforward.so.0"
PYTHONPATH=$installed "$python" program.py
