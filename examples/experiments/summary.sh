#!/bin/sh
# One page about all claims from the tables of all experiments: summary.sh OUT makes OUT/../README.md.
# SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
page=$(dirname "$1")/README.md
[ "$(basename "$1")" = experiments ] || page=$1/README.md
set -- "$1"/*.csv
for file in "$@"; do
    case $file in *-curves.csv) ;; *) set -- "$@" "$file" ;; esac
    shift
done
[ -f "$1" ] || exit 0
awk -F, -f "$here/statistics.awk" -f "$here/claims.awk" "$@" >"$page.new" && mv "$page.new" "$page"
