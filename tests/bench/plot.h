/* Owns: a figure of lines through points, as an SVG file. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

typedef struct plot plot;

plot *plot_create(const char *title, const char *x_label, const char *y_label);

/* Adds a point to the line of that name. */
void plot_add(plot *figure, const char *line, double x, double y);

/* 0, with a message on stderr, if the file cannot be written. */
int plot_write(const plot *figure, const char *path);

void plot_free(plot *figure);

#endif
