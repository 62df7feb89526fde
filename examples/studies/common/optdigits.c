/* SPDX-License-Identifier: MIT */
#include "optdigits.h"

#include "complain.h"
#include "lines.h"

#include <stdlib.h>

enum { PIXELS = OPTDIGITS_SIDE * OPTDIGITS_SIDE };

/* The set doubles as lines come in. */
static bool make_room(struct image_set *set, size_t *room, const char *path)
{
    if (set->count < *room)
        return true;
    size_t more = *room > 0 ? 2 * *room : 1024;
    uint8_t *pixels = realloc(set->pixels, more * PIXELS);
    if (pixels != NULL)
        set->pixels = pixels;
    uint8_t *labels = realloc(set->labels, more);
    if (labels != NULL)
        set->labels = labels;
    if (pixels == NULL || labels == NULL)
        return complain("no memory for %s", path);
    *room = more;
    return true;
}

static bool read_image(const struct lines *lines, struct image_set *set)
{
    uint8_t *pixels = set->pixels + set->count * PIXELS;
    char *fields[PIXELS + 1];
    size_t count = fields_of(lines->text, ',', fields, PIXELS + 1);
    long value;
    if (count != PIXELS + 1)
        return complain("%s, line %zu: %zu values, not %d: the pixels and the digit", lines->path,
                        lines->number, count, PIXELS + 1);
    for (size_t i = 0; i < PIXELS; i++) {
        if (!field_whole(fields[i], 0, OPTDIGITS_INK, &value))
            return complain("%s, line %zu: value %zu is not a whole number from 0 to %d", lines->path,
                            lines->number, i + 1, OPTDIGITS_INK);
        pixels[i] = (uint8_t)value;
    }
    if (!field_whole(fields[PIXELS], 0, DIGIT_CLASSES - 1, &value))
        return complain("%s, line %zu: it does not end with a digit from 0 to 9", lines->path, lines->number);
    set->labels[set->count++] = (uint8_t)value;
    return true;
}

bool optdigits_load(const char *folder, const char *name, struct image_set *set)
{
    struct lines lines;
    size_t room = 0;
    *set = (struct image_set){.rows = OPTDIGITS_SIDE, .columns = OPTDIGITS_SIDE};
    bool good = lines_open(&lines, folder, name);
    while (good && lines_next(&lines))
        good = make_room(set, &room, lines.path) && read_image(&lines, set);
    good = lines_close(&lines, good);
    if (good && set->count == 0)
        good = complain("%s is empty", lines.path);
    if (!good)
        image_set_free(set);
    return good;
}
