#!/bin/sh
# Builds and runs every program in README.md and docs/*.md: sh docs/check.sh PREFIX [MNIST_FOLDER]
#
# PREFIX is where the library was installed (cmake --install build --prefix PREFIX). A program is a fenced
# block whose first line is a comment with its file name. Programs that need MNIST are named and left out
# without a folder of its files. Where the text runs a program as `./NAME # prints WORDS`, these words are a line of
# what it prints.
#
# SPDX-License-Identifier: MIT
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
if [ $# -lt 1 ] || [ ! -d "$1" ]; then
    echo "usage: sh docs/check.sh PREFIX [MNIST_FOLDER]" >&2
    exit 2
fi
# shellcheck source=tests/python.sh
. "$root/tests/python.sh"
prefix=$(CDPATH='' cd -- "$1" && pwd)
mnist=${2:+$(CDPATH='' cd -- "$2" && pwd)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
: >"$work/list"

pc=$(find "$prefix" -name monoforward.pc | head -n 1)
[ -n "$pc" ] || { echo "docs/check.sh: no monoforward.pc under $prefix" >&2; exit 2; }
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# Programs in Python use the binding in the examples.
PYTHONPATH=$root/examples/bindings/python${PYTHONPATH:+:$PYTHONPATH}
MONOFORWARD_LIBRARY=$libdir/libmonoforward.so.0
[ -f "$MONOFORWARD_LIBRARY" ] || MONOFORWARD_LIBRARY=
PYTHONDONTWRITEBYTECODE=1
export PKG_CONFIG_PATH LD_LIBRARY_PATH PYTHONPATH MONOFORWARD_LIBRARY PYTHONDONTWRITEBYTECODE
flags=$(pkg-config --cflags --libs monoforward)

# extract DOCUMENT FOLDER: its named blocks as files
extract() {
    mkdir -p "$2"
    cp "$1" "$2/document.md"
    awk -v folder="$2" -v list="$work/list" '
        /^```/ { if (fenced) { if (file) close(file); fenced = 0; file = "" } else { fenced = 1; first = 1 }; next }
        fenced && first {
            first = 0
            if (match($0, /^(\/\*|\/\/|#) [A-Za-z0-9_]+\.(c|h|cc|py|txt)( \*\/)?$/)) {
                split($0, word, " ")
                file = folder "/" word[2]
                if (file in seen) {
                    print "docs/check.sh: two blocks are called " file >"/dev/stderr"
                    exit 1
                }
                seen[file] = 1
                print file >>list
            }
        }
        file { print >file }' "$1"
}

# run FILE COMMAND...: in the folder of the file; shows the output on failure
run() {
    folder=$(dirname "$1")
    shift
    if ! (cd "$folder" && "$@") >"$work/output" 2>&1; then
        echo "FAILED: $*" >&2
        cat "$work/output" >&2
        return 1
    fi
}

# says_what_it_prints FILE: whether the program, whose output is there, printed what the text around it says
says_what_it_prints() {
    words=$(sed -n "s|^\./$(basename "${1%.*}") *# prints ||p" "$(dirname "$1")/document.md")
    [ -n "$words" ] || return 0
    if ! grep -qxF "$words" "$work/output"; then
        echo "FAILED: $(basename "$1") does not print: $words" >&2
        return 1
    fi
    printed=$((printed + 1))
}

# check FILE: builds and runs it
check() {
    name=$(basename "$1")
    program=${1%.*}.program
    case $name in
    *.h) return 0 ;;
    *.c)
        # shellcheck disable=SC2086
        run "$1" cc -std=c11 -O2 -Wall -Wextra -Wpedantic -Werror "$1" -o "$program" $flags -lm -pthread || return 1
        ;;
    *.cc)
        if ! command -v c++ >/dev/null; then
            echo "skipped: $name, there is no C++ compiler"
            return 0
        fi
        # shellcheck disable=SC2086
        run "$1" c++ -std=c++17 -O2 -Wall -Wextra -Wpedantic -Werror "$1" -o "$program" $flags || return 1
        ;;
    *.py)
        if ! find_python numpy; then
            echo "skipped: $name, there is no python3 with numpy"
            return 0
        fi
        run "$1" "$python" "$1" || return 1
        cat "$work/output"
        return 0
        ;;
    CMakeLists.txt)
        run "$1" cmake -S . -B consumer -DCMAKE_PREFIX_PATH="$prefix" || return 1
        run "$1" cmake --build consumer || return 1
        run "$1" ./consumer/program || return 1
        return 0
        ;;
    esac
    if ! grep -q 'mnist\.h' "$1"; then
        run "$1" "$program" || return 1
    elif [ -n "$mnist" ]; then
        run "$1" "$program" "$work/mnist" || return 1
    else
        echo "skipped: running $name, no folder of MNIST was given"
        return 0
    fi
    cat "$work/output"
    says_what_it_prints "$1"
}

if [ -n "$mnist" ]; then
    mkdir "$work/mnist"
    for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
        if [ -f "$mnist/$name-ubyte" ]; then
            cp "$mnist/$name-ubyte" "$work/mnist/"
        else
            gzip -dc "$mnist/$name-ubyte.gz" >"$work/mnist/$name-ubyte"
        fi
    done
fi

extract "$root/README.md" "$work/readme"
for document in "$root"/docs/*.md; do
    extract "$document" "$work/$(basename "$document" .md)"
done
count=0
failed=0
printed=0 # how many print what the text says
while read -r file; do
    echo "== $(basename "$(dirname "$file")")/$(basename "$file")"
    check "$file" || failed=$((failed + 1))
    count=$((count + 1))
done <"$work/list"
echo "$count programs and headers in the documents, $failed failed, $printed print what the text says"
if [ "$printed" -eq 0 ]; then
    echo "docs/check.sh: no \`./NAME # prints WORDS\` was found" >&2
    exit 1
fi
[ "$failed" -eq 0 ]
