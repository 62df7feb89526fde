/* The format: a big-endian magic number (two zero bytes, the type 8 for bytes, the number of dimensions),
 * one 32-bit size per dimension, then the values.
 *
 * SPDX-License-Identifier: MIT
 */
#include "idx.h"

#include "complain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MAGIC_LABELS = 0x0801, MAGIC_IMAGES = 0x0803, LONGEST_PATH = 4096, LARGEST_SIDE = 4096 };

struct idx_file {
    gzFile stream;
    char path[LONGEST_PATH];
};

static bool idx_open(struct idx_file *file, const char *folder, const char *part, const char *kind)
{
    static const char *const endings[] = {"", ".gz"};
    int missing = ENOENT;
    for (size_t i = 0; i < 2; i++) {
        int length = snprintf(file->path, LONGEST_PATH, "%s/%s-%s-ubyte%s", folder, part, kind, endings[i]);
        if (length < 0 || length >= LONGEST_PATH)
            return complain("the name of the data folder is too long");
        errno = 0;
        file->stream = gzopen(file->path, "rb");
        if (file->stream != NULL)
            return true;
        if (errno != 0 && errno != ENOENT)
            missing = errno;
    }
    return complain("cannot open %s/%s-%s-ubyte or the same with .gz: %s", folder, part, kind,
                    strerror(missing));
}

/* zlib's text names the file itself. */
static bool idx_damaged(const struct idx_file *file)
{
    int code;
    return complain("cannot read %s", gzerror(file->stream, &code));
}

static bool idx_read(struct idx_file *file, uint8_t *bytes, size_t count)
{
    while (count > 0) {
        unsigned request = count < (1u << 20) ? (unsigned)count : 1u << 20;
        int got = gzread(file->stream, bytes, request);
        if (got < 0)
            return idx_damaged(file);
        if (got == 0)
            return complain("%s is truncated, or its header is wrong: it ends too early", file->path);
        bytes += got;
        count -= (size_t)got;
    }
    return true;
}

static bool idx_read_size(struct idx_file *file, uint32_t *size)
{
    uint8_t bytes[4];
    if (!idx_read(file, bytes, sizeof bytes))
        return false;
    *size =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
    return true;
}

static bool idx_read_header(struct idx_file *file, uint32_t magic, uint32_t *sizes, size_t dimensions)
{
    uint32_t found;
    if (!idx_read_size(file, &found))
        return false;
    if (found != magic)
        return complain("%s is no IDX file of %s: it starts with 0x%08x, not 0x%08x", file->path,
                        magic == MAGIC_IMAGES ? "images" : "labels", (unsigned)found, (unsigned)magic);
    for (size_t i = 0; i < dimensions; i++)
        if (!idx_read_size(file, &sizes[i]))
            return false;
    if (sizes[0] == 0)
        return complain("%s is empty: its header counts 0 entries", file->path);
    return true;
}

/* The buffer grows with what has been read: a header that promises too much costs no memory. */
static uint8_t *idx_read_values(struct idx_file *file, uint64_t count)
{
    uint8_t *values = NULL;
    uint64_t held = 0;
    while (held < count) {
        uint64_t more = held > (1u << 20) ? held : 1u << 20;
        if (more > count - held)
            more = count - held;
        uint8_t *grown = held + more <= SIZE_MAX ? realloc(values, (size_t)(held + more)) : NULL;
        if (grown == NULL) {
            complain("no memory for %s", file->path);
            break;
        }
        values = grown;
        if (!idx_read(file, values + held, (size_t)more))
            break;
        held += more;
    }
    if (held == count)
        return values;
    free(values);
    return NULL;
}

/* zlib does not miss the end of the compressed data, if the values before it are all there: the last four
 * bytes of the file must be the length of what it held. */
static bool idx_ends_whole(const struct idx_file *file)
{
    uint8_t tail[4];
    FILE *raw = fopen(file->path, "rb");
    bool whole = raw != NULL && fseek(raw, -4, SEEK_END) == 0 && fread(tail, 1, 4, raw) == 4;
    if (raw != NULL)
        fclose(raw);
    uint32_t length = (uint32_t)gztell(file->stream);
    for (size_t i = 0; whole && i < 4; i++)
        whole = tail[i] == (uint8_t)(length >> (8 * i));
    return whole || complain("%s is truncated, or goes on behind its compressed data", file->path);
}

/* Reading on to the end also lets zlib compare its checksum. */
static bool idx_at_end(struct idx_file *file)
{
    uint8_t byte;
    int got = gzread(file->stream, &byte, 1);
    if (got < 0)
        return idx_damaged(file);
    if (got > 0)
        return complain("%s goes on after the last entry that its header counts", file->path);
    return gzdirect(file->stream) || idx_ends_whole(file);
}

static bool read_images(struct idx_file *file, struct image_set *set)
{
    uint32_t sizes[3];
    if (!idx_read_header(file, MAGIC_IMAGES, sizes, 3))
        return false;
    if (sizes[1] == 0 || sizes[2] == 0 || sizes[1] > LARGEST_SIDE || sizes[2] > LARGEST_SIDE)
        return complain("%s has images of %u x %u pixels: 1 to %d a side are possible", file->path,
                        (unsigned)sizes[1], (unsigned)sizes[2], LARGEST_SIDE);
    set->count = sizes[0];
    set->rows = sizes[1];
    set->columns = sizes[2];
    set->pixels = idx_read_values(file, (uint64_t)sizes[0] * sizes[1] * sizes[2]);
    return set->pixels != NULL && idx_at_end(file);
}

static bool read_labels(struct idx_file *file, int classes, struct image_set *set)
{
    uint32_t count;
    if (!idx_read_header(file, MAGIC_LABELS, &count, 1))
        return false;
    if (count != set->count)
        return complain("%s has %u labels for %zu images", file->path, (unsigned)count, set->count);
    set->labels = idx_read_values(file, count);
    if (set->labels == NULL || !idx_at_end(file))
        return false;
    for (size_t i = 0; i < set->count; i++)
        if (set->labels[i] >= classes)
            return complain("%s: label %zu is %d, not one from 0 to %d", file->path, i, set->labels[i],
                            classes - 1);
    return true;
}

bool idx_load(const char *folder, const char *part, int classes, struct image_set *set)
{
    struct idx_file file;
    *set = (struct image_set){0};

    bool good = idx_open(&file, folder, part, "images-idx3");
    if (good) {
        good = read_images(&file, set);
        gzclose(file.stream);
    }
    if (good && (good = idx_open(&file, folder, part, "labels-idx1"))) {
        good = read_labels(&file, classes, set);
        gzclose(file.stream);
    }
    if (!good)
        image_set_free(set);
    return good;
}

static bool idx_open_path(struct idx_file *file, const char *path)
{
    int length = snprintf(file->path, LONGEST_PATH, "%s", path);
    if (length < 0 || length >= LONGEST_PATH)
        return complain("the name of a data file is too long");
    errno = 0;
    file->stream = gzopen(path, "rb");
    return file->stream != NULL ||
           complain("cannot open %s: %s", path, strerror(errno != 0 ? errno : ENOMEM));
}

bool idx_load_images(const char *path, struct image_set *set)
{
    struct idx_file file;
    *set = (struct image_set){0};
    if (!idx_open_path(&file, path))
        return false;
    bool good = read_images(&file, set);
    gzclose(file.stream);
    if (!good)
        image_set_free(set);
    return good;
}

bool idx_load_labels(const char *path, int classes, struct image_set *set)
{
    struct idx_file file;
    if (!idx_open_path(&file, path))
        return false;
    bool good = read_labels(&file, classes, set);
    gzclose(file.stream);
    return good;
}
