/* Owns: a figure of lines through points, as an SVG file. */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_LINES = 6,
    MOST_POINTS = 64,
    WIDTH = 640,
    HEIGHT = 400,
    LEFT = 80,
    RIGHT = 130,
    TOP = 40,
    BOTTOM = 50
};

typedef struct line {
    char name[32];
    double x[MOST_POINTS], y[MOST_POINTS];
    size_t count;
} line;

struct plot {
    const char *title, *x_label, *y_label;
    line lines[MOST_LINES];
    size_t count;
};

static const char *const colours[MOST_LINES] = {"#1b7837", "#b2182b", "#2166ac",
                                                "#e08214", "#762a83", "#333333"};

plot *plot_create(const char *title, const char *x_label, const char *y_label)
{
    plot *figure = calloc(1, sizeof *figure);
    if (figure) {
        figure->title = title;
        figure->x_label = x_label;
        figure->y_label = y_label;
    }
    return figure;
}

void plot_add(plot *figure, const char *name, double x, double y)
{
    size_t i = 0;
    while (i < figure->count && strcmp(figure->lines[i].name, name) != 0)
        i++;
    if (i == MOST_LINES || figure->lines[i].count == MOST_POINTS)
        return;
    line *to = &figure->lines[i];
    if (i == figure->count) {
        figure->count++;
        snprintf(to->name, sizeof to->name, "%s", name);
    }
    to->x[to->count] = x;
    to->y[to->count++] = y;
}

/* A round number, about a fifth of the largest value. */
static double tick_of(double largest)
{
    double step = pow(10.0, floor(log10(largest / 5.0))), wanted = largest / 5.0 / step;
    return step * (wanted > 5.0 ? 10.0 : wanted > 2.0 ? 5.0 : wanted > 1.0 ? 2.0 : 1.0);
}

/* The ends of the axes, which begin at 0: the largest values, and a little more. */
static void find_ends(const plot *figure, double *x_end, double *y_end)
{
    *x_end = *y_end = 1e-9;
    for (size_t i = 0; i < figure->count; i++)
        for (size_t p = 0; p < figure->lines[i].count; p++) {
            *x_end = fmax(*x_end, 1.02 * figure->lines[i].x[p]);
            *y_end = fmax(*y_end, 1.05 * figure->lines[i].y[p]);
        }
}

static void write_axes(FILE *file, const plot *figure, double x_end, double y_end)
{
    int right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
    fprintf(file, "<text x=\"%d\" y=\"24\" font-size=\"16\">%s</text>\n", LEFT, figure->title);
    fprintf(file, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"black\"/>\n", LEFT, TOP, bottom, right);
    fprintf(file, "<text x=\"%d\" y=\"%d\">%s</text>\n", (LEFT + right) / 2, HEIGHT - 8, figure->x_label);
    fprintf(file, "<text x=\"8\" y=\"%d\">%s</text>\n", TOP - 8, figure->y_label);
    for (double x = 0.0; x <= x_end; x += tick_of(x_end))
        fprintf(file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                LEFT + x / x_end * (right - LEFT), bottom + 18, x);
    for (double y = 0.0; y <= y_end; y += tick_of(y_end))
        fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n", LEFT - 6,
                bottom - y / y_end * (bottom - TOP) + 4.0, y);
}

static void write_line(FILE *file, const plot *figure, size_t index, double x_end, double y_end)
{
    const line *from = &figure->lines[index];
    int right = WIDTH - RIGHT, bottom = HEIGHT - BOTTOM;
    double x = LEFT, y = bottom;
    fprintf(file, "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"%s\" points=\"", colours[index]);
    for (size_t p = 0; p < from->count; p++) {
        x = LEFT + from->x[p] / x_end * (right - LEFT);
        y = bottom - from->y[p] / y_end * (bottom - TOP);
        fprintf(file, "%.1f,%.1f ", x, y);
    }
    fprintf(file, "\"/>\n<text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s</text>\n", x + 6.0, y + 4.0,
            colours[index], from->name);
}

int plot_write(const plot *figure, const char *path)
{
    double x_end, y_end;
    FILE *file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "%s cannot be written\n", path);
        return 0;
    }
    find_ends(figure, &x_end, &y_end);
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" "
            "font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, HEIGHT);
    write_axes(file, figure, x_end, y_end);
    for (size_t i = 0; i < figure->count; i++)
        write_line(file, figure, i, x_end, y_end);
    fprintf(file, "</svg>\n");
    if (fclose(file) != 0) {
        fprintf(stderr, "%s cannot be written\n", path);
        return 0;
    }
    return 1;
}

void plot_free(plot *figure)
{
    free(figure);
}
