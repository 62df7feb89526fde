/* Owns: data sets of reviews: how their files become bags of words. SPDX-License-Identifier: MIT */
#include "complain.h"
#include "lines.h"
#include "readers.h"
#include "words.h"

#include <stdio.h>
#include <stdlib.h>

enum { USUAL_COLUMNS = 4096, FEWEST_COLUMNS = 256, MOST_COLUMNS = 1 << 20, FOLDS = 10 };

static bool choose_columns(const struct dataset_options *options, struct dataset *set)
{
    size_t columns = options->columns > 0 ? options->columns : USUAL_COLUMNS;
    set->features = columns;
    set->classes = 2;
    return (columns >= FEWEST_COLUMNS && columns <= MOST_COLUMNS && (columns & (columns - 1)) == 0) ||
           complain("%zu columns: a power of two from %d to %d is possible", columns, FEWEST_COLUMNS,
                    MOST_COLUMNS);
}

static uint32_t *ascending(size_t count)
{
    uint32_t *order = malloc((count + 1) * sizeof *order);
    for (size_t i = 0; order != NULL && i < count; i++)
        order[i] = (uint32_t)i;
    if (order == NULL)
        complain("no memory for the order of %zu texts", count);
    return order;
}

/* ---- rt-polarity ---- */

static bool add_sentences(const char *folder, const char *name, int32_t label, size_t columns,
                          struct word_rows *rows)
{
    struct lines lines;
    bool good = lines_open(&lines, folder, name);
    while (good && lines_next(&lines))
        good = words_add(rows, lines.text, columns, label);
    return lines_close(&lines, good);
}

/* The fold is moved behind the rows to learn from. */
static bool split_fold(const struct word_rows *rows, const struct dataset_options *options,
                       struct dataset *set)
{
    struct random_stream stream = {random_derive(options->seed, PURPOSE_SPLIT)};
    size_t first = rows->count * options->fold / FOLDS, end = rows->count * (options->fold + 1) / FOLDS;
    size_t test = end - first, train = rows->count - test, kept = 0;
    uint32_t *order = ascending(rows->count), *learned = ascending(rows->count);
    bool good = order != NULL && learned != NULL;
    if (good && (test == 0 || train == 0))
        good = complain("%zu sentences are too few to split", rows->count);
    if (good) {
        random_shuffle(&stream, order, rows->count);
        for (size_t i = 0; i < rows->count; i++)
            if (i < first || i >= end)
                learned[kept++] = order[i];
        good = words_take(rows, learned, train, &set->train) &&
               words_take(rows, order + first, test, &set->test);
    }
    free(order);
    free(learned);
    return good;
}

bool polarity_in(const char *folder)
{
    return lines_in(folder, "rt-polarity.pos") && lines_in(folder, "rt-polarity.neg");
}

bool read_polarity(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct word_rows rows = {0};
    if (!choose_columns(options, set))
        return false;
    if (options->fold >= FOLDS)
        return complain("fold %zu: 0 to %d are possible", options->fold, FOLDS - 1);
    snprintf(set->story, sizeof set->story,
             "rt-polarity: fold %zu of %d of the order of seed %llu tests; words and pairs in %zu columns",
             options->fold, FOLDS, (unsigned long long)options->seed, set->features);
    bool good = add_sentences(folder, "rt-polarity.neg", 0, set->features, &rows) &&
                add_sentences(folder, "rt-polarity.pos", 1, set->features, &rows) &&
                split_fold(&rows, options, set) && words_weigh(set->features, &set->train, &set->test);
    words_free(&rows);
    return good;
}

/* ---- IMDb ---- */

static bool add_review(const struct lines *lines, size_t columns, struct word_rows *rows)
{
    char *fields[4];
    long label, stars, number;
    size_t count = fields_of(lines->text, '\t', fields, 4);
    if (count != 4)
        return complain("%s, line %zu: %zu fields, not 4", lines->path, lines->number, count);
    if (!field_whole(fields[0], 0, 1, &label))
        return complain("%s, line %zu: the label is \"%.40s\", not 0 or 1", lines->path, lines->number,
                        fields[0]);
    if (!field_whole(fields[1], 1, 10, &stars) || (label == 1 ? stars < 7 : stars > 4))
        return complain("%s, line %zu: \"%.40s\" stars do not go with the label %ld", lines->path,
                        lines->number, fields[1], label);
    if (!field_whole(fields[2], 0, 1000000, &number) || fields[3][0] == '\0')
        return complain("%s, line %zu: no number of a review, or no text", lines->path, lines->number);
    return words_add(rows, fields[3], columns, (int32_t)label);
}

static bool read_reviews(const char *folder, const char *name, size_t columns, struct dataset_part *part)
{
    struct lines lines;
    struct word_rows rows = {0};
    bool good = lines_open(&lines, folder, name);
    while (good && lines_next(&lines))
        good = add_review(&lines, columns, &rows);
    good = lines_close(&lines, good);
    if (good && rows.count == 0)
        good = complain("%s is empty", lines.path);
    uint32_t *order = good ? ascending(rows.count) : NULL;
    good = order != NULL && words_take(&rows, order, rows.count, part);
    free(order);
    words_free(&rows);
    return good;
}

static const char train_name[] = "train_subset10000.tsv", test_name[] = "test_subset5000.tsv";

bool imdb_in(const char *folder)
{
    return lines_in(folder, train_name) && lines_in(folder, test_name);
}

bool read_imdb(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    if (!choose_columns(options, set))
        return false;
    snprintf(set->story, sizeof set->story, "IMDb, a subset of its two parts; words and pairs in %zu columns",
             set->features);
    return read_reviews(folder, train_name, set->features, &set->train) &&
           read_reviews(folder, test_name, set->features, &set->test) &&
           words_weigh(set->features, &set->train, &set->test);
}
