#!/bin/sh
# The shared library exports exactly the functions that the header declares, under the one version node of the
# map, which lists the same; node, SONAME and docs/abi.md have the same number. The static library has no global
# name without a prefix. Arguments: header, map, shared library, static library, docs/abi.md, least number of functions,
# prefix of names that files of the library share.
# SPDX-License-Identifier: MIT
set -eu
header=$1 map=$2 shared=$3 static=$4 document=$5 least=$6 private=$7
base=$(basename "$header" .h)
node=$(echo "$base" | tr '[:lower:]' '[:upper:]')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

same() { # what, expected, found
    diff "$2" "$3" >"$work/diff" || {
        echo "failed: $1 (< expected, > found)"
        cat "$work/diff"
        status=1
    }
}

sed -n 's/^MF_API [^(]*[ *]\(mf_[a-z0-9_]*\)(.*/\1/p' "$header" | sort >"$work/declared"
[ "$(grep -c '^MF_API' "$header")" -eq "$(wc -l <"$work/declared")" ] || {
    echo "failed: a declaration that this script cannot read"
    status=1
}
[ "$(wc -l <"$work/declared")" -ge "$least" ] || {
    echo "failed: hardly any function found in $header"
    status=1
}

grep -oE '\<mf_[a-z0-9_]*;' "$map" | tr -d ';' | sort >"$work/mapped"
same "the functions in the version script" "$work/declared" "$work/mapped"
number=$(sed -n 's/^'"$node"'_\([0-9][0-9]*\) {.*/\1/p' "$map")
[ "$(grep -c '{' "$map")" -eq 1 ] && [ -n "$number" ] || {
    echo "failed: the version script has not one node ${node}_ and a number"
    exit 1
}
if grep -v '^ *#' "$map" | grep -E 'mf_[a-z_]*\*'; then
    echo "failed: a wildcard in the version script exports whatever there is"
    status=1
fi

nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' | sort >"$work/exported"
sed 's/@.*//' "$work/exported" >"$work/names"
same "the exported functions" "$work/declared" "$work/names"
if grep -v "@@${node}_$number\$" "$work/exported"; then
    echo "failed: exported without the version ${node}_$number"
    status=1
fi

# Old programs look for the library by its SONAME and for functions by their node: both are raised, or none.
if command -v readelf >/dev/null; then
    readelf -d "$shared" | grep -q "SONAME.*\[lib$base\.so\.$number\]" || {
        echo "failed: the SONAME is not lib$base.so.$number, as the version script says"
        readelf -d "$shared" | grep SONAME || true
        status=1
    }
else
    echo "skip: the SONAME: readelf is not installed"
fi
for name in "${node}_" "lib$base.so."; do
    found=$(grep -oF "\`$name$number\`" "$document" | sort -u)
    [ -n "$found" ] && [ "$(grep -oE "\`${name}[0-9]+\`" "$document" | sort -u)" = "$found" ] || {
        echo "failed: $document does not say $name$number throughout"
        status=1
    }
done

# Sanitizers add names of their own.
if nm -g --defined-only "$static" | awk 'NF == 3 { print $3 }' |
    grep -vE "^(mf_|${private}_|__|_ZTI|DW\.ref)"; then
    echo "failed: a global name without prefix in the static library"
    status=1
fi
nm -g --defined-only "$static" | awk 'NF == 3 { print $3 }' | grep '^mf_' | sort >"$work/static"
same "the public functions of the static library" "$work/declared" "$work/static"
echo "$(wc -l <"$work/declared") functions"
exit "$status"
