/* SPDX-License-Identifier: MIT */
#include "words.h"

#include "complain.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325), hash_prime = UINT64_C(0x100000001b3);

static bool grow(void **block, size_t *room, size_t needed, size_t size)
{
    size_t more = *room > 0 ? *room : 1024;
    while (more < needed)
        more *= 2;
    void *grown = realloc(*block, more * size);
    if (grown == NULL)
        return complain("no memory for the words of the texts");
    *block = grown;
    *room = more;
    return true;
}

/* Room for one row more, with up to `words` columns. */
static bool make_room(struct word_rows *rows, size_t words)
{
    size_t room = rows->room, capacity = rows->capacity;
    if (rows->count + 2 > room) {
        if (!grow((void **)&rows->rows.starts, &room, rows->count + 2, sizeof *rows->rows.starts))
            return false;
        room = rows->room;
        if (!grow((void **)&rows->labels, &room, rows->count + 2, sizeof *rows->labels))
            return false;
        rows->room = room;
    }
    if (rows->filled + words > capacity) {
        if (!grow((void **)&rows->rows.columns, &capacity, rows->filled + words, sizeof *rows->rows.columns))
            return false;
        capacity = rows->capacity;
        if (!grow((void **)&rows->rows.values, &capacity, rows->filled + words, sizeof *rows->rows.values))
            return false;
        rows->capacity = capacity;
    }
    return true;
}

static bool in_word(unsigned char byte)
{
    return byte >= 128 || isalnum(byte) || byte == '\'';
}

/* The next word as a hash; `before`, the hash of the one before, becomes that of the pair. NULL at the end.
 */
static const char *next_word(const char *text, uint64_t *word, uint64_t *pair)
{
    uint64_t hash = hash_start, both = *word;
    while (*text != '\0' && !in_word((unsigned char)*text)) {
        const char *end = *text == '<' ? strchr(text, '>') : NULL;
        text = end != NULL && end - text < 8 ? end + 1 : text + 1;
    }
    if (*text == '\0')
        return NULL;
    both = (both ^ ' ') * hash_prime;
    for (; in_word((unsigned char)*text); text++) {
        uint64_t byte = (uint64_t)tolower((unsigned char)*text);
        hash = (hash ^ byte) * hash_prime;
        both = (both ^ byte) * hash_prime;
    }
    *word = hash;
    *pair = both;
    return text;
}

/* The upper half is mixed in: the lowest bits of FNV-1a alone are weak. */
static uint32_t column_of(uint64_t hash, size_t columns)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((hash >> 32) & (columns - 1));
}

static int compare(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* Equal columns become one with a count. Returns how many are left. */
static size_t count_columns(size_t count, uint32_t *columns, float *values)
{
    size_t kept = 0;
    qsort(columns, count, sizeof *columns, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && columns[kept - 1] == columns[i]) {
            values[kept - 1]++;
            continue;
        }
        columns[kept] = columns[i];
        values[kept++] = 1;
    }
    return kept;
}

bool words_add(struct word_rows *rows, const char *text, size_t columns, int32_t label)
{
    uint64_t word = 0, pair;
    size_t count = 0;
    if (!make_room(rows, strlen(text) + 1))
        return false;
    uint32_t *to = rows->rows.columns + rows->filled;
    for (size_t words = 0; (text = next_word(text, &word, &pair)) != NULL; words++) {
        to[count++] = column_of(word, columns);
        if (words > 0)
            to[count++] = column_of(pair, columns);
    }
    if (rows->count == 0)
        rows->rows.starts[0] = 0;
    rows->filled += count_columns(count, to, rows->rows.values + rows->filled);
    rows->labels[rows->count++] = label;
    rows->rows.starts[rows->count] = rows->filled;
    return true;
}

static void sparse_free(struct sparse_rows *rows)
{
    free(rows->starts);
    free(rows->columns);
    free(rows->values);
}

void words_free(struct word_rows *rows)
{
    sparse_free(&rows->rows);
    free(rows->labels);
    *rows = (struct word_rows){0};
}

bool words_take(const struct word_rows *from, const uint32_t *order, size_t count, struct dataset_part *to)
{
    const struct sparse_rows *rows = &from->rows;
    struct sparse_rows *taken = &to->sparse;
    size_t filled = 0;
    for (size_t i = 0; i < count; i++)
        filled += rows->starts[order[i] + 1] - rows->starts[order[i]];
    taken->starts = malloc((count + 1) * sizeof *taken->starts);
    taken->columns = malloc((filled + 1) * sizeof *taken->columns);
    taken->values = malloc((filled + 1) * sizeof *taken->values);
    to->labels = malloc((count + 1) * sizeof *to->labels);
    if (taken->starts == NULL || taken->columns == NULL || taken->values == NULL || to->labels == NULL)
        return complain("no memory for %zu texts", count);
    to->count = count;
    taken->starts[0] = 0;
    for (size_t i = 0; i < count; i++) {
        size_t first = rows->starts[order[i]], size = rows->starts[order[i] + 1] - first;
        memcpy(taken->columns + taken->starts[i], rows->columns + first, size * sizeof *taken->columns);
        memcpy(taken->values + taken->starts[i], rows->values + first, size * sizeof *taken->values);
        taken->starts[i + 1] = taken->starts[i] + size;
        to->labels[i] = from->labels[order[i]];
    }
    return true;
}

static void weigh_row(const struct sparse_rows *rows, size_t index, size_t columns, const double *weights)
{
    double squares = 0;
    for (size_t at = rows->starts[index]; at < rows->starts[index + 1]; at++) {
        double value = (1 + log((double)rows->values[at])) * weights[rows->columns[at]];
        rows->values[at] = (float)value;
        squares += value * value;
    }
    float scale = squares > 0 ? (float)sqrt((double)columns / squares) : 1;
    for (size_t at = rows->starts[index]; at < rows->starts[index + 1]; at++)
        rows->values[at] *= scale;
}

bool words_weigh(size_t columns, struct dataset_part *train, struct dataset_part *test)
{
    double *weights = calloc(columns, sizeof *weights);
    if (weights == NULL)
        return complain("no memory for %zu columns", columns);
    for (size_t at = 0; at < train->sparse.starts[train->count]; at++)
        weights[train->sparse.columns[at]]++;
    for (size_t column = 0; column < columns; column++)
        weights[column] = 1 + log((1 + (double)train->count) / (1 + weights[column]));
    for (size_t i = 0; i < train->count; i++)
        weigh_row(&train->sparse, i, columns, weights);
    for (size_t i = 0; i < test->count; i++)
        weigh_row(&test->sparse, i, columns, weights);
    free(weights);
    return true;
}
