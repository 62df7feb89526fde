/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "complain.h"
#include "shapes.h"

#include <stdlib.h>

enum { DRAWN_TRAIN = 10000, DRAWN_TEST = 2000 };

enum { PURPOSE_TRAIN_SHAPES = 1, PURPOSE_TEST_SHAPES };

static bool read_or_draw(struct data *data, const char *folder, uint64_t seed)
{
    data->folder = folder;
    if (folder != NULL)
        return records_load(&data->train, folder, CIFAR10_TRAIN) &&
               records_load(&data->test, folder, CIFAR10_TEST);
    return shapes_draw(&data->train, DRAWN_TRAIN, random_derive(seed, PURPOSE_TRAIN_SHAPES)) &&
           shapes_draw(&data->test, DRAWN_TEST, random_derive(seed, PURPOSE_TEST_SHAPES));
}

const char *data_find(const char *given)
{
    static const char *const usual[] = {"data/cifar-10", "data/cifar-10-batches-bin",
                                        "../shared/data/cifar-10"};
    if (given == NULL)
        given = getenv("MONOFORWARD_CIFAR10");
    if (given != NULL && given[0] != '\0')
        return given;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (records_in(usual[i], CIFAR10_TEST))
            return usual[i];
    return NULL;
}

static void measure_channel(struct data *data, size_t channel)
{
    struct byte_counts counts = {0};
    for (size_t i = 0; i < data->train.count; i++)
        bytes_count(&counts, record_pixels(&data->train, i) + channel * PLANE, PLANE);
    bytes_moments(&counts, &data->mean[channel], &data->deviation[channel]);
    for (size_t value = 0; value < BYTE_VALUES; value++)
        data->inputs[channel][value] =
            (float)(((double)value - data->mean[channel]) / data->deviation[channel]);
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

static void see_image(const struct data *data, const struct crop *crop, const uint8_t *pixels, float *image)
{
    for (size_t channel = 0; channel < CHANNELS; channel++)
        crop_plane(crop, pixels + channel * PLANE, SIDE, SIDE, data->inputs[channel],
                   image + channel * PLANE);
}

void data_train_batch(const struct data *data, size_t first, size_t rows, enum augment_kind kind,
                      struct random_stream *stream, float *inputs, int32_t *classes)
{
    for (size_t i = 0; i < rows; i++) {
        size_t index = data->order[first + i];
        struct crop crop = {0};
        if (kind == AUGMENT_CROPS)
            crop = crop_draw(stream);
        see_image(data, &crop, record_pixels(&data->train, index), inputs + i * PIXELS);
        classes[i] = record_class(&data->train, index);
    }
}

void data_test_batch(const struct data *data, size_t first, size_t rows, bool mirrored, float *inputs,
                     int32_t *classes)
{
    const struct crop crop = {.mirrored = mirrored};
    for (size_t i = 0; i < rows; i++) {
        see_image(data, &crop, record_pixels(&data->test, first + i), inputs + i * PIXELS);
        classes[i] = record_class(&data->test, first + i);
    }
}
