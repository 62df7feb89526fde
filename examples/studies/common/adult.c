/* Owns: UCI Adult: whether someone earns more than 50,000 dollars a year.
 *
 * Six columns are numbers. The other eight become a column for each category that occurs in the training
 * part, in the order in which they first do; "?", which stands for an unknown value, is a category like
 * others, since who leaves a field out is not like everyone. A category that only the test part has is 0 in
 * all of them.
 *
 * SPDX-License-Identifier: MIT */
#include "complain.h"
#include "lines.h"
#include "readers.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 14, MOST_CATEGORIES = 64, LONGEST_CATEGORY = 32, MOST_NUMBER = 10000000 };

static const bool is_number[COLUMNS] = {
    [0] = true, [2] = true, [4] = true, [10] = true, [11] = true, [12] = true};

struct categories {
    size_t count;
    char names[MOST_CATEGORIES][LONGEST_CATEGORY];
};

/* What one part is read into: a row holds numbers, and the numbers of categories, -1 for one that is new. */
struct reading {
    struct lines lines;
    struct table table;
    struct categories *categories; /* [COLUMNS] */
    bool test;
};

static bool find_category(struct reading *reading, size_t column, const char *name, float *found)
{
    struct categories *known = &reading->categories[column];
    size_t i = 0;
    while (i < known->count && strcmp(known->names[i], name) != 0)
        i++;
    *found = i < known->count ? (float)i : -1;
    if (i < known->count || reading->test)
        return true;
    if (i == MOST_CATEGORIES || name[0] == '\0' || strlen(name) >= LONGEST_CATEGORY)
        return complain("%s, line %zu: column %zu: \"%.40s\" is no category, or one too many",
                        reading->lines.path, reading->lines.number, column + 1, name);
    strcpy(known->names[known->count++], name);
    *found = (float)i;
    return true;
}

/* Test labels end with a full stop in UCI's file, and without in some copies. */
static bool read_label(const struct reading *reading, char *text, int32_t *label)
{
    size_t length = strlen(text);
    if (reading->test && length > 0 && text[length - 1] == '.')
        text[length - 1] = '\0';
    *label = strcmp(text, ">50K") == 0;
    return *label == 1 || strcmp(text, "<=50K") == 0 ||
           complain("%s, line %zu: the last column is \"%.40s\", not <=50K or >50K", reading->lines.path,
                    reading->lines.number, text);
}

static bool read_row(struct reading *reading)
{
    const struct lines *lines = &reading->lines;
    char *fields[COLUMNS + 1];
    float *row = table_next(&reading->table);
    size_t count = fields_of(lines->text, ',', fields, COLUMNS + 1);
    if (row == NULL)
        return false;
    if (count != COLUMNS + 1)
        return complain("%s, line %zu: %zu columns, not %d", lines->path, lines->number, count, COLUMNS + 1);
    for (size_t i = 0; i < COLUMNS; i++)
        if (is_number[i] ? !field_number(fields[i], 0, MOST_NUMBER, &row[i])
                         : !find_category(reading, i, fields[i], &row[i]))
            return !is_number[i]
                       ? false
                       : complain("%s, line %zu: column %zu is \"%.40s\", not a number from 0 to %d",
                                  lines->path, lines->number, i + 1, fields[i], MOST_NUMBER);
    return read_label(reading, fields[COLUMNS], &reading->table.labels[reading->table.count++]);
}

static bool read_part(const char *folder, const char *name, struct categories *categories, bool test,
                      struct reading *reading)
{
    *reading = (struct reading){.table.columns = COLUMNS, .categories = categories, .test = test};
    bool good = lines_open(&reading->lines, folder, name);
    while (good && lines_next(&reading->lines)) {
        /* The test part begins with "|1x3 Cross validator". */
        if (test && reading->lines.number == 1 && reading->lines.text[0] == '|')
            continue;
        good = read_row(reading);
    }
    good = lines_close(&reading->lines, good);
    return good && (reading->table.count > 0 || complain("%s holds no rows", reading->lines.path));
}

static bool spread(const struct table *from, const struct categories *categories, size_t features,
                   struct dataset_part *to)
{
    to->values = calloc(from->count, features * sizeof *to->values);
    to->labels = malloc(from->count * sizeof *to->labels);
    if (to->values == NULL || to->labels == NULL)
        return complain("no memory for %zu rows", from->count);
    to->count = from->count;
    memcpy(to->labels, from->labels, from->count * sizeof *to->labels);
    for (size_t i = 0; i < from->count; i++) {
        const float *row = from->values + i * COLUMNS;
        float *at = to->values + i * features;
        for (size_t j = 0; j < COLUMNS; j++) {
            if (is_number[j])
                at[0] = row[j];
            else if (row[j] >= 0)
                at[(size_t)row[j]] = 1;
            at += is_number[j] ? 1 : categories[j].count;
        }
    }
    return true;
}

bool adult_in(const char *folder)
{
    return lines_in(folder, "adult.data");
}

bool read_adult(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct categories *categories = calloc(COLUMNS, sizeof *categories);
    struct reading train = {.test = false}, test = {.test = true};
    (void)options;
    bool good = (categories != NULL || complain("no memory for the categories")) &&
                read_part(folder, "adult.data", categories, false, &train) &&
                read_part(folder, "adult.test", categories, true, &test);
    set->classes = 2;
    for (size_t i = 0; good && i < COLUMNS; i++)
        set->features += is_number[i] ? 1 : categories[i].count;
    good = good && spread(&train.table, categories, set->features, &set->train) &&
           spread(&test.table, categories, set->features, &set->test);
    for (size_t i = 0, column = 0; good && i < COLUMNS; column += is_number[i] ? 1 : categories[i].count, i++)
        if (is_number[i])
            table_standardise(set->features, column, &set->train, &set->test);
    snprintf(set->story, sizeof set->story, "UCI Adult with its test part: 6 numbers and %zu categories",
             set->features > 6 ? set->features - 6 : 0);
    free(categories);
    table_free(&train.table);
    table_free(&test.table);
    return good;
}
