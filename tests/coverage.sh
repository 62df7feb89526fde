#!/bin/sh
# Measures which lines of lib/ the tests run; exit code 1 if that is less than 95%, or a test fails:
#
#     sh tests/coverage.sh              builds, runs the tests labelled unit, api, onnx, fuzz, cpp and mpi, prints a table
#     sh tests/coverage.sh --lines      also names each line of lib/ that no test has run
#
# Needs GCC with its gcov, and python3. Writes to build-coverage/ only.
# SPDX-License-Identifier: MIT
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
build=build-coverage
case "${1:-}" in
"" | --lines) ;;
*)
    echo "usage: sh tests/coverage.sh [--lines]" >&2
    exit 2
    ;;
esac
if ! command -v gcov >/dev/null; then
    echo "coverage: gcov, which comes with GCC, is not installed" >&2
    exit 1
fi
jobs=$(nproc 2>/dev/null || echo 2)
# The library's own flags would let -O3 move lines into each other.
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="--coverage -fprofile-update=atomic -O1 -fno-inline" \
    -DCMAKE_SHARED_LINKER_FLAGS=--coverage -DCMAKE_EXE_LINKER_FLAGS=--coverage -DMF_BUILD_EXAMPLES=OFF \
    -DMF_TEST_PATIENCE=4 >/dev/null
cmake --build "$build" -j"$jobs" >"$build/build.log" 2>&1 || {
    tail -n 30 "$build/build.log"
    exit 1
}
find "$build" -name '*.gcda' -delete
failed=0
ctest --test-dir "$build" -j"$jobs" -L 'unit|api|onnx|fuzz|cpp|mpi' -LE 'long|abi|examples|packaging|consumer' >"$build/tests.log" 2>&1 || failed=1
sed -n '/tests passed/p; /\*\*\*Failed/p; /\*\*\*Timeout/p' "$build/tests.log"

python3 - "$build" "${1:-}" <<'PYTHON'
import collections
import json
import pathlib
import subprocess
import sys

build, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path.cwd()
counts = collections.defaultdict(collections.Counter)  # of a file: how often each line ran
for notes in sorted(build.glob("lib/**/*.gcno")):
    # Of a file that no test has run there are the notes alone, and its lines count as not run.
    data = notes.with_suffix(".gcda")
    told = subprocess.run(["gcov", "--json-format", "--stdout", data if data.exists() else notes], cwd=build / "lib",
                          check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    for one in told.splitlines():
        told_of = json.loads(one)
        for file in told_of["files"]:
            path = pathlib.Path(told_of["current_working_directory"], file["file"]).resolve()
            if (root / "lib") in path.parents:
                for line in file["lines"]:
                    counts[str(path.relative_to(root))][line["line_number"]] += max(0, line["count"])
folders = collections.defaultdict(lambda: [0, 0])
for name, lines in counts.items():
    folder = folders[name.rsplit("/", 1)[0]]
    folder[0] += len(lines)
    folder[1] += sum(count > 0 for count in lines.values())
print(f"{'folder':<24}{'lines':>8}{'run':>8}{'percent':>9}")
for name, (lines, run) in sorted(folders.items()):
    print(f"{name:<24}{lines:>8}{run:>8}{100 * run / lines:>9.1f}")
if sys.argv[2] == "--lines":
    for name, lines in sorted(counts.items()):
        text = (root / name).read_text().splitlines()
        for number in sorted(number for number, count in lines.items() if count == 0):
            print(f"{name}:{number}: {text[number - 1].strip()}")
lines, run = map(sum, zip(*folders.values()))
print(f"result coverage lines={lines} run={run} percent={100 * run / lines:.2f}")
if run < 0.95 * lines:
    sys.exit("failed: less than 95% of the lines have run")
PYTHON
exit $failed
