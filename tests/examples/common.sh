# Helpers for the tests of the examples. A script that reads this has set $work, a folder of its own.
# SPDX-License-Identifier: MIT
status=0

# without_data: goes where no program finds a data set that it is not given, wherever $work lies and whatever the
# environment names.
without_data() {
    unset MONOFORWARD_DATA
    mkdir -p "$work/no/data" && cd "$work/no/data" || exit 1
}

fail() {
    echo "failed: $*"
    status=1
}

# succeeds WHAT COMMAND...: exit code 0, nothing on stderr; output in $work/out.
succeeds() {
    what=$1
    shift
    if "$@" >"$work/out" 2>"$work/err"; then
        if [ -s "$work/err" ]; then
            fail "$what: writes to stderr:"
            cat "$work/err"
        fi
        grep -E '^result .*=( |$)' "$work/out" && fail "$what: a result has no value"
    else
        fail "$what: exit code $? from: $*"
        cat "$work/out" "$work/err"
    fi
}

# complains WHAT PATTERN COMMAND...: exit code 1 and exactly one line on stderr, which matches PATTERN.
complains() {
    what=$1
    pattern=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    code=$?
    [ $code -eq 1 ] || fail "$what: exit code $code, expected 1"
    lines=$(wc -l <"$work/err")
    [ "$lines" -eq 1 ] || {
        fail "$what: $lines lines on stderr, expected one:"
        cat "$work/err"
    }
    grep -q "$pattern" "$work/err" || {
        fail "$what: the line does not match '$pattern':"
        cat "$work/err"
    }
}

# The value of KEY in the line "result ... KEY=VALUE ..." that ends the output.
result() {
    tail -1 "$work/out" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# at_least WHAT KEY LEAST
at_least() {
    value=$(result "$2")
    awk -v value="$value" -v least="$3" 'BEGIN { exit !(value != "" && value + 0 >= least + 0) }' ||
        fail "$1: $2 is '$value', expected at least $3: $(tail -1 "$work/out")"
}
