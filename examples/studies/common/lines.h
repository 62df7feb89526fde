/* lines: a text file, gzipped or not, line by line, and what stands in a line.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_LINES_H
#define STUDIES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

enum { LONGEST_FILE = 4096, LONGEST_LINE = 1 << 20 };

struct lines {
    char path[LONGEST_FILE]; /* the file that is read */
    size_t number;           /* of the line in `text`, from 1 */
    char *text;              /* without its end; may be changed */
    gzFile stream;
    char *buffer;
    size_t filled, next; /* of the buffer; where the next line begins */
    bool failed;
};

/* Is <folder>/<name> or the same with .gz there? */
bool lines_in(const char *folder, const char *name);

/* `given`, or the folder with WikiText-2's wiki.train.tokens in the places of places.h; NULL if there is none. */
const char *lines_find_wikitext(const char *given);

/* Opens one of the two. On failure prints one line and returns false. */
bool lines_open(struct lines *lines, const char *folder, const char *name);

/* Goes to the next line that is not empty. False at the end of the file, and, after a line on stderr, if it
 * cannot be read. */
bool lines_next(struct lines *lines);

/* Takes any struct that lines_open() has seen. False if reading has failed or the file is truncated, in which
 * case something has been printed, or if `good` is false. */
bool lines_close(struct lines *lines, bool good);

/* Cuts `text` at every separator and at the spaces around it, and returns how many fields there are; only the
 * first `most` are written. */
size_t fields_of(char *text, char separator, char **fields, size_t most);

/* A plain decimal number in these bounds, and nothing behind it. */
bool field_number(const char *text, double lowest, double highest, float *value);
bool field_whole(const char *text, long lowest, long highest, long *value);

#endif
