/* table: rows of numbers that grow as lines come in, and become a part of a data set.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_TABLE_H
#define STUDIES_TABLE_H

#include "dataset.h"

struct table {
    size_t columns, count, room;
    float *values;   /* [room, columns] */
    int32_t *labels; /* [room] */
};

/* Room for one more row, which table->count then counts; NULL, after a line on stderr, without memory. */
float *table_next(struct table *table);

void table_free(struct table *table);

/* The rows from `first` on become `part`, and those before stay. */
bool table_cut(struct table *table, size_t first, struct dataset_part *part);

/* All rows become `part`. */
void table_move(struct table *table, struct dataset_part *part);

/* Puts the rows in an order that the seed decides. */
void table_shuffle(struct table *table, uint64_t seed);

/* Every column: minus its mean, by its deviation, both of the training rows. */
void table_standardise(size_t columns, size_t column, struct dataset_part *train, struct dataset_part *test);

#endif
