#!/bin/sh
# The man pages: complete, the same whenever they are made, readable by groff, mandoc and man-db, and installed.
# Arguments: source folder, build folder. Reads DOXYGEN, PYTHON and CMAKE.
# SPDX-License-Identifier: MIT
set -u
source=$1 build=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/common.sh"

run_doxygen Doxyfile.xml
for zone in UTC Pacific/Kiritimati; do
    (cd / && TZ=$zone SOURCE_DATE_EPOCH=1700000000 "$PYTHON" "$source/docs/reference/man.py" "$work/xml" \
        "$work/$zone/man3") || fail "docs/reference/man.py"
done
pages=$work/UTC/man3
diff -r "$pages" "$work/Pacific/Kiritimati/man3" || fail "the same source gives other pages in another time zone"
grep -q '^\.TH MF_VERSION 3 2023-11-14 "libmonoforward [0-9.]*"' "$pages/mf_version.3" ||
    fail "mf_version(3) does not begin with SOURCE_DATE_EPOCH and the version: $(grep '^\.TH' "$pages/mf_version.3")"
headers=$source/include/monoforward.h
! grep -q 'include/monoforward_mpi\.h' "$build/reference/Doxyfile.xml" || headers="$headers $source/include/monoforward_mpi.h"
# shellcheck disable=SC2086 # the headers are words
"$PYTHON" "$here/pages.py" "$pages" $headers || fail "the pages are not complete"
grep -qF 'dz = (dG M) * phi\(aq(z)' "$pages/mf_layer_step.3" || fail "mf_layer_step(3) does not show its equation"

# No warning from what people read them with. Aliases are one request, which mandoc finds fragile.
real=$(grep -L '^\.so ' "$pages"/*.3)
if command -v mandoc >/dev/null; then
    # shellcheck disable=SC2086 # the pages are words
    mandoc -Tlint -Wwarning $real || fail "mandoc"
else
    echo "skip: man pages in mandoc: not installed"
fi
if command -v groff >/dev/null && echo .TH | groff -man -Tascii >"$work/log" 2>&1; then
    for page in $real; do
        groff -man -ww -Tutf8 -rLL=100n "$page" >"$work/rendered" 2>"$work/log" || fail "groff: $page"
        [ ! -s "$work/log" ] || fail "groff: $page: $(head -3 "$work/log")"
        [ "$(wc -w <"$work/rendered")" -ge 40 ] || fail "groff shows next to nothing of $page"
    done
else
    echo "skip: man pages in groff: not installed"
fi
if command -v lexgrog >/dev/null; then
    # shellcheck disable=SC2086
    lexgrog $real >"$work/names" || fail "lexgrog cannot read: $(grep -v '" *$' "$work/names" | head -3)"
    grep -q '"mf_layer_step - ' "$work/names" || fail "whatis would not find mf_layer_step"
else
    echo "skip: names of man pages in man-db: not installed"
fi

(
    prefix="$work/a prefix"
    # shellcheck source=tests/manifest.sh
    . "$here/../manifest.sh"
    "$CMAKE" --install "$build" --prefix "$prefix"
) >"$work/log" 2>&1 || fail "install: $(tail -3 "$work/log")"
for page in monoforward mf_layer_step mf_layer_spec mf_layer; do
    [ -s "$work/a prefix/share/man/man3/$page.3" ] || fail "share/man/man3/$page.3 is not installed"
done
exit "$status"
