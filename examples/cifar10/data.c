/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "complain.h"
#include "shapes.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWN_TRAIN = 10000, DRAWN_TEST = 2000 };

enum { PURPOSE_TRAIN_SHAPES = 1, PURPOSE_TEST_SHAPES };

static bool read_or_draw(struct data *data, const char *folder, uint64_t seed)
{
    data->folder = folder;
    if (folder != NULL)
        return records_load_train(&data->train, folder) && records_load_test(&data->test, folder);
    return shapes_draw(&data->train, DRAWN_TRAIN, random_derive(seed, PURPOSE_TRAIN_SHAPES)) &&
           shapes_draw(&data->test, DRAWN_TEST, random_derive(seed, PURPOSE_TEST_SHAPES));
}

/* Mean and deviation from a count of the pixel values, exact and quick. */
static void measure_channel(struct data *data, size_t channel)
{
    uint64_t counts[PIXEL_VALUES] = {0};
    for (size_t i = 0; i < data->train.count; i++) {
        const uint8_t *plane = record_pixels(&data->train, i) + channel * PLANE;
        for (size_t j = 0; j < PLANE; j++)
            counts[plane[j]]++;
    }
    double total = (double)data->train.count * PLANE, sum = 0, squares = 0;
    for (size_t value = 0; value < PIXEL_VALUES; value++) {
        sum += (double)value * (double)counts[value];
        squares += (double)(value * value) * (double)counts[value];
    }
    double mean = sum / total, variance = squares / total - mean * mean;
    data->mean[channel] = mean;
    data->deviation[channel] = variance > 0 ? sqrt(variance) : 1;
    for (size_t value = 0; value < PIXEL_VALUES; value++)
        data->inputs[channel][value] = (float)(((double)value - mean) / data->deviation[channel]);
}

bool data_open(struct data *data, const char *folder, size_t limit, uint64_t seed)
{
    *data = (struct data){0};
    if (!read_or_draw(data, folder, seed))
        return false;
    if (limit > 0 && limit < data->train.count)
        data->train.count = limit;
    data->order = malloc(data->train.count * sizeof *data->order);
    if (data->order == NULL)
        return complain("no memory for the order of the images");
    for (size_t i = 0; i < data->train.count; i++)
        data->order[i] = (uint32_t)i;
    for (size_t channel = 0; channel < CHANNELS; channel++)
        measure_channel(data, channel);
    return true;
}

void data_free(struct data *data)
{
    records_free(&data->train);
    records_free(&data->test);
    free(data->order);
    *data = (struct data){0};
}

/* How an image is seen: through a window that may be moved, and in a mirror. */
struct view {
    int down, right;
    bool mirrored;
};

static void view_row(const struct view *view, const uint8_t *pixels, const float *inputs, float *row)
{
    for (int x = 0; x < SIDE; x++) {
        int column = (view->mirrored ? SIDE - 1 - x : x) + view->right;
        row[x] = column >= 0 && column < SIDE ? inputs[pixels[column]] : 0;
    }
}

static void view_image(const struct data *data, const struct view *view, const uint8_t *pixels, float *image)
{
    for (size_t channel = 0; channel < CHANNELS; channel++) {
        for (int y = 0; y < SIDE; y++, image += SIDE) {
            int line = y + view->down;
            if (line >= 0 && line < SIDE)
                view_row(view, pixels + channel * PLANE + (size_t)line * SIDE, data->inputs[channel], image);
            else
                for (size_t x = 0; x < SIDE; x++)
                    image[x] = 0;
        }
    }
}

static struct view random_view(struct random_stream *stream)
{
    struct view view;
    view.down = (int)random_below(stream, 2 * CROP_BORDER + 1) - CROP_BORDER;
    view.right = (int)random_below(stream, 2 * CROP_BORDER + 1) - CROP_BORDER;
    view.mirrored = random_below(stream, 2) == 1;
    return view;
}

void data_train_batch(const struct data *data, size_t first, size_t rows, enum augment_kind kind,
                      struct random_stream *stream, float *inputs, int32_t *classes)
{
    for (size_t i = 0; i < rows; i++) {
        size_t index = data->order[first + i];
        struct view view = {0};
        if (kind == AUGMENT_CROPS)
            view = random_view(stream);
        view_image(data, &view, record_pixels(&data->train, index), inputs + i * PIXELS);
        classes[i] = record_class(&data->train, index);
    }
}

void data_test_batch(const struct data *data, size_t first, size_t rows, bool mirrored, float *inputs,
                     int32_t *classes)
{
    const struct view view = {.mirrored = mirrored};
    for (size_t i = 0; i < rows; i++) {
        view_image(data, &view, record_pixels(&data->test, first + i), inputs + i * PIXELS);
        classes[i] = record_class(&data->test, first + i);
    }
}
