#!/bin/sh
# What the library never does: print, abort, exit, or name CBLAS outside the one file that may.
# Arguments: lib/. SPDX-License-Identifier: MIT
set -eu
cd "$1"
status=0

none() { # what, pattern, files that may
    found=$(grep -rnE --include='*.c' --include='*.h' "$2" . | grep -vE "^\./($3):" || true)
    if [ -n "$found" ]; then
        echo "failed: $1"
        echo "$found"
        status=1
    fi
}

# A call: the name as a word of its own with a parenthesis behind it.
call() {
    echo "(^|[^A-Za-z0-9_])($1) *\\("
}

none "prints" "$(call 'printf|fprintf|vprintf|vfprintf|dprintf|puts|fputs|putchar|putc|fputc|fwrite|perror')" none
none "names a stream" '(^|[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|$)' none
none "ends the program" "$(call 'abort|exit|_exit|_Exit|quick_exit|raise|kill')" none
none "uses the C library's random numbers" "$(call 'rand|srand|random|srandom|drand48')" none
none "starts threads" "$(call 'pthread_create|thrd_create')" 'parallel/.*'
none "names CBLAS" 'cblas_|cblas\.h|Cblas[A-Z]' 'math/gemm_cblas\.c'
exit "$status"
