/* Lines of a name and values; numbers that are no integers are hexadecimal, which says them exactly.
 *
 * SPDX-License-Identifier: MIT
 */
#include "run_text.h"

#include "complain.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

struct writer {
    char *text;
    size_t used, capacity;
    bool failed;
};

static bool grow(struct writer *writer, size_t more)
{
    size_t capacity = writer->capacity > 0 ? writer->capacity : 4096;
    while (capacity < writer->used + more)
        capacity *= 2;
    char *grown = realloc(writer->text, capacity);
    if (grown == NULL)
        return false;
    writer->text = grown;
    writer->capacity = capacity;
    return true;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
put(struct writer *writer, const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    size_t length = (size_t)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (writer->failed || (writer->used + length + 1 > writer->capacity && !grow(writer, length + 1))) {
        writer->failed = true;
        return;
    }
    memcpy(writer->text + writer->used, line, length + 1);
    writer->used += length;
}

static void put_numbers(struct writer *writer, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(writer, " %a", values[i]);
}

size_t run_text_epoch(size_t depth)
{
    enum { WORD = 32, NUMBER = sizeof " -0x1.0123456789abcp+1023" };
    return WORD + (4 + 2 * depth) * NUMBER;
}

static void put_epoch(struct writer *writer, const struct epoch *epoch)
{
    put(writer, "epoch %zu %a %a %a %a", epoch->depth, epoch->last, epoch->sum, epoch->seconds,
        epoch->samples_per_second);
    put_numbers(writer, epoch->loss, epoch->depth);
    put_numbers(writer, epoch->accuracy, epoch->depth);
    put(writer, "\n");
}

char *run_text_write(const struct run_state *state)
{
    struct writer writer = {0};
    put(&writer, "run 1\nposition %llu %llu %llu\n", (unsigned long long)state->position,
        (unsigned long long)state->step, (unsigned long long)state->augmenting);
    put(&writer, "clock %a %a %a %a %a %a\n", state->seconds, state->elapsed, state->learning, state->judging,
        state->share, state->epochs);
    put(&writer, "best %zu %a\nlosses", state->keep.best_epoch, state->keep.best);
    put_numbers(&writer, state->losses, SIZE_LIST_CAPACITY);
    put(&writer, "\nepochs %zu\n", state->history.count);
    for (size_t i = 0; i < state->history.count; i++)
        put_epoch(&writer, &state->history.epochs[i]);
    if (!writer.failed)
        return writer.text;
    free(writer.text);
    complain("no memory for the state of the run");
    return NULL;
}

/* ---- reading: each function moves `at` behind what it has read ---- */

static bool take(const char **at, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static bool take_whole(const char **at, uint64_t *value)
{
    char *end;
    if (!take(at, " ") || !isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0;
}

static bool take_size(const char **at, size_t *value)
{
    uint64_t whole;
    if (!take_whole(at, &whole) || whole > SIZE_MAX)
        return false;
    *value = (size_t)whole;
    return true;
}

static bool take_numbers(const char **at, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *end;
        if (!take(at, " ") || isspace((unsigned char)**at))
            return false;
        values[i] = strtod(*at, &end);
        if (end == *at)
            return false;
        *at = end;
    }
    return true;
}

static bool take_epoch(const char **at, struct history *history)
{
    double values[4];
    size_t depth;
    if (!take(at, "epoch") || !take_size(at, &depth) || depth > SIZE_LIST_CAPACITY ||
        !take_numbers(at, values, 4))
        return false;
    struct epoch epoch = epoch_blank(depth);
    epoch.last = values[0];
    epoch.sum = values[1];
    epoch.seconds = values[2];
    epoch.samples_per_second = values[3];
    return take_numbers(at, epoch.loss, depth) && take_numbers(at, epoch.accuracy, depth) && take(at, "\n") &&
           history_add(history, &epoch);
}

static bool take_place(const char **at, struct run_state *state)
{
    double clock[6];
    if (!take(at, "run 1\nposition") || !take_whole(at, &state->position) || !take_whole(at, &state->step) ||
        !take_whole(at, &state->augmenting) || !take(at, "\nclock") || !take_numbers(at, clock, 6) ||
        !take(at, "\nbest") || !take_size(at, &state->keep.best_epoch) ||
        !take_numbers(at, &state->keep.best, 1) || !take(at, "\nlosses") ||
        !take_numbers(at, state->losses, SIZE_LIST_CAPACITY))
        return false;
    state->seconds = clock[0];
    state->elapsed = clock[1];
    state->learning = clock[2];
    state->judging = clock[3];
    state->share = clock[4];
    state->epochs = clock[5];
    return true;
}

bool run_text_read(const char *text, struct run_state *state)
{
    struct run_state read = *state;
    size_t epochs = 0;
    bool good =
        take_place(&text, &read) && take(&text, "\nepochs") && take_size(&text, &epochs) && take(&text, "\n");
    while (good && read.history.count < epochs)
        good = take_epoch(&text, &read.history);
    if (!good || *text != '\0') {
        history_free(&read.history);
        return false;
    }
    *state = read;
    return true;
}
