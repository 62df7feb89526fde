#!/bin/sh
# Every link of installed documents leads to a file or a folder that is there. Links to sites are left out; places within a
# page are not looked at. Argument: the folder of README.md.
# SPDX-License-Identifier: MIT
set -eu
cd "$1"
find . -name '*.md' | while read -r page; do
    grep -o ']([^)#: ][^)#: ]*[)#]' "$page" | sed 's/^](//; s/[)#]$//' | sort -u | while read -r link; do
        if [ -e "$(dirname "$page")/$link" ]; then
            echo "$page $link"
        else
            echo "failed: the installed $page leads to $link, which is not there"
        fi
    done
done | {
    alive=0 status=0
    while read -r line; do
        case $line in
        failed:*)
            echo "$line"
            status=1
            ;;
        *) alive=$((alive + 1)) ;;
        esac
    done
    [ "$alive" -ge 200 ] || {
        echo "failed: only $alive links found in the installed documents"
        status=1
    }
    exit "$status"
}
