/* Owns: data sets of images: how their files become the two parts of a set. SPDX-License-Identifier: MIT */
#include "complain.h"
#include "digits.h"
#include "idx.h"
#include "lines.h"
#include "optdigits.h"
#include "readers.h"
#include "records.h"
#include "shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWN_TRAIN = 10000, DRAWN_TEST = 2000 };

/* ---- sets of grey images ---- */

/* Takes the pixels over. */
static bool take_images(struct image_set *from, struct dataset_part *to)
{
    to->labels = malloc(from->count * sizeof *to->labels);
    for (size_t i = 0; to->labels != NULL && i < from->count; i++)
        to->labels[i] = from->labels[i];
    to->count = from->count;
    to->bytes = from->pixels;
    from->pixels = NULL;
    image_set_free(from);
    return to->labels != NULL || complain("no memory for %zu labels", to->count);
}

/* Takes both sets over, also if it fails. */
static bool take_both(struct image_set *train, struct image_set *test, const char *story, struct dataset *set)
{
    set->channels = 1;
    set->height = train->rows;
    set->width = train->columns;
    set->features = set->height * set->width;
    bool same = test->rows == train->rows && test->columns == train->columns;
    if (!same)
        complain("test images of %zu x %zu pixels do not go with training images of %zu x %zu", test->rows,
                 test->columns, train->rows, train->columns);
    bool good = take_images(train, &set->train);
    good = take_images(test, &set->test) && good;
    snprintf(set->story, sizeof set->story, "%s", story);
    return good && same;
}

bool idx_in(const char *folder)
{
    return lines_in(folder, "train-images-idx3-ubyte");
}

bool read_idx(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct image_set train = {0}, test = {0};
    int highest = 0;
    (void)options;
    if (!idx_load(folder, "train", BYTE_VALUES, &train))
        return false;
    for (size_t i = 0; i < train.count; i++)
        highest = train.labels[i] > highest ? train.labels[i] : highest;
    set->classes = (size_t)highest + 1;
    if (set->classes < 2 || !idx_load(folder, "t10k", highest + 1, &test)) {
        image_set_free(&train);
        return set->classes >= 2 ? false : complain("%s: all training images have the label 0", folder);
    }
    return take_both(&train, &test, "images in the format of MNIST (IDX), with its test part", set);
}

bool optdigits_in(const char *folder)
{
    return lines_in(folder, "optdigits.tra");
}

bool read_optdigits(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct image_set train, test;
    (void)options;
    set->classes = DIGIT_CLASSES;
    if (!optdigits_load(folder, "optdigits.tra", &train))
        return false;
    if (!optdigits_load(folder, "optdigits.tes", &test)) {
        image_set_free(&train);
        return false;
    }
    return take_both(&train, &test, "UCI optdigits, 8 x 8, with its test part: other writers", set);
}

bool draw_digits(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    size_t train_count = options->train_limit > 0 ? options->train_limit : DRAWN_TRAIN;
    size_t test_count = options->test_limit > 0 ? options->test_limit : DRAWN_TEST;
    struct image_set train, test;
    (void)folder;
    set->drawn = true;
    set->classes = DIGIT_CLASSES;
    if (!digits_draw(&train, train_count, random_derive(options->seed, PURPOSE_TRAIN_ROWS)))
        return false;
    if (!digits_draw(&test, test_count, random_derive(options->seed, PURPOSE_TEST_ROWS))) {
        image_set_free(&train);
        return false;
    }
    return take_both(&train, &test, "digits drawn here: no data set", set);
}

/* ---- sets of records ---- */

/* Packs the pixels to the front of the records and takes them over. */
static bool take_records(struct records *from, bool coarse, struct dataset_part *to)
{
    size_t size = from->labels + PIXELS;
    to->count = from->count;
    to->bytes = from->bytes;
    to->labels = malloc(to->count * sizeof *to->labels);
    for (size_t i = 0; to->labels != NULL && i < to->count; i++) {
        to->labels[i] = coarse ? from->bytes[i * size] : record_class(from, i);
        memmove(to->bytes + i * PIXELS, record_pixels(from, i), PIXELS);
    }
    return to->labels != NULL || complain("no memory for %zu labels", to->count);
}

static void describe(struct dataset *set, size_t classes, const char *story)
{
    set->classes = classes;
    set->channels = CHANNELS;
    set->height = set->width = SIDE;
    set->features = PIXELS;
    snprintf(set->story, sizeof set->story, "%s", story);
}

bool cifar10_in(const char *folder)
{
    return records_in(folder, CIFAR10_TRAIN) && records_in(folder, CIFAR10_TEST);
}

bool read_cifar10(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct records records;
    (void)options;
    describe(set, CLASSES, "CIFAR-10 with its test part");
    return records_load(&records, folder, CIFAR10_TRAIN) && take_records(&records, false, &set->train) &&
           records_load(&records, folder, CIFAR10_TEST) && take_records(&records, false, &set->test);
}

bool cifar100_in(const char *folder)
{
    return records_in(folder, CIFAR100_TRAIN) && records_in(folder, CIFAR100_TEST);
}

bool read_cifar100(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct records records;
    describe(set, options->coarse ? 20 : 100,
             options->coarse ? "CIFAR-100 with its test part, coarse labels"
                             : "CIFAR-100 with its test part, fine labels");
    return records_load(&records, folder, CIFAR100_TRAIN) &&
           take_records(&records, options->coarse, &set->train) &&
           records_load(&records, folder, CIFAR100_TEST) &&
           take_records(&records, options->coarse, &set->test);
}

bool draw_shapes(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    size_t train = options->train_limit > 0 ? options->train_limit : DRAWN_TRAIN;
    size_t test = options->test_limit > 0 ? options->test_limit : DRAWN_TEST;
    struct records records;
    (void)folder;
    set->drawn = true;
    describe(set, CLASSES, "coloured shapes drawn here: no data set");
    return shapes_draw(&records, train, random_derive(options->seed, PURPOSE_TRAIN_ROWS)) &&
           take_records(&records, false, &set->train) &&
           shapes_draw(&records, test, random_derive(options->seed, PURPOSE_TEST_ROWS)) &&
           take_records(&records, false, &set->test);
}
