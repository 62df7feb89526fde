/* SPDX-License-Identifier: MIT */
#include "digits.h"

#include "complain.h"
#include "random.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 28, MOST_POINTS = 13 };

struct point {
    float x, y;
};

struct drawing {
    size_t count;
    struct point points[MOST_POINTS];
};

/* Each digit is one line of the pen, in percent of the width and height, y downwards. */
static const struct drawing templates[DIGIT_CLASSES] = {
    {9, {{50, 5}, {75, 20}, {80, 50}, {75, 80}, {50, 95}, {25, 80}, {20, 50}, {25, 20}, {50, 5}}},
    {3, {{35, 25}, {55, 5}, {55, 95}}},
    {7, {{22, 25}, {35, 8}, {60, 5}, {77, 22}, {72, 42}, {25, 93}, {80, 93}}},
    {9, {{25, 12}, {55, 5}, {75, 20}, {70, 40}, {45, 48}, {75, 58}, {78, 80}, {55, 95}, {22, 88}}},
    {4, {{62, 95}, {62, 5}, {18, 68}, {82, 68}}},
    {8, {{75, 6}, {30, 6}, {27, 45}, {55, 40}, {77, 55}, {75, 82}, {50, 95}, {22, 87}}},
    {9, {{70, 8}, {40, 20}, {24, 50}, {25, 80}, {50, 95}, {74, 82}, {74, 60}, {50, 48}, {26, 62}}},
    {3, {{20, 6}, {80, 6}, {42, 95}}},
    {13,
     {{50, 48},
      {28, 32},
      {30, 13},
      {50, 5},
      {70, 13},
      {72, 32},
      {50, 48},
      {25, 65},
      {27, 86},
      {50, 95},
      {73, 86},
      {75, 65},
      {50, 48}}},
    {9, {{74, 40}, {50, 52}, {27, 40}, {26, 18}, {50, 5}, {73, 18}, {74, 40}, {70, 70}, {55, 95}}},
};

/* Every writer's hand: bent corners, then a slant, a size, a tilt and a place of its own. */
static struct drawing deform(const struct drawing *model, struct random_stream *stream)
{
    float angle = random_uniform(stream, -0.3f, 0.3f);
    float slant = random_uniform(stream, -0.35f, 0.35f);
    float width = random_uniform(stream, 0.13f, 0.21f);
    float height = random_uniform(stream, 0.15f, 0.22f);
    float left = (SIDE - 1) / 2.0f + random_uniform(stream, -2.5f, 2.5f);
    float top = (SIDE - 1) / 2.0f + random_uniform(stream, -2.5f, 2.5f);
    struct drawing drawing = {.count = model->count};
    for (size_t i = 0; i < model->count; i++) {
        float x = (model->points[i].x - 50 + 4.5f * random_normal(stream)) * width;
        float y = (model->points[i].y - 50 + 4.5f * random_normal(stream)) * height;
        x -= slant * y;
        drawing.points[i].x = left + x * cosf(angle) - y * sinf(angle);
        drawing.points[i].y = top + x * sinf(angle) + y * cosf(angle);
    }
    return drawing;
}

static float distance_to_segment(struct point p, struct point a, struct point b)
{
    float dx = b.x - a.x, dy = b.y - a.y;
    float along = ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy + 1e-6f);
    along = along < 0 ? 0 : along > 1 ? 1 : along;
    return hypotf(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

static void draw_segment(uint8_t *pixels, struct point a, struct point b, float thickness, float ink)
{
    float reach = thickness + 1;
    int x0 = (int)fmaxf(0, fminf(a.x, b.x) - reach), x1 = (int)fminf(SIDE - 1, fmaxf(a.x, b.x) + reach);
    int y0 = (int)fmaxf(0, fminf(a.y, b.y) - reach), y1 = (int)fminf(SIDE - 1, fmaxf(a.y, b.y) + reach);
    for (int y = y0; y <= y1; y++) {
        for (int x = x0; x <= x1; x++) {
            struct point centre = {(float)x, (float)y};
            float cover = thickness + 0.5f - distance_to_segment(centre, a, b);
            uint8_t shade = (uint8_t)(ink * fminf(1, fmaxf(0, cover)));
            uint8_t *pixel = pixels + y * SIDE + x;
            if (shade > *pixel)
                *pixel = shade;
        }
    }
}

static void add_noise(uint8_t *pixels, struct random_stream *stream)
{
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        float shade = (float)pixels[i] + 30 * random_normal(stream);
        pixels[i] = (uint8_t)fminf(255, fmaxf(0, shade));
    }
}

static void draw_digit(uint8_t *pixels, size_t digit, struct random_stream *stream)
{
    struct drawing drawing = deform(&templates[digit], stream);
    float thickness = random_uniform(stream, 0.7f, 1.7f);
    float ink = random_uniform(stream, 150, 255);
    for (size_t i = 1; i < drawing.count; i++)
        draw_segment(pixels, drawing.points[i - 1], drawing.points[i], thickness, ink);
    add_noise(pixels, stream);
}

bool digits_draw(struct image_set *set, size_t count, uint64_t seed)
{
    *set = (struct image_set){.count = count, .rows = SIDE, .columns = SIDE};
    set->pixels = calloc(count, SIDE * SIDE);
    set->labels = calloc(count, 1);
    if (set->pixels == NULL || set->labels == NULL) {
        image_set_free(set);
        return complain("no memory for %zu images", count);
    }
    struct random_stream stream = {seed};
    for (size_t i = 0; i < count; i++) {
        set->labels[i] = (uint8_t)random_below(&stream, DIGIT_CLASSES);
        draw_digit(set->pixels + i * SIDE * SIDE, set->labels[i], &stream);
    }
    return true;
}
