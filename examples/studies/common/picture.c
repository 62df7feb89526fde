/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include "complain.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PANEL_WIDTH = 560, PLOT_WIDTH = 380, PLOT_HEIGHT = 300, LEFT = 60, TOP = 80, LEGEND_STEP = 18 };

/* Where a panel's numbers fall on the paper. */
struct scale {
    double x0;
    double low, high, step;
    size_t points;
};

static double paper_x(const struct scale *scale, size_t point)
{
    double share = scale->points > 1 ? (double)point / (double)(scale->points - 1) : 0.5;
    return scale->x0 + share * PLOT_WIDTH;
}

static double paper_y(const struct scale *scale, double value)
{
    return TOP + PLOT_HEIGHT * (scale->high - value) / (scale->high - scale->low);
}

/* The round number (1, 2 or 5 times a power of ten) that divides `range` into about five. */
static double round_step(double range)
{
    double power = pow(10, floor(log10(range / 5)));
    double parts = range / 5 / power;
    return power * (parts < 1.5 ? 1 : parts < 3.5 ? 2 : parts < 7.5 ? 5 : 10);
}

static struct scale fit_scale(const struct picture_panel *panel, double x0, size_t points)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t c = 0; c < panel->curve_count; c++) {
        for (size_t i = 0; i < points; i++) {
            low = fmin(low, panel->curves[c].values[i]);
            high = fmax(high, panel->curves[c].values[i]);
        }
    }
    if (low > high)
        low = high = 0;
    if (high - low < 1e-9)
        high = low + 1;
    double step = round_step(high - low);
    return (struct scale){x0, floor(low / step) * step, ceil(high / step) * step, step, points};
}

static void draw_text(FILE *file, double x, double y, const char *anchor, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, text);
}

static void draw_axes(FILE *file, const struct picture_panel *panel, const struct scale *scale)
{
    char text[40];
    int lines = (int)round((scale->high - scale->low) / scale->step);
    for (int i = 0; i <= lines; i++) {
        double value = scale->low + i * scale->step, y = paper_y(scale, value);
        fprintf(
            file,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\" stroke-width=\"1\"/>\n",
            scale->x0, scale->x0 + PLOT_WIDTH, y, y);
        snprintf(text, sizeof text, "%.6g", value);
        draw_text(file, scale->x0 - 8, y + 4, "end", text);
    }
    size_t stride = scale->points > 10 ? (scale->points + 9) / 10 : 1;
    for (size_t i = 0; i < scale->points; i += stride) {
        snprintf(text, sizeof text, "%zu", i + 1);
        draw_text(file, paper_x(scale, i), TOP + PLOT_HEIGHT + 18, "middle",
                  panel->points != NULL ? panel->points[i] : text);
    }
    draw_text(file, scale->x0 + PLOT_WIDTH / 2.0, TOP + PLOT_HEIGHT + 38, "middle",
              panel->axis != NULL ? panel->axis : "epoch");
}

/* Layers have an order, so their colours have one too: light for the first, dark for the last. */
static void colour_of(const struct picture_panel *panel, size_t curve, char *text, size_t capacity)
{
    static const int light[3] = {150, 195, 235}, dark[3] = {8, 48, 107};
    if (panel->curves[curve].colour != NULL) {
        snprintf(text, capacity, "%s", panel->curves[curve].colour);
        return;
    }
    size_t scaled = 0;
    for (size_t i = 0; i < panel->curve_count; i++)
        scaled += panel->curves[i].colour == NULL;
    double share = scaled > 1 ? (double)curve / (double)(scaled - 1) : 1;
    int mixed[3];
    for (size_t i = 0; i < 3; i++)
        mixed[i] = (int)((1 - share) * light[i] + share * dark[i]);
    snprintf(text, capacity, "rgb(%d,%d,%d)", mixed[0], mixed[1], mixed[2]);
}

static void draw_curve(FILE *file, const struct scale *scale, const struct picture_curve *curve,
                       const char *colour)
{
    bool drawing = false;
    fprintf(file, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\" d=\"", colour);
    for (size_t i = 0; i < scale->points; i++) {
        if (!isnan(curve->values[i]))
            fprintf(file, "%c%.1f %.1f ", drawing ? 'L' : 'M', paper_x(scale, i),
                    paper_y(scale, curve->values[i]));
        drawing = drawing || !isnan(curve->values[i]);
    }
    fputs("\"/>\n", file);
    for (size_t i = 0; i < scale->points && scale->points <= 30; i++)
        if (!isnan(curve->values[i]))
            fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", paper_x(scale, i),
                    paper_y(scale, curve->values[i]), colour);
}

static void draw_panel(FILE *file, const struct picture_panel *panel, double x0, size_t points)
{
    struct scale scale = fit_scale(panel, x0, points);
    draw_text(file, x0, TOP - 16, "start", panel->title);
    draw_axes(file, panel, &scale);
    for (size_t c = 0; c < panel->curve_count; c++) {
        char colour[32];
        double x = x0 + PLOT_WIDTH + 14, y = TOP + 10 + LEGEND_STEP * (double)c;
        colour_of(panel, c, colour, sizeof colour);
        draw_curve(file, &scale, &panel->curves[c], colour);
        fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"4\" fill=\"%s\"/>\n", x, y - 6,
                colour);
        draw_text(file, x + 20, y, "start", panel->curves[c].name);
    }
}

static double picture_height(const struct picture_panel *panels, size_t panel_count)
{
    double height = TOP + PLOT_HEIGHT + 60;
    for (size_t i = 0; i < panel_count; i++)
        height = fmax(height, TOP + 20 + LEGEND_STEP * (double)panels[i].curve_count);
    return height;
}

bool picture_write(const char *path, const char *title, const struct picture_panel *panels,
                   size_t panel_count, size_t points)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return complain("cannot write %s: %s", path, strerror(errno));
    double width = PANEL_WIDTH * (double)panel_count, height = picture_height(panels, panel_count);
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n",
            width, height, width, height);
    fprintf(file, "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n", width, height);
    fprintf(file, "<text x=\"%d\" y=\"30\" font-size=\"16\">%s</text>\n", LEFT, title);
    for (size_t i = 0; i < panel_count; i++)
        draw_panel(file, &panels[i], LEFT + PANEL_WIDTH * (double)i, points);
    fputs("</svg>\n", file);
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed)
        return complain("cannot write %s: %s", path, strerror(errno));
    return true;
}
