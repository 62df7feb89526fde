# shellcheck shell=sh
# What both scripts need: $work, Doxygen's settings for this build in $work, and their output there.
# They have set $source and $build. SPDX-License-Identifier: MIT
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0
DOXYGEN=${DOXYGEN:-doxygen}
PYTHON=${PYTHON:-python3}
CMAKE=${CMAKE:-cmake}

fail() {
    echo "failed: $*"
    status=1
}

# run_doxygen NAME: with the settings of the build folder, but to $work, and with every warning an error
run_doxygen() {
    if [ ! -f "$build/reference/$1" ]; then
        echo "skip: the reference: Doxygen or Python was not found when this build was configured, or it is off"
        exit 77
    fi
    {
        cat "$build/reference/$1"
        printf 'OUTPUT_DIRECTORY = "%s"\nWARN_AS_ERROR = FAIL_ON_WARNINGS\n' "$work"
    } >"$work/Doxyfile"
    if ! (cd "$source" && "$DOXYGEN" "$work/Doxyfile") >"$work/log" 2>&1 || [ -s "$work/log" ]; then
        cat "$work/log"
        fail "doxygen has something to say about $1"
    fi
}
