/* SPDX-License-Identifier: MIT */
#include "unpack.h"

#include "complain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#ifdef STUDIES_HAVE_LZMA
#include <lzma.h>
#endif

/* Opens <folder>/<name><ending>; `path` receives the name. A name that is too long is not found. */
static FILE *open_file(const char *folder, const char *name, const char *ending, char *path)
{
    int length = snprintf(path, LONGEST_PATH, "%s/%s%s", folder, name, ending);
    errno = ENAMETOOLONG;
    return length > 0 && length < LONGEST_PATH ? fopen(path, "rb") : NULL;
}

static bool read_plain(FILE *stream, uint8_t *bytes, size_t room, struct unpacked *file)
{
    errno = 0;
    file->count = fread(bytes, 1, room, stream);
    return !ferror(stream) || complain("cannot read %s: %s", file->path, strerror(errno));
}

#ifdef STUDIES_HAVE_LZMA

/* The usual presets of xz need less than 100 MB to unpack. */
static const uint64_t most_memory = UINT64_C(1) << 27;

static bool xz_failed(const struct unpacked *file, lzma_ret code)
{
    switch (code) {
    case LZMA_FORMAT_ERROR:
        return complain("%s is not a file that xz has packed", file->path);
    case LZMA_BUF_ERROR:
        return complain("%s is truncated: its packed data end too early", file->path);
    case LZMA_MEM_ERROR:
        return complain("no memory to unpack %s", file->path);
    case LZMA_MEMLIMIT_ERROR:
        return complain("%s asks for more than %u MB of memory to unpack", file->path,
                        (unsigned)(most_memory >> 20));
    case LZMA_OPTIONS_ERROR:
        return complain("%s is packed in a way that this liblzma does not know", file->path);
    default:
        return complain("%s is damaged: its packed data are wrong", file->path);
    }
}

/* Until the room is full or the last packed stream ends, whose checksum liblzma compares. */
static bool unpack_stream(lzma_stream *xz, FILE *stream, struct unpacked *file)
{
    uint8_t packed[1 << 15];
    lzma_action action = LZMA_RUN;
    for (;;) {
        if (xz->avail_in == 0 && action == LZMA_RUN) {
            errno = 0;
            xz->next_in = packed;
            xz->avail_in = fread(packed, 1, sizeof packed, stream);
            if (ferror(stream))
                return complain("cannot read %s: %s", file->path, strerror(errno));
            if (feof(stream))
                action = LZMA_FINISH;
        }
        lzma_ret code = lzma_code(xz, action);
        if (code == LZMA_STREAM_END || (code == LZMA_OK && xz->avail_out == 0))
            return true;
        if (code != LZMA_OK)
            return xz_failed(file, code);
    }
}

static bool read_packed(FILE *stream, uint8_t *bytes, size_t room, struct unpacked *file)
{
    lzma_stream xz = LZMA_STREAM_INIT;
    lzma_ret code = lzma_stream_decoder(&xz, most_memory, LZMA_CONCATENATED);
    if (code != LZMA_OK)
        return xz_failed(file, code);
    xz.next_out = bytes;
    xz.avail_out = room;
    bool good = unpack_stream(&xz, stream, file);
    file->count = room - xz.avail_out;
    lzma_end(&xz);
    return good;
}

bool unpack_knows_xz(void)
{
    return true;
}

#else

static bool read_packed(FILE *stream, uint8_t *bytes, size_t room, struct unpacked *file)
{
    (void)stream, (void)bytes, (void)room;
    return complain("%s is packed, and this program was built without liblzma: unpack it with xz -dk",
                    file->path);
}

bool unpack_knows_xz(void)
{
    return false;
}

#endif

bool unpack_read(const char *folder, const char *name, uint8_t *bytes, size_t room, struct unpacked *file)
{
    bool packed = false;
    FILE *stream = open_file(folder, name, "", file->path);
    if (stream == NULL && errno == ENOENT) {
        packed = true;
        stream = open_file(folder, name, ".xz", file->path);
    }
    if (stream == NULL)
        return complain("cannot open %s/%s or the same with .xz: %s", folder, name, strerror(errno));
    bool good = packed ? read_packed(stream, bytes, room, file) : read_plain(stream, bytes, room, file);
    fclose(stream);
    return good;
}

bool unpack_finds(const char *folder, const char *name)
{
    char path[LONGEST_PATH];
    FILE *stream = open_file(folder, name, "", path);
    if (stream == NULL)
        stream = open_file(folder, name, ".xz", path);
    if (stream != NULL)
        fclose(stream);
    return stream != NULL;
}
