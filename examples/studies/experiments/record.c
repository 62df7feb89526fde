/* The file is read, changed in memory, written beside the old one and renamed, under a lock on a file next to
 * it: a rename would take a lock on the file itself away.
 *
 * SPDX-License-Identifier: MIT
 */
#define _POSIX_C_SOURCE 200809L
#include "record.h"

#include "complain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 4096 };

/* All of a file, with a 0 behind; "" if there is none, NULL if it cannot be read. */
static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t used = 0, room = 1 << 16;
    char *text = file || errno == ENOENT ? malloc(room) : NULL;
    while (text && file) {
        used += fread(text + used, 1, room - used - 1, file);
        if (used + 1 < room)
            break;
        char *more = realloc(text, room *= 2);
        if (!more)
            free(text);
        text = more;
    }
    if (text && file && ferror(file)) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    if (text)
        text[used] = '\0';
    return text;
}

static bool belongs_to(const char *line, const char *run)
{
    size_t length = strlen(run);
    return strncmp(line, run, length) == 0 && line[length] == ',';
}

/* The old lines but for those of the run, and one that was cut off. */
static void copy_others(const char *text, const char *run, FILE *to)
{
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1)
        if (!belongs_to(text, run))
            fwrite(text, 1, (size_t)(end + 1 - text), to);
}

/* The lines behind the header; NULL if another one stands there. */
static const char *rows_of(const char *text, const char *header)
{
    size_t length = strlen(header);
    if (text[0] == '\0')
        return text;
    return strncmp(text, header, length) == 0 && text[length] == '\n' ? text + length + 1 : NULL;
}

/* Lines under another header would be taken for what they are not. */
static char *read_table(const char *path, const char *header)
{
    char *text = read_all(path);
    if (!text) {
        complain("%s: %s", path, strerror(errno));
    } else if (!rows_of(text, header)) {
        complain("%s has other columns: move it away", path);
        free(text);
        text = NULL;
    }
    return text;
}

bool record_fits(const char *path, const char *header)
{
    char *text = read_table(path, header);
    bool good = text != NULL;
    free(text);
    return good;
}

static bool replace(const char *path, const char *header, const char *run, const char *lines)
{
    char beside[LONGEST];
    snprintf(beside, sizeof beside, "%s.new", path);
    char *old = read_table(path, header);
    if (!old)
        return false;
    FILE *file = fopen(beside, "wb");
    if (!file) {
        free(old);
        return complain("%s: %s", path, strerror(errno));
    }
    fprintf(file, "%s\n", header);
    copy_others(rows_of(old, header), run, file);
    fputs(lines, file);
    free(old);
    bool good = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
    good = fclose(file) == 0 && good && rename(beside, path) == 0;
    if (!good)
        remove(beside);
    return good || complain("%s: %s", path, strerror(errno));
}

bool record_put(const char *path, const char *header, const char *run, const char *lines)
{
    char lock[LONGEST];
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(lock, sizeof lock, "%s.lock", path);
    int file = open(lock, O_RDWR | O_CREAT, 0666);
    if (file < 0)
        return complain("%s: %s", lock, strerror(errno));
    bool good = fcntl(file, F_SETLKW, &whole) == 0 || complain("%s: %s", lock, strerror(errno));
    good = good && replace(path, header, run, lines);
    close(file);
    return good;
}
