/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "bytes.h"
#include "complain.h"
#include "digits.h"
#include "idx.h"
#include "notes.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

enum { DRAWN_TRAIN = 20000, DRAWN_TEST = 4000 };

enum { PURPOSE_TRAIN_DIGITS = 1, PURPOSE_TEST_DIGITS, PURPOSE_HOLD_OUT };

static bool read_or_draw(struct data *data, const char *folder, uint64_t seed)
{
    data->drawn = folder == NULL;
    if (data->drawn)
        return digits_draw(&data->train_images, DRAWN_TRAIN, random_derive(seed, PURPOSE_TRAIN_DIGITS)) &&
               digits_draw(&data->test_images, DRAWN_TEST, random_derive(seed, PURPOSE_TEST_DIGITS));
    if (!idx_load(folder, "train", DIGIT_CLASSES, &data->train_images) ||
        !idx_load(folder, "t10k", DIGIT_CLASSES, &data->test_images))
        return false;
    if (data->train_images.rows != data->test_images.rows ||
        data->train_images.columns != data->test_images.columns)
        return complain("the test images in %s have %zu x %zu pixels, the training images %zu x %zu", folder,
                        data->test_images.rows, data->test_images.columns, data->train_images.rows,
                        data->train_images.columns);
    return true;
}

static uint32_t *ascending_order(size_t count)
{
    uint32_t *order = malloc(count * sizeof *order);
    for (size_t i = 0; order != NULL && i < count; i++)
        order[i] = (uint32_t)i;
    return order;
}

static bool split(struct data *data, size_t validation, uint64_t seed)
{
    size_t count = data->train_images.count;
    if (validation >= count)
        return complain("--validation %zu leaves nothing of %zu images to learn from", validation, count);
    data->train_order = ascending_order(count);
    data->test_order = ascending_order(data->test_images.count);
    if (data->train_order == NULL || data->test_order == NULL)
        return complain("no memory for the order of the images");
    if (validation > 0) {
        struct random_stream stream = {random_derive(seed, PURPOSE_HOLD_OUT)};
        random_shuffle(&stream, data->train_order, count);
    }
    size_t kept = count - validation;
    data->train = (struct subset){&data->train_images, data->train_order, kept};
    data->validation = (struct subset){&data->train_images, data->train_order + kept, validation};
    data->test = (struct subset){&data->test_images, data->test_order, data->test_images.count};
    return true;
}

static void measure_pixels(struct data *data)
{
    struct byte_counts counts = {0};
    double mean, deviation;
    for (size_t i = 0; i < data->train.count; i++)
        bytes_count(&counts, image_pixels(&data->train_images, data->train.order[i]), data->inputs);
    bytes_moments(&counts, &mean, &deviation);
    data->mean = (float)mean;
    data->deviation = (float)deviation;
}

bool data_open(struct data *data, const char *folder, size_t validation, uint64_t seed)
{
    *data = (struct data){0};
    if (!read_or_draw(data, folder, seed))
        return false;
    data->inputs = data->train_images.rows * data->train_images.columns;
    if (!split(data, validation, seed))
        return false;
    measure_pixels(data);
    return true;
}

void data_free(struct data *data)
{
    image_set_free(&data->train_images);
    image_set_free(&data->test_images);
    free(data->train_order);
    free(data->test_order);
    *data = (struct data){0};
}

uint64_t data_hash(const struct data *data)
{
    const struct image_set *images = &data->train_images;
    uint64_t hash = bytes_hash(HASH_START, images->labels, images->count);
    return bytes_hash(hash, images->pixels, images->count * data->inputs);
}

bool data_describe(mf_network *network)
{
    static const char *const names[DIGIT_CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    return notes_set_classes(network, names, DIGIT_CLASSES);
}

struct scaling data_scaling(const struct data *data)
{
    return (struct scaling){.channels = 1, .shift = {-data->mean}, .scale = {1 / data->deviation}};
}

void data_batch(const struct data *data, const struct subset *subset, size_t first, size_t rows,
                enum augment_kind kind, struct random_stream *stream, float *inputs, int32_t *labels)
{
    const struct image_set *images = subset->images;
    float scale = 1 / data->deviation;
    for (size_t i = 0; i < rows; i++) {
        size_t index = subset->order[first + i];
        float *row = inputs + i * data->inputs;
        augment_image(kind, stream, image_pixels(images, index), images->rows, images->columns, row);
        for (size_t j = 0; j < data->inputs; j++)
            row[j] = (row[j] - data->mean) * scale;
        labels[i] = images->labels[index];
    }
}

void data_byte_batch(const struct data *data, const struct subset *subset, size_t first, size_t rows,
                     uint8_t *inputs, int32_t *labels, mf_batch *batch)
{
    const struct image_set *images = subset->images;
    for (size_t i = 0; i < rows; i++) {
        size_t index = subset->order[first + i];
        memcpy(inputs + i * data->inputs, image_pixels(images, index), data->inputs);
        labels[i] = images->labels[index];
    }
    batch->input_type = MF_TYPE_UINT8;
    batch->input_shift = -data->mean;
    batch->input_scale = 1 / data->deviation;
}
