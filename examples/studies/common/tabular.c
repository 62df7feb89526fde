/* Owns: the tables whose columns are all numbers and that have no test part of their own: UCI Letter and Wine
 * Quality. SPDX-License-Identifier: MIT */
#include "complain.h"
#include "lines.h"
#include "readers.h"
#include "table.h"

#include <stdio.h>

static bool wrong_count(const struct lines *lines, size_t found, size_t wanted)
{
    return complain("%s, line %zu: %zu columns, not %zu", lines->path, lines->number, found, wanted);
}

/* Cuts the test part off and standardises all columns but the last `flags`. */
static bool finish(struct table *table, size_t train, size_t flags, struct dataset *set)
{
    set->features = table->columns;
    if (train == 0 || train == table->count)
        return complain("%zu rows are too few to split", table->count);
    if (!table_cut(table, train, &set->test))
        return false;
    table_move(table, &set->train);
    for (size_t column = 0; column + flags < set->features; column++)
        table_standardise(set->features, column, &set->train, &set->test);
    return true;
}

/* ---- Letter ---- */

enum { LETTERS = 26, LETTER_COLUMNS = 16, LETTER_HIGHEST = 15 };

static bool read_letter_row(const struct lines *lines, struct table *table)
{
    char *fields[1 + LETTER_COLUMNS];
    float *row = table_next(table);
    size_t count = fields_of(lines->text, ',', fields, 1 + LETTER_COLUMNS);
    if (row == NULL)
        return false;
    if (count != 1 + LETTER_COLUMNS)
        return wrong_count(lines, count, 1 + LETTER_COLUMNS);
    if (fields[0][0] < 'A' || fields[0][0] > 'Z' || fields[0][1] != '\0')
        return complain("%s, line %zu: it begins with \"%.40s\", not a letter from A to Z", lines->path,
                        lines->number, fields[0]);
    for (size_t i = 0; i < LETTER_COLUMNS; i++) {
        long value;
        if (!field_whole(fields[1 + i], 0, LETTER_HIGHEST, &value))
            return complain("%s, line %zu: column %zu is \"%.40s\", not a whole number from 0 to %d",
                            lines->path, lines->number, i + 2, fields[1 + i], LETTER_HIGHEST);
        row[i] = (float)value;
    }
    table->labels[table->count++] = fields[0][0] - 'A';
    return true;
}

bool letter_in(const char *folder)
{
    return lines_in(folder, "letter-recognition.data");
}

bool read_letter(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct lines lines;
    struct table table = {.columns = LETTER_COLUMNS};
    (void)options;
    bool good = lines_open(&lines, folder, "letter-recognition.data");
    while (good && lines_next(&lines))
        good = read_letter_row(&lines, &table);
    good = lines_close(&lines, good);
    set->classes = LETTERS;
    snprintf(set->story, sizeof set->story, "UCI Letter: the first 4/5 of its rows train, the rest test");
    good = good && finish(&table, table.count / 5 * 4, 0, set);
    table_free(&table);
    return good;
}

/* ---- Wine Quality ---- */

enum { WINE_COLUMNS = 11, WINE_HIGHEST = 10000, BEST_QUALITY = 10 };

static bool read_wine_row(const struct lines *lines, float colour, struct table *table)
{
    char *fields[WINE_COLUMNS + 1];
    float *row = table_next(table);
    size_t count = fields_of(lines->text, ',', fields, WINE_COLUMNS + 1);
    long quality;
    if (row == NULL)
        return false;
    if (count != WINE_COLUMNS + 1)
        return wrong_count(lines, count, WINE_COLUMNS + 1);
    for (size_t i = 0; i < WINE_COLUMNS; i++)
        if (!field_number(fields[i], 0, WINE_HIGHEST, &row[i]))
            return complain("%s, line %zu: column %zu is \"%.40s\", not a number from 0 to %d", lines->path,
                            lines->number, i + 1, fields[i], WINE_HIGHEST);
    if (!field_whole(fields[WINE_COLUMNS], 0, BEST_QUALITY, &quality))
        return complain("%s, line %zu: the quality is \"%.40s\", not a whole number from 0 to %d",
                        lines->path, lines->number, fields[WINE_COLUMNS], BEST_QUALITY);
    if (table->columns > WINE_COLUMNS)
        row[WINE_COLUMNS] = colour;
    table->labels[table->count++] = (int32_t)quality;
    return true;
}

static bool add_wines(const char *folder, const char *name, float colour, struct table *table)
{
    struct lines lines;
    bool good = lines_open(&lines, folder, name);
    while (good && lines_next(&lines))
        good = read_wine_row(&lines, colour, table);
    return lines_close(&lines, good);
}

static const char red[] = "winequality-red.csv", white[] = "winequality-white.csv";

/* Classes are the qualities from the lowest to the highest that occur. */
static bool finish_wines(struct table *table, const char *which, const struct dataset_options *options,
                         struct dataset *set)
{
    int32_t lowest = BEST_QUALITY, highest = 0;
    for (size_t i = 0; i < table->count; i++) {
        lowest = table->labels[i] < lowest ? table->labels[i] : lowest;
        highest = table->labels[i] > highest ? table->labels[i] : highest;
    }
    if (highest <= lowest)
        return complain("the wines are all of one quality");
    for (size_t i = 0; i < table->count; i++)
        table->labels[i] -= lowest;
    set->classes = (size_t)(highest - lowest) + 1;
    snprintf(set->story, sizeof set->story,
             "UCI Wine Quality, %s: qualities %d to %d are the classes; a random fifth tests (seed %llu)",
             which, (int)lowest, (int)highest, (unsigned long long)options->seed);
    table_shuffle(table, random_derive(options->seed, PURPOSE_SPLIT));
    return finish(table, table->count - table->count / 5, table->columns - WINE_COLUMNS, set);
}

bool wine_red_in(const char *folder)
{
    return lines_in(folder, red);
}

bool wine_white_in(const char *folder)
{
    return lines_in(folder, white);
}

bool wine_both_in(const char *folder)
{
    return wine_red_in(folder) && wine_white_in(folder);
}

bool read_wine_red(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct table table = {.columns = WINE_COLUMNS};
    bool good = add_wines(folder, red, 0, &table) && finish_wines(&table, "red", options, set);
    table_free(&table);
    return good;
}

bool read_wine_white(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct table table = {.columns = WINE_COLUMNS};
    bool good = add_wines(folder, white, 0, &table) && finish_wines(&table, "white", options, set);
    table_free(&table);
    return good;
}

bool read_wine_both(const char *folder, const struct dataset_options *options, struct dataset *set)
{
    struct table table = {.columns = WINE_COLUMNS + 1};
    bool good = add_wines(folder, red, 0, &table) && add_wines(folder, white, 1, &table) &&
                finish_wines(&table, "red and white", options, set);
    table_free(&table);
    return good;
}
