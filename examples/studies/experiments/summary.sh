#!/bin/sh
# The page about all claims from the tables of all experiments: summary.sh OUT makes OUT/../README.md. With a name,
# summary.sh OUT NAME prints the claims of one experiment. SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
page=$(dirname "$1")/README.md
[ "$(basename "$1")" = experiments ] || page=$1/README.md
only=$2
set -- "$1"/*.csv
for file in "$@"; do
    case $file in
    */depth-curves.csv) set -- "$@" "$file" ;;
    *-curves.csv) ;;
    *) set -- "$@" "$file" ;;
    esac
    shift
done
[ -f "$1" ] || exit 0
claims() {
    awk -F, -v only="$only" -f "$here/statistics.awk" -f "$here/verdicts.awk" -f "$here/claims.awk" "$@"
}
if [ -n "$only" ]; then claims "$@"; else claims "$@" >"$page.new" && mv "$page.new" "$page"; fi
