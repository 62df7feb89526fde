/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

float *table_next(struct table *table)
{
    if (table->count == table->room) {
        size_t room = table->room > 0 ? 2 * table->room : 1024;
        float *values = realloc(table->values, room * table->columns * sizeof *values);
        if (values != NULL)
            table->values = values;
        int32_t *labels = realloc(table->labels, room * sizeof *labels);
        if (labels != NULL)
            table->labels = labels;
        if (values == NULL || labels == NULL) {
            complain("no memory for %zu rows", room);
            return NULL;
        }
        table->room = room;
    }
    return table->values + table->count * table->columns;
}

void table_free(struct table *table)
{
    free(table->values);
    free(table->labels);
    *table = (struct table){0};
}

bool table_cut(struct table *table, size_t first, struct dataset_part *part)
{
    size_t count = table->count - first, row = table->columns * sizeof *part->values;
    part->values = malloc(count * row);
    part->labels = malloc(count * sizeof *part->labels);
    if (part->values == NULL || part->labels == NULL)
        return complain("no memory for %zu rows", count);
    memcpy(part->values, table->values + first * table->columns, count * row);
    memcpy(part->labels, table->labels + first, count * sizeof *part->labels);
    part->count = count;
    table->count = first;
    return true;
}

void table_move(struct table *table, struct dataset_part *part)
{
    part->count = table->count;
    part->values = table->values;
    part->labels = table->labels;
    *table = (struct table){0};
}

static void swap_rows(struct table *table, size_t a, size_t b)
{
    int32_t label = table->labels[a];
    table->labels[a] = table->labels[b];
    table->labels[b] = label;
    for (size_t j = 0; j < table->columns; j++) {
        float value = table->values[a * table->columns + j];
        table->values[a * table->columns + j] = table->values[b * table->columns + j];
        table->values[b * table->columns + j] = value;
    }
}

void table_shuffle(struct table *table, uint64_t seed)
{
    struct random_stream stream = {seed};
    for (size_t i = table->count; i > 1; i--)
        swap_rows(table, i - 1, random_below(&stream, (uint32_t)i));
}

static void scale_column(size_t columns, size_t column, double mean, double deviation,
                         struct dataset_part *part)
{
    for (size_t i = 0; i < part->count; i++) {
        float *value = part->values + i * columns + column;
        *value = (float)(((double)*value - mean) / deviation);
    }
}

void table_standardise(size_t columns, size_t column, struct dataset_part *train, struct dataset_part *test)
{
    double mean = 0, squares = 0, count = (double)train->count;
    for (size_t i = 0; i < train->count; i++)
        mean += (double)train->values[i * columns + column] / count;
    for (size_t i = 0; i < train->count; i++) {
        double off = (double)train->values[i * columns + column] - mean;
        squares += off * off;
    }
    double deviation = squares > 0 ? sqrt(squares / count) : 1;
    scale_column(columns, column, mean, deviation, train);
    scale_column(columns, column, mean, deviation, test);
}
