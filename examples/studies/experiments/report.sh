#!/bin/sh
# The page and the figures of an experiment from its CSV files: report.sh NAME OUT makes OUT/NAME.md and OUT/NAME*.svg.
# SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
name=$1 out=$2
[ -f "$out/$name.csv" ] || exit 0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Each curve is a file of "x y" lines, whose name is what the legend says.
draw() { # draw FOLDER FIGURE LABEL_X LABEL_Y SCALE
    plots=''
    for file in "$work/$1"/*; do
        [ -f "$file" ] || return 0
        plots="$plots${plots:+, }'$file' using 1:2 with linespoints pointsize 0.4 title '$(basename "$file")'"
    done
    {
        echo "set terminal svg size 1000,600 font 'sans,12' background '#ffffff'; set output '$out/$2.svg'"
        echo "set xlabel '$3'; set ylabel '$4'; set key outside right noenhanced; set grid"
        [ "$5" = linear ] || echo "set logscale y"
        echo "plot $plots"
    } >"$work/figure.gp"
    gnuplot "$work/figure.gp" 2>"$work/err" || cat "$work/err" >&2
}

curves=$out/$name-curves.csv

# The curves of the first seed's runs, a folder for each data set; there are so many of depth that methods are apart.
last_layer() { # last_layer COLUMN_X
    [ "$name" = depth ] && part=method || part=data
    awk -F, -v to="$work/by$1/" -v x="$1" -v part=$part '
        FNR == NR { if (FNR == 1) for (i = 1; i <= NF; i++) at[$i] = i
            if ($at["run"] ~ /-s1$/) { set[$1] = $at[part]; if (!made[set[$1]]++) system("mkdir -p \"" to set[$1] "\"") }
            next }
        $1 in set && $3 != "sum" && $8 != "" { id = $1; sub(/-s1$/, "", id)
            # The last layer there is: lines of a pass come in the order of the layers.
            point[id, $2] = $x " " $8; folder[id] = to set[$1]; if ($2 > most[id]) most[id] = $2 }
        END { for (id in most) for (i = 1; i <= most[id]; i++) print point[id, i] > (folder[id] "/" id) }' "$out/$name.csv" "$curves"
}

draw_accuracies() { # draw_accuracies SUFFIX COLUMN_X LABEL_X
    last_layer "$2"
    several=$(find "$work" -path "$work/by$2/*" -type d | sed 1d)
    for folder in "$work/by$2"/*; do
        [ -d "$folder" ] || continue
        set=$(basename "$folder")
        draw "by$2/$set" "$name${several:+-$set}$1" "$3" 'validation accuracy of the last layer, %' linear
    done
}

figures() {
    rm -f "$out/$name.svg" "$out/$name"-*.svg # a figure becomes several when there is a second data set
    [ -f "$curves" ] || [ "$name" = memory ] || return 0
    case $name in
    memory)
        mkdir "$work/bytes"
        awk -F, -v to="$work/bytes" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            { depth = split($at["network"], widths, "-"); print depth, $at["peak_bytes"] / 1e6 > (to "/" $at["group"]) }' \
            "$out/$name.csv"
        draw bytes "$name" layers 'peak training memory, MB' log
        return
        ;;
    projection)
        mkdir "$work/second" "$work/layers"
        awk -F, -v to="$work/second" '$1 ~ /-s1$/ && $3 == 2 && $6 != "" {
            id = $1; sub(/-s1$/, "", id); print $2, $6 > (to "/" id) }' "$curves"
        draw second "$name" pass 'training loss of layer 2' log
        awk -F, -v to="$work/layers" '$1 ~ /^(learned-kaiming|learned-zero|frozen-kaiming|frozen-zero)-s1$/ && $6 != "" {
            id = $1; sub(/-s1$/, "", id); print $2, $6 > (to "/" id " layer " $3) }' "$curves"
        draw layers "$name-layers" pass 'training loss' log
        return
        ;;
    depth)
        mkdir "$work/layers"
        awk -F, -v to="$work/layers" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            $1 ~ /^mf-.*-s1$/ { layers = split($at["test_layers"], accuracy, ";")
                for (i = 1; i <= layers; i++) print i, accuracy[i] > (to "/" $at["group"]) }' "$out/$name.csv"
        draw layers "$name-layers" layer 'its own test accuracy, %' linear
        ;;
    schedule) draw_accuracies -seconds 5 'seconds of learning' ;;
    esac
    draw_accuracies '' 2 'pass over the training rows'
}

page() {
    printf '# %s\n\n' "$name"
    # What a plan says of itself.
    sed -n '/^#/!q; s/ *Read by .*//; s/^# //p' "$here/plans/$name.sh"
    printf '\nWhat that says of the claims:\n\n'
    sh "$here/summary.sh" "$out" "$name"
    echo
    awk -F, -v name="$name" -f "$here/statistics.awk" -f "$here/table.awk" "$out/$name.csv" || return 1
    for figure in "$out/$name.svg" "$out/$name"-*.svg; do
        [ ! -f "$figure" ] || printf '\n![%s](%s)\n' "$(basename "$figure" .svg)" "$(basename "$figure")"
    done
}

if command -v gnuplot >/dev/null 2>&1; then
    figures
else
    echo "skip: the figures of $name: gnuplot was not found"
fi
page >"$out/$name.md.new" && mv "$out/$name.md.new" "$out/$name.md"
