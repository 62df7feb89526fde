/* SPDX-License-Identifier: MIT */
#include "data.h"

#include "complain.h"
#include "digits.h"
#include "formats.h"
#include "idx.h"
#include "optdigits.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>

enum { DRAWN_TRAIN = 20000, DRAWN_TEST = 4000, QUICK_TEST = 1000, LONGEST_PATH = 4096 };

enum { PURPOSE_LARGE = 1, PURPOSE_STRETCHED, PURPOSE_TEST };

static const float most_ink_large = 255, most_ink = 2;

static bool folder_of(const char *data, const char *part, char *path)
{
    int length = snprintf(path, LONGEST_PATH, "%s/%s", data, part);
    return (length >= 0 && length < LONGEST_PATH) || complain("the name of the data folder is too long");
}

static bool read_all(struct data *data, const char *folder)
{
    char mnist[LONGEST_PATH], tabular[LONGEST_PATH];
    struct domain *small = &data->small[1];
    data->large.name = data->small[0].name = "mnist";
    small->name = "optdigits";
    data->large_story = "MNIST, 28 x 28";
    data->small_story = "MNIST in the format of optdigits, and optdigits";
    return folder_of(folder, "mnist", mnist) && folder_of(folder, "tabular", tabular) &&
           idx_load(mnist, "train", DIGIT_CLASSES, &data->large.train) &&
           idx_load(mnist, "t10k", DIGIT_CLASSES, &data->large.test) &&
           optdigits_load(tabular, "optdigits.tra", &small->train) &&
           optdigits_load(tabular, "optdigits.tes", &small->test);
}

/* Other writers for the second set, and its images made in another way. */
static bool draw_all(struct data *data, const struct settings *settings)
{
    size_t train = settings->limit > 0 && settings->limit < DRAWN_TRAIN ? settings->limit : DRAWN_TRAIN;
    size_t test = settings->quick ? QUICK_TEST : DRAWN_TEST;
    uint64_t seeds[2] = {random_derive(settings->seed, PURPOSE_LARGE),
                         random_derive(settings->seed, PURPOSE_STRETCHED)};
    data->drawn = true;
    data->large.name = data->small[0].name = "drawn";
    data->small[1].name = "drawn-stretched";
    data->large_story = "drawn digits, 28 x 28 (no data: see --data)";
    data->small_story =
        "drawn digits averaged to 8 x 8, and others stretched to fill 8 x 8 (no data: see --data)";
    struct image_set raw = {0};
    bool good = digits_draw(&data->large.train, train, seeds[0]) &&
                digits_draw(&data->large.test, test, random_derive(seeds[0], PURPOSE_TEST)) &&
                digits_draw(&raw, train, seeds[1]) && format_stretch(&raw, &data->small[1].train);
    image_set_free(&raw);
    good = good && digits_draw(&raw, test, random_derive(seeds[1], PURPOSE_TEST)) &&
           format_stretch(&raw, &data->small[1].test);
    image_set_free(&raw);
    return good;
}

static bool fits(const struct domain *domain)
{
    return (domain->train.rows == domain->test.rows && domain->train.columns == domain->test.columns) ||
           complain("test images of %zu x %zu pixels do not go with training images of %zu x %zu",
                    domain->test.rows, domain->test.columns, domain->train.rows, domain->train.columns);
}

bool data_open(struct data *data, const struct settings *settings)
{
    size_t cell = settings->format == FORMAT_PAD ? 4 : 3;
    struct domain *large = &data->large;
    if (!(settings->data != NULL ? read_all(data, settings->data) : draw_all(data, settings)) || !fits(large))
        return false;
    if (settings->limit > 0) {
        struct image_set *sets[] = {&large->train, &data->small[1].train};
        for (size_t i = 0; i < 2; i++)
            if (sets[i]->count > settings->limit)
                sets[i]->count = settings->limit;
    }
    large->scale = most_ink / most_ink_large;
    data->small[0].scale = data->small[1].scale = most_ink / OPTDIGITS_INK;
    return format_average(&large->train, cell, &data->small[0].train) &&
           format_average(&large->test, cell, &data->small[0].test);
}

static void domain_free(struct domain *domain)
{
    image_set_free(&domain->train);
    image_set_free(&domain->test);
}

void data_free(struct data *data)
{
    domain_free(&data->large);
    domain_free(&data->small[0]);
    domain_free(&data->small[1]);
}

size_t domain_inputs(const struct domain *domain)
{
    return domain->train.rows * domain->train.columns;
}

bool choice_open(struct choice *choice, const struct domain *domain, size_t count, size_t classes,
                 uint64_t seed)
{
    const struct image_set *set = &domain->train;
    struct random_stream stream = {seed};
    size_t found = 0;
    *choice = (struct choice){.domain = domain, .order = malloc(set->count * sizeof *choice->order)};
    if (choice->order == NULL)
        return complain("no memory for the order of the images");
    for (size_t i = 0; i < set->count; i++)
        if (set->labels[i] < classes)
            choice->order[found++] = (uint32_t)i;
    random_shuffle(&stream, choice->order, found);
    choice->count = count > 0 && count < found ? count : found;
    return choice->count > 0 || complain("%s has no digits below %zu", domain->name, classes);
}

void choice_free(struct choice *choice)
{
    free(choice->order);
    *choice = (struct choice){0};
}

void images_to_inputs(const struct image_set *set, float scale, const uint32_t *order, size_t first,
                      size_t count, float *inputs, int32_t *labels)
{
    size_t size = set->rows * set->columns;
    for (size_t i = 0; i < count; i++) {
        size_t index = order != NULL ? order[first + i] : first + i;
        const uint8_t *pixels = image_pixels(set, index);
        for (size_t j = 0; j < size; j++)
            inputs[i * size + j] = scale * (float)pixels[j];
        labels[i] = set->labels[index];
    }
}
