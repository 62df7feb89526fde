#!/bin/sh
# The page and the figure of the studies of cuts from their logs: report.sh OUT makes OUT/cuts.md and OUT/locality.svg.
# SPDX-License-Identifier: MIT
here=$(cd "$(dirname "$0")" && pwd)
out=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The results, each behind the name of its run.
for log in "$out"/*.log; do
    [ -f "$log" ] && [ "$(basename "$log")" != speed.log ] || continue
    echo "$(basename "$log" .log) $(tail -1 "$log")"
done >"$work/results"
[ -s "$work/results" ] || exit 0

{ [ ! -f "$out/speed.log" ] || cat "$out/speed.log"; } >"$work/speed"
awk -f "$here/report.awk" -v locality="$work/locality" "$work/speed" "$work/results" >"$out/cuts.md.new" || exit 1
mv "$out/cuts.md.new" "$out/cuts.md"

[ -s "$work/locality" ] || exit 0
command -v gnuplot >/dev/null 2>&1 || {
    echo "skip: the figure of the cuts: gnuplot was not found"
    exit 0
}
cat >"$work/figure.gp" <<END
set terminal svg size 1000,700 font 'sans,12' background '#ffffff'; set output '$out/locality.svg'
set datafile missing '-'; set grid; set logscale x 2; set xtics (1, 2, 4, 8, 16); set xrange [0.8:20]
set style data linespoints; set key below
set multiplot layout 2,2 title 'ResNet-18 on CIFAR-10: convolutions of a layer'
set ylabel 'test accuracy, %'
plot '$work/locality' using 1:2 title 'LAST', '' using 1:3 title 'SUM', '' using 1:4 title 'BEST'
set ylabel 'training memory, batch 512, MB'; set yrange [0:*]
plot '$work/locality' using 1:5 notitle
set ylabel 'processor seconds for 1000 images'
plot '$work/locality' using 1:6 notitle
END
[ ! -f "$out/speed.log" ] || cat >>"$work/figure.gp" <<END
set ylabel 'speed of two workers, one = 1'
plot '$work/locality' using 1:7 notitle
END
gnuplot "$work/figure.gp" 2>"$work/err" || cat "$work/err" >&2
