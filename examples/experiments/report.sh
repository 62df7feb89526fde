#!/bin/sh
# The table and the figures of an experiment from its CSV files: report.sh NAME OUT makes OUT/NAME.md, OUT/NAME.svg and,
# where layers matter, OUT/NAME-layers.svg. SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
name=$1 out=$2
[ -f "$out/$name.csv" ] || exit 0

awk -F, -v name="$name" -f "$here/statistics.awk" -f "$here/table.awk" "$out/$name.csv" >"$out/$name.md.new" && mv "$out/$name.md.new" "$out/$name.md" ||
    exit 1
if ! command -v gnuplot >/dev/null 2>&1; then
    echo "skip: the figures of $name: gnuplot was not found"
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/main" "$work/layers"

# Each curve is a file of "x y" lines, whose name is what the legend says.
draw() { # draw FOLDER FILE LABEL_X LABEL_Y SCALE
    plots=''
    for file in "$1"/*; do
        [ -f "$file" ] || return 0
        plots="$plots${plots:+, }'$file' using 1:2 with linespoints pointsize 0.4 title '$(basename "$file")'"
    done
    {
        echo "set terminal svg size 1000,600 font 'sans,12' background '#ffffff'; set output '$2'"
        echo "set xlabel '$3'; set ylabel '$4'; set key outside right noenhanced; set grid"
        [ "$5" = linear ] || echo "set logscale y"
        echo "plot $plots"
    } >"$work/figure.gp"
    gnuplot "$work/figure.gp" 2>"$work/err" || cat "$work/err" >&2
}

curves=$out/$name-curves.csv
case $name in
memory)
    awk -F, -v to="$work/main" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { depth = split($at["network"], widths, "-"); print depth, $at["peak_bytes"] / 1e6 > (to "/" $at["group"]) }' \
        "$out/$name.csv"
    draw "$work/main" "$out/$name.svg" layers 'peak training memory, MB' log
    exit
    ;;
projection)
    awk -F, -v to="$work/main" '$1 ~ /-s1$/ && $3 == 2 && $6 != "" {
        id = $1; sub(/-s1$/, "", id); print $2, $6 > (to "/" id) }' "$curves"
    draw "$work/main" "$out/$name.svg" pass 'training loss of layer 2' log
    awk -F, -v to="$work/layers" '$1 ~ /^(learned-kaiming|learned-zero|frozen-kaiming|frozen-zero)-s1$/ && $6 != "" {
        id = $1; sub(/-s1$/, "", id); print $2, $6 > (to "/" id " layer " $3) }' "$curves"
    draw "$work/layers" "$out/$name-layers.svg" pass 'training loss' log
    exit
    ;;
depth)
    awk -F, -v to="$work/layers" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $1 ~ /^mf-.*-s1$/ { layers = split($at["test_layers"], accuracy, ";")
            for (i = 1; i <= layers; i++) print i, accuracy[i] > (to "/" $at["group"]) }' "$out/$name.csv"
    draw "$work/layers" "$out/$name-layers.svg" layer 'its own test accuracy, %' linear
    ;;
esac
# The last layer there is: lines of a pass come in the order of the layers.
awk -F, -v to="$work/main" '$1 ~ /-s1$/ && $3 != "sum" && $8 != "" {
        id = $1; sub(/-s1$/, "", id); point[id, $2] = $8; if ($2 > most[id]) most[id] = $2 }
    END { for (id in most) for (i = 1; i <= most[id]; i++) print i, point[id, i] > (to "/" id) }' "$curves" 2>/dev/null
draw "$work/main" "$out/$name.svg" 'pass over the training rows' 'validation accuracy of the last layer, %' linear
