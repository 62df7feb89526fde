#!/bin/sh
# Who may include whom. A folder of lib/ includes itself and the folders before it in the order below; folders within
# (model/unit, model/head) count as the folder they are in. No files include each other in a circle. lib/ knows nothing of
# examples/ and tests/, and examples/ includes the public headers only. lib/mpi is a library of its own: it includes itself
# and the public headers, and nobody includes it. lib/io reads and restores models through their
# functions: it does not write their fields.
# Arguments: lib/, examples/. SPDX-License-Identifier: MIT
set -eu
examples=$(cd "$2" && pwd)
cd "$1"
order="base math model io parallel api"
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

failed() {
    echo "failed: $*"
    status=1
}

# ---- lib: which folder includes which ----

find . -name '*.[ch]' | sed 's|^\./||' | sort >"$work/files"
checked=$(wc -l <"$work/files")
[ "$checked" -ge 10 ] || failed "only $checked files found in $1"

# A line "FILE HEADER" for every include in quotes of what is not the public header.
while read -r file; do
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" | while read -r header; do
        [ "$header" = monoforward.h ] || [ "${file%%/*} $header" = "mpi monoforward_mpi.h" ] || echo "$file $header"
    done
    # Between < and > only the system's headers and the public one may stand.
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<\([^>]*\)>.*/\1/p' "$file" | while read -r header; do
        [ ! -f "$header" ] || echo "$file $header"
    done
done <"$work/files" >"$work/includes"

while read -r file header; do
    folder=${file%%/*}
    case $header in
    *..* | /* | examples/* | tests/*)
        failed "lib/$file includes $header, which is not in lib/"
        continue
        ;;
    */*) from=${header%%/*} ;;
    *) from=$folder header=$(dirname "$file")/$header ;;
    esac
    [ -f "$header" ] || failed "lib/$file includes $header, which does not exist in lib/"
    before=${order%%"$folder"*}
    [ "$folder" != mpi ] || before=
    case " $before $folder " in
    *" $from "*) ;;
    *) failed "lib/$file includes $header" ;;
    esac
    echo "$file $header" >>"$work/edges"
done <"$work/includes"

for folder in */; do
    case " $order mpi " in
    *" ${folder%/} "*) ;;
    *) failed "lib/$folder has no place in the order: $order" ;;
    esac
done

# ---- lib: no circles ----

# Takes away includes whose file nobody includes or whose header includes nothing, until nothing more goes: what stays
# is a circle, or leads from one to another.
awk '{ edge[$1 " includes " $2]; from[$1]++; to[$2]++ }
    END {
        do {
            gone = 0
            for (e in edge) {
                split(e, ends, " includes ")
                if (to[ends[1]] > 0 && from[ends[2]] > 0)
                    continue
                from[ends[1]]--
                to[ends[2]]--
                delete edge[e]
                gone = 1
            }
        } while (gone)
        for (e in edge)
            print "    " e
    }' "$work/edges" | sort >"$work/circle"
[ ! -s "$work/circle" ] || {
    failed "includes go round in a circle:"
    cat "$work/circle"
}

# ---- lib/io: fields of models are not written ----

# Assignments through a pointer that is named like a handle or a part of one, or to a field that is one of a model's,
# also to an element or a field within, and writes to such a field as memory. What a file says (architecture, record) is
# io's own, but not what its pointers lead to.
fields='spec|plan|parameters|trains|progress|optimizer|kernels|blas|revision|next_optimizer|next_classes|layers|places'
fields="$fields|now|next|steps|state_bytes|units|stages|builder"
handles='network|builder|plan|parameter|optimizer|stage|unit'
within='((\[[^]]*\])|(->|\.)[a-z_]+)*'
assigned='[[:space:]]*(([-+*/%&|^]|<<|>>)?=([^=]|$)|\+\+|--)'
# shellcheck disable=SC2016 # the $ is that of the pattern
for file in io/*.[ch]; do
    sed -E 's/\b(record|architecture)->([a-z_]+)/own.\2/g' "$file" |
        grep -nE -e "->($fields)$within$assigned" -e "\b($handles)(\[[^]]*\])?->[a-z_]+$within$assigned" \
            -e "(\+\+|--)[a-z_]+->($fields)\b" -e "(memcpy|memset|memmove)\([[:space:]]*[&(]*[a-z_]+->($fields)\b" |
        sed "s|^|lib/$file:|" || true
done >"$work/writes"
[ ! -s "$work/writes" ] || {
    failed "lib/io writes fields of models:"
    cat "$work/writes"
}

# ---- examples: the public header only ----

if (cd "$examples" && find . \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.hpp' \) -exec \
    grep -nE -e '#[[:space:]]*include[[:space:]]*["<]([^">]*\.\./)*lib/' -e \
    '#[[:space:]]*include[[:space:]]*["<](base|math|model|io|parallel|api)/' -e '\bmfi_' {} /dev/null \;) |
    grep . >"$work/private"; then
    failed "examples/ uses what is private to lib/:"
    cat "$work/private"
fi
if grep -rnE '(\.\./)+lib\b|SOURCE_DIR\}/(\.\./)*lib\b|monoforward_static' "$examples" --include=CMakeLists.txt >"$work/private"; then
    failed "examples/ is built with what is private to lib/:"
    cat "$work/private"
fi

echo "$checked files, $(wc -l <"$work/edges") includes"
exit "$status"
