/* SPDX-License-Identifier: MIT */
#include "optdigits.h"

#include "complain.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIXELS = OPTDIGITS_SIDE * OPTDIGITS_SIDE, LONGEST_PATH = 4096, LONGEST_LINE = 1024 };

/* A set that doubles as lines come in, and where the reader is. */
struct reader {
    gzFile stream;
    char path[LONGEST_PATH];
    size_t line;
    size_t room;
    struct image_set *set;
};

static bool reader_open(struct reader *reader, const char *folder, const char *name)
{
    static const char *const endings[] = {"", ".gz"};
    for (size_t i = 0; i < 2; i++) {
        int length = snprintf(reader->path, LONGEST_PATH, "%s/%s%s", folder, name, endings[i]);
        if (length < 0 || length >= LONGEST_PATH)
            return complain("the name of the data folder is too long");
        errno = 0;
        reader->stream = gzopen(reader->path, "rb");
        if (reader->stream != NULL)
            return true;
    }
    return complain("cannot open %s/%s or the same with .gz: %s", folder, name,
                    strerror(errno != 0 ? errno : ENOENT));
}

static bool make_room(struct reader *reader)
{
    struct image_set *set = reader->set;
    if (set->count < reader->room)
        return true;
    size_t room = reader->room > 0 ? 2 * reader->room : 1024;
    uint8_t *pixels = realloc(set->pixels, room * PIXELS);
    if (pixels != NULL)
        set->pixels = pixels;
    uint8_t *labels = realloc(set->labels, room);
    if (labels != NULL)
        set->labels = labels;
    if (pixels == NULL || labels == NULL)
        return complain("no memory for %s", reader->path);
    reader->room = room;
    return true;
}

/* A number from 0 to `highest` and the character behind it. */
static bool read_number(const char **text, long highest, char behind, uint8_t *value)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return false;
    long number = strtol(*text, &end, 10);
    if (number > highest || *end != behind)
        return false;
    *value = (uint8_t)number;
    *text = end + 1;
    return true;
}

static bool read_image(struct reader *reader, const char *text)
{
    if (!make_room(reader))
        return false;
    struct image_set *set = reader->set;
    uint8_t *pixels = set->pixels + set->count * PIXELS;
    for (size_t i = 0; i < PIXELS; i++)
        if (!read_number(&text, OPTDIGITS_INK, ',', &pixels[i]))
            return complain(
                "%s, line %zu: value %zu is not a whole number from 0 to %d with a comma behind it",
                reader->path, reader->line, i + 1, OPTDIGITS_INK);
    if (!read_number(&text, DIGIT_CLASSES - 1, '\0', &set->labels[set->count]))
        return complain("%s, line %zu: it does not end with a digit from 0 to 9", reader->path, reader->line);
    set->count++;
    return true;
}

static bool read_lines(struct reader *reader)
{
    char text[LONGEST_LINE];
    int code;
    while (gzgets(reader->stream, text, LONGEST_LINE) != NULL) {
        reader->line++;
        text[strcspn(text, "\r\n")] = '\0';
        if (text[0] != '\0' && !read_image(reader, text))
            return false;
    }
    const char *trouble = gzerror(reader->stream, &code);
    if (code != Z_OK && code != Z_STREAM_END)
        return complain("cannot read %s", code == Z_ERRNO ? strerror(errno) : trouble);
    return reader->set->count > 0 || complain("%s is empty", reader->path);
}

bool optdigits_load(const char *folder, const char *name, struct image_set *set)
{
    struct reader reader = {.set = set};
    *set = (struct image_set){.rows = OPTDIGITS_SIDE, .columns = OPTDIGITS_SIDE};
    if (!reader_open(&reader, folder, name))
        return false;
    bool good = read_lines(&reader);
    /* A file that ends too early shows here at the latest. */
    if (gzclose(reader.stream) != Z_OK && good)
        good = complain("%s is truncated", reader.path);
    if (!good)
        image_set_free(set);
    return good;
}
