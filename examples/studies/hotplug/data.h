/* data: the sets of digits: large ones for depth, and two of one format for layers that move between them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_DATA_H
#define HOTPLUG_DATA_H

#include "images.h"
#include "settings.h"

#include <stdbool.h>

/* Images to learn from and to be judged by. Inputs are pixels times `scale`: no ink is 0, all of it 2. */
struct domain {
    const char *name;
    struct image_set train;
    struct image_set test;
    float scale;
};

/* Some images of a set. */
struct choice {
    const struct domain *domain;
    uint32_t *order; /* [count]; NULL: nothing is chosen */
    size_t count;
};

struct data {
    bool drawn;
    const char *large_story; /* where the images come from, for people */
    const char *small_story;
    struct domain large;    /* 28 x 28 */
    struct domain small[2]; /* 8 x 8, 0 to 16 */
};

/* On failure prints one line and returns false; data_free() takes what there is. */
bool data_open(struct data *data, const struct settings *settings);
void data_free(struct data *data);

size_t domain_inputs(const struct domain *domain);

/* Chooses `count` training images (0: all) with labels below `classes`, at random. With one seed, smaller
 * choices are part of larger ones. */
bool choice_open(struct choice *choice, const struct domain *domain, size_t count, size_t classes,
                 uint64_t seed);
void choice_free(struct choice *choice);

/* Writes `count` images as rows of inputs; `order` NULL: those from `first` on. */
void images_to_inputs(const struct image_set *set, float scale, const uint32_t *order, size_t first,
                      size_t count, float *inputs, int32_t *labels);

#endif
