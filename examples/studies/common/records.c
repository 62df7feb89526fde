/* SPDX-License-Identifier: MIT */
#include "records.h"

#include "complain.h"
#include "unpack.h"

#include <stdlib.h>

/* The files of a part, and what the records in them may be. */
static const struct source {
    const char *set;
    const char *files[TRAIN_FILES + 1]; /* ends with NULL */
    size_t most;                        /* records of a file */
    size_t labels;
    int classes[2];
} sources[] = {
    [CIFAR10_TRAIN] = {"CIFAR-10",
                       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                        "data_batch_5.bin", NULL},
                       FILE_RECORDS,
                       1,
                       {CLASSES, 0}},
    [CIFAR10_TEST] = {"CIFAR-10", {"test_batch.bin", NULL}, FILE_RECORDS, 1, {CLASSES, 0}},
    [CIFAR100_TRAIN] = {"CIFAR-100", {"train.bin", NULL}, 5 * FILE_RECORDS, 2, {20, FINE_CLASSES}},
    [CIFAR100_TEST] = {"CIFAR-100", {"test.bin", NULL}, FILE_RECORDS, 2, {20, FINE_CLASSES}},
};

static bool create(struct records *records, size_t count, size_t labels)
{
    *records = (struct records){count, labels, malloc(count * (labels + PIXELS))};
    return records->bytes != NULL || complain("no memory for %zu images", count);
}

bool records_create(struct records *records, size_t count)
{
    return create(records, count, 1);
}

void records_free(struct records *records)
{
    free(records->bytes);
    *records = (struct records){0};
}

static bool check_labels(const struct source *source, const struct unpacked *file, const uint8_t *bytes)
{
    size_t size = source->labels + PIXELS;
    for (size_t i = 0; i < file->count; i += size)
        for (size_t label = 0; label < source->labels; label++)
            if (bytes[i + label] >= source->classes[label])
                return complain("%s: record %zu has the %slabel %d, not one from 0 to %d", file->path,
                                i / size,
                                source->labels == 1 ? ""
                                : label == 0        ? "coarse "
                                                    : "fine ",
                                bytes[i + label], source->classes[label] - 1);
    return true;
}

/* Adds the records of one file behind those that are there. There is room for one byte more than a file can
 * have, which tells whether it goes on. */
static bool add_file(struct records *records, const struct source *source, const char *folder,
                     const char *name)
{
    size_t size = source->labels + PIXELS;
    uint8_t *bytes = records->bytes + records->count * size;
    struct unpacked file;
    if (!unpack_read(folder, name, bytes, source->most * size + 1, &file))
        return false;
    if (file.count == 0)
        return complain("%s is empty", file.path);
    if (file.count > source->most * size)
        return complain("%s goes on after %zu records of %zu bytes, all that a file of %s has", file.path,
                        source->most, size, source->set);
    if (file.count % size != 0)
        return complain(
            "%s holds %zu bytes, no whole number of records of %zu: it is truncated or something else",
            file.path, file.count, size);
    if (!check_labels(source, &file, bytes))
        return false;
    records->count += file.count / size;
    return true;
}

/* Gives back the room that small files have left. */
static void trim(struct records *records)
{
    uint8_t *smaller = realloc(records->bytes, records->count * (records->labels + PIXELS));
    if (smaller != NULL)
        records->bytes = smaller;
}

bool records_load(struct records *records, const char *folder, enum records_part part)
{
    const struct source *source = &sources[part];
    size_t files = 0;
    while (source->files[files] != NULL)
        files++;
    bool good = create(records, files * source->most + 1, source->labels);
    records->count = 0;
    for (size_t i = 0; good && i < files; i++)
        good = add_file(records, source, folder, source->files[i]);
    if (good)
        trim(records);
    else
        records_free(records);
    return good;
}

bool records_in(const char *folder, enum records_part part)
{
    return unpack_finds(folder, sources[part].files[0]);
}
