# SPDX-License-Identifier: GPL-2.0
# gnuplot: NAME.dat, one load a line, as bars of ratios to the raw leg, into NAME.svg
set terminal svg size 1200,500 font "sans,11"
set output name.".svg"
set title what.": ratio to the raw leg"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set yrange [0:*]
set grid ytics
set xtics rotate by -30 noenhanced
set key outside right noenhanced
plot for [i=2:peers+1] name.".dat" using i:xtic(1) title columnheader(i)
