#!/bin/sh
# Who may include whom: a folder of lib/ includes itself and the folders before it in this order.
# Arguments: lib/. SPDX-License-Identifier: MIT
set -eu
cd "$1"
order="base math model io parallel api"
status=0
checked=0

allowed=""
for folder in $order; do
    allowed="$allowed $folder"
    [ -d "$folder" ] || continue
    for file in "$folder"/*.[ch]; do
        checked=$((checked + 1))
        # The library's own headers stand in quotes, as folder/file.h; the public one may come either way.
        for header in $(sed -n 's/^ *# *include *"\([^"]*\)".*/\1/p' "$file"); do
            case $header in
            monoforward.h) continue ;;
            */*) from=${header%%/*} ;;
            *) from=$folder ;;
            esac
            case " $allowed " in
            *" $from "*) ;;
            *)
                echo "failed: $file includes $header"
                status=1
                ;;
            esac
            [ -f "$header" ] || [ -f "$folder/$header" ] || {
                echo "failed: $file includes $header, which does not exist"
                status=1
            }
        done
    done
done

for folder in */; do
    case " $order " in
    *" ${folder%/} "*) ;;
    *)
        echo "failed: lib/$folder has no place in the order: $order"
        status=1
        ;;
    esac
done
[ $checked -ge 10 ] || {
    echo "failed: only $checked files found in $1"
    status=1
}
echo "$checked files"
exit "$status"
