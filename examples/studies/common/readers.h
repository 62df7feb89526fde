/* readers: what the table of data sets is made of. For every set there is a function that tells whether its
 * files are in a folder, and one that reads them: it fills all of a set but its name and limits, or prints
 * one line and returns false, leaving what there is for dataset_free().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_READERS_H
#define STUDIES_READERS_H

#include "datasets.h"

/* The purposes of the seed in the options. */
enum { PURPOSE_SPLIT = 1, PURPOSE_HOLD_OUT, PURPOSE_TRAIN_ROWS, PURPOSE_TEST_ROWS };

typedef bool dataset_in(const char *folder);
typedef bool dataset_reader(const char *folder, const struct dataset_options *options, struct dataset *set);

dataset_in idx_in, cifar10_in, cifar100_in, optdigits_in;
dataset_reader read_idx, read_cifar10, read_cifar100, read_optdigits, draw_digits, draw_shapes;

dataset_in adult_in, letter_in, wine_red_in, wine_white_in, wine_both_in;
dataset_reader read_adult, read_letter, read_wine_red, read_wine_white, read_wine_both;

dataset_in polarity_in, imdb_in;
dataset_reader read_polarity, read_imdb;

#endif
