#!/bin/sh
# The table and the figure of an experiment from its CSV files: report.sh NAME OUT makes OUT/NAME.md and OUT/NAME.svg.
# SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
name=$1 out=$2
[ -f "$out/$name.csv" ] || exit 0

awk -F, -v name="$name" -f "$here/table.awk" "$out/$name.csv" >"$out/$name.md.new" && mv "$out/$name.md.new" "$out/$name.md" ||
    exit 1
if ! command -v gnuplot >/dev/null 2>&1; then
    echo "skip: the figure of $name: gnuplot was not found"
    exit 0
fi
points=$(mktemp -d) || exit 1
trap 'rm -rf "$points"' EXIT

# One file for every curve, "x y" lines; its name is what the legend says.
if [ "$name" = memory ]; then
    x=layers y='peak training memory, MB' scale=log
    awk -F, -v to="$points" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { depth = split($at["network"], widths, "-"); print depth, $at["peak_bytes"] / 1e6 > (to "/" $at["group"]) }' \
        "$out/$name.csv"
elif [ "$name" = projection ]; then
    x=pass y='training loss of layer 2' scale=log
    awk -F, -v to="$points" '$1 ~ /-s1$/ && $3 == 2 && $6 != "" { id = $1; sub(/-s1$/, "", id); print $2, $6 > (to "/" id) }' \
        "$out/$name-curves.csv"
else
    x='pass over the training rows' y='validation accuracy of the last layer, %' scale=linear
    awk -F, -v to="$points" '$1 ~ /-s1$/ && $3 != "sum" && $8 != "" {
            id = $1; sub(/-s1$/, "", id); point[id, $2] = $8; if ($2 > most[id]) most[id] = $2 }
        END { for (id in most) for (i = 1; i <= most[id]; i++) print i, point[id, i] > (to "/" id) }' \
        "$out/$name-curves.csv"
fi
{
    echo "set terminal svg size 1000,600 font 'sans,12' background '#ffffff'"
    echo "set output '$out/$name.svg'"
    echo "set xlabel '$x'; set ylabel '$y'; set key outside right; set grid"
    [ $scale = linear ] || echo "set logscale y"
    plots=''
    for file in "$points"/*; do
        [ -f "$file" ] || continue
        title=$(basename "$file")
        plots="$plots${plots:+, }'$file' using 1:2 with linespoints pointsize 0.4 title '$title'"
    done
    [ -n "$plots" ] && echo "plot $plots"
} >"$points/../figure-$$.gp"
gnuplot "$points/../figure-$$.gp" 2>"$points/../figure-$$.err" || cat "$points/../figure-$$.err" >&2
rm -f "$points/../figure-$$.gp" "$points/../figure-$$.err"
