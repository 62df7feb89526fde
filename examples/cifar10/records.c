/* SPDX-License-Identifier: MIT */
#include "records.h"

#include "complain.h"
#include "unpack.h"

#include <stdio.h>
#include <stdlib.h>

static const char test_name[] = "test_batch.bin";

bool records_create(struct records *records, size_t count)
{
    *records = (struct records){count, malloc(count * RECORD)};
    return records->bytes != NULL || complain("no memory for %zu images", count);
}

void records_free(struct records *records)
{
    free(records->bytes);
    *records = (struct records){0};
}

/* Adds the records of one file behind those that are there. There is room for one byte more than a file can
 * have, which tells whether it goes on. */
static bool add_file(struct records *records, const char *folder, const char *name)
{
    uint8_t *bytes = records->bytes + records->count * RECORD;
    struct unpacked file;
    if (!unpack_read(folder, name, bytes, (size_t)FILE_RECORDS * RECORD + 1, &file))
        return false;
    if (file.count == 0)
        return complain("%s is empty", file.path);
    if (file.count > (size_t)FILE_RECORDS * RECORD)
        return complain("%s goes on after %d records of %d bytes, all that a file of CIFAR-10 has", file.path,
                        FILE_RECORDS, RECORD);
    if (file.count % RECORD != 0)
        return complain(
            "%s holds %zu bytes, no whole number of records of %d: it is truncated or something else",
            file.path, file.count, RECORD);
    for (size_t i = 0; i < file.count; i += RECORD)
        if (bytes[i] >= CLASSES)
            return complain("%s: record %zu has the label %d, not one from 0 to %d", file.path, i / RECORD,
                            bytes[i], CLASSES - 1);
    records->count += file.count / RECORD;
    return true;
}

/* Gives back the room that small files have left. */
static void trim(struct records *records)
{
    uint8_t *smaller = realloc(records->bytes, records->count * RECORD);
    if (smaller != NULL)
        records->bytes = smaller;
}

bool records_load_train(struct records *records, const char *folder)
{
    bool good = records_create(records, TRAIN_FILES * FILE_RECORDS + 1);
    records->count = 0;
    for (int i = 1; good && i <= TRAIN_FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "data_batch_%d.bin", i);
        good = add_file(records, folder, name);
    }
    if (good)
        trim(records);
    else
        records_free(records);
    return good;
}

bool records_load_test(struct records *records, const char *folder)
{
    bool good = records_create(records, FILE_RECORDS + 1);
    records->count = 0;
    good = good && add_file(records, folder, test_name);
    if (good)
        trim(records);
    else
        records_free(records);
    return good;
}

bool records_in(const char *folder)
{
    return unpack_finds(folder, test_name);
}
