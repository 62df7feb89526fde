/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "bytes.h"
#include "complain.h"
#include "notes.h"
#include "places.h"
#include "shapes.h"
#include "unpack.h"

#include <stdlib.h>
#include <string.h>

enum { DRAWN_TRAIN = 10000, DRAWN_TEST = 2000 };

enum { PURPOSE_TRAIN_SHAPES = 1, PURPOSE_TEST_SHAPES, PURPOSE_HOLD_OUT, PURPOSE_SIDE };

/* The folders that a set may have in the places of places.h, and what it is read from. */
static const struct source {
    const char *folders[4];
    enum records_part train, test;
    size_t classes;
} sources[] = {
    [SET_CIFAR10] = {{"cifar-10", "cifar-10-batches-bin", "", NULL}, CIFAR10_TRAIN, CIFAR10_TEST, CLASSES},
    [SET_CIFAR100] = {{"cifar-100", "cifar-100-binary", "", NULL},
                      CIFAR100_TRAIN,
                      CIFAR100_TEST,
                      FINE_CLASSES},
};

const char *const set_names[] = {[SET_CIFAR10] = "cifar10", [SET_CIFAR100] = "cifar100", NULL};

static bool read_or_draw(struct data *data, enum data_set set, const char *folder, uint64_t seed)
{
    data->folder = folder;
    data->set = set;
    data->classes = folder == NULL ? CLASSES : sources[set].classes;
    if (folder != NULL)
        return records_load(&data->train, folder, sources[set].train) &&
               records_load(&data->test, folder, sources[set].test);
    return shapes_draw(&data->train, DRAWN_TRAIN, random_derive(seed, PURPOSE_TRAIN_SHAPES)) &&
           shapes_draw(&data->test, DRAWN_TEST, random_derive(seed, PURPOSE_TEST_SHAPES));
}

static bool holds_test(const char *folder, const void *set)
{
    return records_in(folder, ((const struct source *)set)->test);
}

const char *data_find(enum data_set set, const char *given)
{
    return given != NULL ? given : places_find(sources[set].folders, holds_test, &sources[set]);
}

static void measure_channel(struct data *data, size_t channel)
{
    struct byte_counts counts = {0};
    for (size_t i = 0; i < data_learned(data); i++)
        bytes_count(&counts, record_pixels(&data->train, data->order[i]) + channel * PLANE, PLANE);
    bytes_moments(&counts, &data->mean[channel], &data->deviation[channel]);
    for (size_t value = 0; value < BYTE_VALUES; value++)
        data->inputs[channel][value] =
            (float)(((double)value - data->mean[channel]) / data->deviation[channel]);
}

bool data_open(struct data *data, enum data_set set, const char *folder, size_t limit, uint64_t seed)
{
    *data = (struct data){0};
    if (!read_or_draw(data, set, folder, seed))
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

size_t data_learned(const struct data *data)
{
    return data->train.count - data->validation;
}

bool data_hold_out(struct data *data, size_t validation, uint64_t seed)
{
    struct random_stream stream = {random_derive(seed, PURPOSE_HOLD_OUT)};
    if (validation == 0)
        return true;
    if (validation >= data->train.count)
        return complain("--validation %zu leaves nothing of %zu images to learn from", validation,
                        data->train.count);
    random_shuffle(&stream, data->order, data->train.count);
    data->validation = validation;
    for (size_t channel = 0; channel < CHANNELS; channel++)
        measure_channel(data, channel);
    return true;
}

uint64_t data_hash(const struct data *data)
{
    return bytes_hash(HASH_START, data->train.bytes, data->train.count * (data->train.labels + PIXELS));
}

/* CIFAR-100 brings the names of its classes along; without that file they have numbers. */
static bool describe_fine(const char *folder, mf_network *network)
{
    static const char file_name[] = "fine_label_names.txt";
    char text[4096];
    const char *names[FINE_CLASSES];
    size_t count = 0;
    struct unpacked file;
    if (!unpack_finds(folder, file_name))
        return true;
    if (!unpack_read(folder, file_name, (uint8_t *)text, sizeof text - 1, &file))
        return false;
    text[file.count] = '\0';
    for (const char *name = strtok(text, "\r\n"); name != NULL; name = strtok(NULL, "\r\n"), count++)
        if (count < FINE_CLASSES)
            names[count] = name;
    return count == FINE_CLASSES
               ? notes_set_classes(network, names, count)
               : complain("%s holds %zu names instead of %d", file.path, count, FINE_CLASSES);
}

bool data_describe(const struct data *data, mf_network *network)
{
    static const char *const names[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                               "dog",      "frog",       "horse", "ship", "truck"};
    if (data->folder == NULL)
        return true;
    return data->set == SET_CIFAR10 ? notes_set_classes(network, names, CLASSES)
                                    : describe_fine(data->folder, network);
}

struct scaling data_scaling(const struct data *data)
{
    struct scaling scaling = {.channels = CHANNELS};
    for (size_t channel = 0; channel < CHANNELS; channel++) {
        scaling.shift[channel] = (float)-data->mean[channel];
        scaling.scale[channel] = (float)(1 / data->deviation[channel]);
    }
    return scaling;
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

/* How an image is looked at. The first side that it shows is drawn once and for all. */
static struct crop draw_crop(struct augmentation *augmentation, size_t image)
{
    struct crop crop = {0};
    if (augmentation == NULL || augmentation->kind == AUGMENT_NONE)
        return crop;
    crop = crop_draw(&augmentation->stream, (uint32_t)augmentation->border);
    if (augmentation->kind == AUGMENT_ALTERNATING)
        crop.mirrored = (random_derive(PURPOSE_SIDE, image) + augmentation->pass) % 2 == 1;
    return crop;
}

/* Cutout of DeVries and Taylor: the middle is anywhere in the image, so the edge may take a part of the
 * square. */
static void hide_square(struct random_stream *stream, size_t side, float *image)
{
    size_t y = random_below(stream, SIDE), x = random_below(stream, SIDE);
    size_t top = y > side / 2 ? y - side / 2 : 0, left = x > side / 2 ? x - side / 2 : 0;
    size_t below = y + side - side / 2, right = x + side - side / 2;
    for (size_t channel = 0; channel < CHANNELS; channel++)
        for (size_t row = top; row < below && row < SIDE; row++)
            for (size_t column = left; column < right && column < SIDE; column++)
                image[channel * PLANE + row * SIDE + column] = 0;
}

void data_train_batch(const struct data *data, size_t first, size_t rows, struct augmentation *augmentation,
                      float *inputs, int32_t *classes)
{
    for (size_t i = 0; i < rows; i++) {
        size_t index = data->order[first + i];
        struct crop crop = draw_crop(augmentation, index);
        see_image(data, &crop, record_pixels(&data->train, index), inputs + i * PIXELS);
        if (augmentation != NULL && augmentation->cutout > 0)
            hide_square(&augmentation->stream, augmentation->cutout, inputs + i * PIXELS);
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

void data_validation_batch(const struct data *data, size_t first, size_t rows, bool mirrored, float *inputs,
                           int32_t *classes)
{
    const struct crop crop = {.mirrored = mirrored};
    for (size_t i = 0; i < rows; i++) {
        size_t index = data->order[data_learned(data) + first + i];
        see_image(data, &crop, record_pixels(&data->train, index), inputs + i * PIXELS);
        classes[i] = record_class(&data->train, index);
    }
}
