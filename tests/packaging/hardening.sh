#!/bin/sh
# The libraries of this build have what cmake/Hardening.cmake promises, as far as the compiler, the C library and the
# machine have it, which a small library built by hand with the same flags tells.
# Arguments: shared library, static library, build type, 1 or 0 for MF_HARDENING. Reads CC, READELF. SPDX-License-Identifier: MIT
set -eu
shared=$1 static=$2 type=$3 hardening=$4
CC=${CC:-cc}
READELF=${READELF:-readelf}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

[ "$hardening" = 1 ] || {
    echo "skip: hardening: this build has MF_HARDENING=OFF"
    exit 77
}
command -v "$READELF" >"$work/log" || {
    echo "skip: hardening: there is no readelf (Debian: binutils)"
    exit 77
}
"$READELF" -h "$shared" >"$work/log" 2>&1 || {
    echo "skip: hardening: the libraries of this system are no ELF files"
    exit 77
}

has() { # feature, library
    case $1 in
    now) "$READELF" -dW "$2" | grep -qE 'BIND_NOW|Flags:.* NOW' ;;
    relro) "$READELF" -lW "$2" | grep -q ' GNU_RELRO ' ;;
    # The program header tells whether the stack may be executed; without it, on some machines it may.
    stack) "$READELF" -lW "$2" | grep -qE ' GNU_STACK .* RW ' ;;
    protector) "$READELF" --dyn-syms -W "$2" | grep -q ' UND __stack_chk_' ;;
    fortify) "$READELF" --dyn-syms -W "$2" | grep ' UND __[a-z]*_chk' | grep -qv __stack_chk_ ;;
    branches) "$READELF" -nW "$2" 2>"$work/log" | grep -qE 'IBT, SHSTK|BTI, PAC' ;;
    esac
}

words() {
    case $1 in
    now) echo "all symbols are bound at the start (-z now)" ;;
    relro) echo "tables of addresses are read-only (-z relro)" ;;
    stack) echo "the stack cannot be executed" ;;
    protector) echo "functions with arrays look at their stack (-fstack-protector-strong)" ;;
    fortify) echo "string functions are checked (_FORTIFY_SOURCE)" ;;
    branches) echo "indirect branches and returns are protected (-fcf-protection, -mbranch-protection)" ;;
    esac
}

cat >"$work/probe.c" <<'PROGRAM'
#include <stdio.h>
#include <stddef.h>
int probe(const char *text, size_t room, char *to);
int probe(const char *text, size_t room, char *to)
{
    char line[64];
    int length = snprintf(line, room, "%s", text);
    to[0] = line[length / 2];
    return length;
}
PROGRAM
flags=
for flag in -fstack-protector-strong -fcf-protection -mbranch-protection=standard -Wl,-z,relro -Wl,-z,now; do
    if "$CC" -Werror -fPIC -shared $flag "$work/probe.c" -o "$work/probe.so" 2>"$work/log"; then
        flags="$flags $flag"
    fi
done
# shellcheck disable=SC2086 # the flags are words
"$CC" -O2 -fPIC -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 $flags -shared "$work/probe.c" -o "$work/probe.so"
# shellcheck disable=SC2086
"$CC" -O2 -fPIC $flags -c "$work/probe.c" -o "$work/probe.o"

for feature in now relro stack protector fortify branches; do
    if [ "$feature" = fortify ] && { [ "$type" = Debug ] || [ -z "$type" ]; }; then
        echo "skip: $(words fortify): the build type is '$type', without optimisation"
    elif ! has $feature "$work/probe.so"; then
        echo "skip: $(words $feature): compiler, C library or machine have no such thing"
    elif has $feature "$shared"; then
        words $feature
    else
        echo "failed: not so in $shared: $(words $feature)"
        status=1
    fi
done

# The linker leaves the note out if any file lacks it, and those of many C libraries do; ours never.
if has branches "$work/probe.o"; then
    "$READELF" -nW "$static" 2>"$work/log" | awk '
        /^File: / { if (file != "" && !noted) print file; file = $2; noted = 0 }
        /IBT, SHSTK|BTI, PAC/ { noted = 1 }
        END { if (file != "" && !noted) print file }' >"$work/lacking"
    [ "$("$READELF" -nW "$static" 2>"$work/log" | grep -c '^File: ')" -ge 50 ] || {
        echo "failed: hardly any file found in $static"
        status=1
    }
    if [ -s "$work/lacking" ]; then
        echo "failed: $(wc -l <"$work/lacking") files are not so: $(words branches):"
        cat "$work/lacking"
        status=1
    fi
fi
exit "$status"
