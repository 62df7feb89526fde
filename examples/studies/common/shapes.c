/* SPDX-License-Identifier: MIT */
#include "shapes.h"

#include "random.h"

#include <math.h>

enum shape { DISC, RING, SQUARE, FRAME, TRIANGLE, PLUS, CROSS, ROWS, COLUMNS, CHECKERS };

enum { SUBSAMPLES = 2 }; /* each way, for soft edges */

static bool odd_stripe(float place)
{
    return (int)floorf((place + 1) * 2.5f) % 2 != 0;
}

/* Does the shape cover the point? It reaches from -1 to 1 each way, y downwards. */
static bool covers(enum shape shape, float x, float y)
{
    float across = fabsf(x), down = fabsf(y), radius = hypotf(x, y), far = fmaxf(across, down);
    if (far > 1)
        return false;
    switch (shape) {
    case DISC:
        return radius < 1;
    case RING:
        return radius < 1 && radius > 0.6f;
    case SQUARE:
        return true;
    case FRAME:
        return far > 0.6f;
    case TRIANGLE:
        return across < (y + 1) / 2;
    case PLUS:
        return across < 0.3f || down < 0.3f;
    case CROSS:
        return fabsf(across - down) < 0.35f;
    case ROWS:
        return !odd_stripe(y);
    case COLUMNS:
        return !odd_stripe(x);
    case CHECKERS:
        return odd_stripe(x) == odd_stripe(y);
    }
    return false;
}

/* Two colours that are told apart by at least one channel. */
static void choose_colours(struct random_stream *stream, float *paper, float *ink)
{
    size_t clear = random_below(stream, CHANNELS);
    for (size_t c = 0; c < CHANNELS; c++) {
        paper[c] = random_uniform(stream, 20, 235);
        ink[c] = random_uniform(stream, 20, 235);
    }
    ink[clear] = paper[clear] < 128 ? paper[clear] + 90 : paper[clear] - 90;
}

static float coverage(enum shape shape, float x, float y, float pixel)
{
    int covered = 0;
    for (int i = 0; i < SUBSAMPLES; i++)
        for (int j = 0; j < SUBSAMPLES; j++)
            covered += covers(shape, x + pixel * ((float)i + 0.5f) / SUBSAMPLES,
                              y + pixel * ((float)j + 0.5f) / SUBSAMPLES);
    return (float)covered / (SUBSAMPLES * SUBSAMPLES);
}

static void draw_shape(uint8_t *pixels, enum shape shape, struct random_stream *stream)
{
    float paper[CHANNELS], ink[CHANNELS];
    float size = random_uniform(stream, 7, 14); /* half the width */
    float left = random_uniform(stream, size, SIDE - size), top = random_uniform(stream, size, SIDE - size);
    choose_colours(stream, paper, ink);
    for (size_t i = 0; i < PLANE; i++) {
        float x = ((float)(i % SIDE) - left) / size, y = ((float)(i / SIDE) - top) / size;
        float share = coverage(shape, x, y, 1 / size);
        for (size_t c = 0; c < CHANNELS; c++) {
            float shade = paper[c] + share * (ink[c] - paper[c]) + 20 * random_normal(stream);
            pixels[c * PLANE + i] = (uint8_t)fminf(255, fmaxf(0, shade));
        }
    }
}

bool shapes_draw(struct records *records, size_t count, uint64_t seed)
{
    struct random_stream stream = {seed};
    if (!records_create(records, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t *record = records->bytes + i * RECORD;
        record[0] = (uint8_t)random_below(&stream, CLASSES);
        draw_shape(record + 1, (enum shape)record[0], &stream);
    }
    return true;
}
