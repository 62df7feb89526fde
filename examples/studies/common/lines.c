/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include "complain.h"
#include "places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gzFile open_either(const char *folder, const char *name, char *path)
{
    static const char *const endings[] = {"", ".gz"};
    gzFile stream = NULL;
    for (size_t i = 0; stream == NULL && i < 2; i++) {
        int length = snprintf(path, LONGEST_FILE, "%s/%s%s", folder, name, endings[i]);
        errno = ENAMETOOLONG;
        if (length < 0 || length >= LONGEST_FILE)
            return NULL;
        errno = 0;
        stream = gzopen(path, "rb");
    }
    return stream;
}

bool lines_in(const char *folder, const char *name)
{
    char path[LONGEST_FILE];
    gzFile stream = open_either(folder, name, path);
    if (stream != NULL)
        gzclose(stream);
    return stream != NULL;
}

static bool holds_lines(const char *folder, const void *name)
{
    return lines_in(folder, name);
}

const char *lines_find_wikitext(const char *given)
{
    static const char *const folders[] = {"text/wikitext-2", "wikitext-2", "", NULL};
    return given != NULL ? given : places_find(folders, holds_lines, "wiki.train.tokens");
}

bool lines_open(struct lines *lines, const char *folder, const char *name)
{
    *lines = (struct lines){0};
    lines->stream = open_either(folder, name, lines->path);
    if (lines->stream == NULL)
        return complain("cannot open %s/%s or the same with .gz: %s", folder, name,
                        strerror(errno != 0 ? errno : ENOENT));
    lines->buffer = malloc(LONGEST_LINE + 1);
    return lines->buffer != NULL || complain("no memory for %s", lines->path);
}

/* Says what is wrong, once. */
static bool fail(struct lines *lines, const char *what)
{
    if (!lines->failed)
        complain("%s, line %zu: %s", lines->path, lines->number, what);
    lines->failed = true;
    return false;
}

/* Moves what is left to the front and reads on. False at the end. That a packed file ends too early shows in
 * the code alone: what could be unpacked still comes. */
static bool fill(struct lines *lines)
{
    size_t left = lines->filled - lines->next;
    memmove(lines->buffer, lines->buffer + lines->next, left);
    lines->next = 0;
    lines->filled = left;
    if (left == LONGEST_LINE)
        return fail(lines, "it is longer than any line should be");
    int got = gzread(lines->stream, lines->buffer + left, (unsigned)(LONGEST_LINE - left)), code;
    const char *trouble = gzerror(lines->stream, &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
        if (!lines->failed)
            complain("%s cannot be read to its end, or is truncated: %s", lines->path,
                     code == Z_ERRNO ? strerror(errno) : trouble);
        lines->failed = true;
        return false;
    }
    lines->filled += (size_t)got;
    return got > 0;
}

/* The next line, empty or not. */
static bool take_line(struct lines *lines)
{
    char *end;
    lines->number++;
    while ((end = memchr(lines->buffer + lines->next, '\n', lines->filled - lines->next)) == NULL)
        if (!fill(lines)) {
            if (lines->failed || lines->next == lines->filled)
                return false;
            end = lines->buffer + lines->filled;
            break;
        }
    lines->text = lines->buffer + lines->next;
    lines->next = (size_t)(end - lines->buffer) + (end < lines->buffer + lines->filled);
    if (memchr(lines->text, '\0', (size_t)(end - lines->text)) != NULL)
        return fail(lines, "it holds a zero byte: this is no text");
    if (end > lines->text && end[-1] == '\r')
        end--;
    *end = '\0';
    return true;
}

bool lines_next(struct lines *lines)
{
    while (!lines->failed && take_line(lines))
        if (lines->text[0] != '\0')
            return true;
    return false;
}

bool lines_close(struct lines *lines, bool good)
{
    free(lines->buffer);
    if (lines->stream != NULL)
        gzclose(lines->stream);
    return good && !lines->failed;
}

size_t fields_of(char *text, char separator, char **fields, size_t most)
{
    for (size_t count = 0;; count++) {
        char *end = strchr(text, separator), *next = end != NULL ? end + 1 : NULL;
        if (end == NULL)
            end = text + strlen(text);
        while (text < end && *text == ' ')
            text++;
        while (end > text && end[-1] == ' ')
            end--;
        *end = '\0';
        if (count < most)
            fields[count] = text;
        if (next == NULL)
            return count + 1;
        text = next;
    }
}

bool field_number(const char *text, double lowest, double highest, float *value)
{
    char *end;
    if (text[0] == '\0' || text[strspn(text, "0123456789.-")] != '\0')
        return false;
    double number = strtod(text, &end);
    *value = (float)number;
    return *end == '\0' && number >= lowest && number <= highest;
}

bool field_whole(const char *text, long lowest, long highest, long *value)
{
    char *end;
    if (text[0] == '\0' || text[strspn(text, "0123456789-")] != '\0')
        return false;
    errno = 0;
    *value = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' && *value >= lowest && *value <= highest;
}
