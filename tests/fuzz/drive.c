/* Replays a corpus without a fuzzer, and tries mutations of each file that are the same in every run. Fails
 * if a reader does not take a file. Arguments: how many mutations of each file, then the files.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_model.h"
#include "monoforward.h"
#include "random.h"

enum { ROOM = 1 << 16 };

/* Writes a number as snapshots have counts, kinds of optimizers and floats: NaN, infinity, -1, -0. */
static void put_number(uint8_t *data, size_t left, size_t which)
{
    static const uint64_t numbers[] = {
        0,          1,          2,          3,          4,          0x101,          0x104,
        0x7FC00000, 0x7F800000, 0xBF800000, 0x80000000, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX};
    uint64_t number = numbers[which % (sizeof numbers / sizeof *numbers)];
    size_t bytes = number > UINT32_MAX ? 8 : 4;

    for (size_t i = 0; bytes <= left && i < bytes; i++)
        data[i] = (uint8_t)(number >> 8 * i);
}

/* One change of a kind that breaks readers. */
static size_t change(void *user, uint8_t *data, size_t size, size_t room)
{
    static const char *const words[] = {
        "4294967296", "9007199254740992", "-1", "0",    "{",    "}",       "[",  "]",
        "null",       "\\u0000",          "\"", "1e99", "true", "\"F16\"", "\\", ","};
    test_random *random = user;
    size_t at = size ? random_index(random, size) : 0, left = size - at, part, length;

    switch (random_index(random, 8)) {
    case 0: /* a bit */
        if (size > 0)
            data[at] ^= (uint8_t)(1u << random_index(random, 8));
        return size;
    case 1: /* a byte */
        if (size > 0)
            data[at] = (uint8_t)random_next(random);
        return size;
    case 2: /* the end is missing */
        return at;
    case 3: /* a piece is missing */
        part = random_index(random, 1 + (left < 40 ? left : 40));
        memmove(data + at, data + at + part, left - part);
        return size - part;
    case 4: /* a piece comes twice */
        part = random_index(random, 1 + (left < 200 ? left : 200));
        if (size + part > room)
            return size;
        memmove(data + at + part, data + at, left);
        return size + part;
    case 5: /* a word in place of another */
        length = strlen(words[at % 16]);
        memcpy(data + at, words[at % 16], length < left ? length : left);
        return size;
    case 6:
        put_number(data + at / 4 * 4, size - at / 4 * 4, (size_t)random_next(random));
        return size;
    default: /* another digit in a number, if one is near */
        for (size_t i = at; i < size && i < at + 100; i++)
            if (data[i] >= '0' && data[i] <= '9') {
                data[i] = (uint8_t)('0' + random_index(random, 10));
                break;
            }
        return size;
    }
}

static size_t read_file(const char *path, uint8_t *data)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(1);
    }
    size = fread(data, 1, ROOM, file);
    fclose(file);
    return size;
}

static int replay(const char *path, long mutations, test_random *random)
{
    static uint8_t original[ROOM], work[ROOM];
    size_t size = read_file(path, original);

    if (!fuzz_seed_loads(original, size)) {
        fprintf(stderr, "%s does not load: %s\n", path, mf_last_message());
        return 1;
    }
    LLVMFuzzerTestOneInput(original, size);
    for (long m = 0; m < mutations; m++) {
        size_t now = size;
        uint8_t *exact;

        memcpy(work, original, size);
        for (size_t times = 1 + random_index(random, 3); times > 0; times--)
            now = random_index(random, 4) ? fuzz_mutate_header(work, now, ROOM, change, random)
                                          : change(random, work, now, ROOM);
        /* A block of exactly that size, so that sanitizers and valgrind see what is read behind it. */
        exact = malloc(now ? now : 1);
        if (exact == NULL)
            return 1;
        memcpy(exact, work, now);
        LLVMFuzzerTestOneInput(exact, now);
        free(exact);
    }
    return 0;
}

int main(int argc, char **argv)
{
    long mutations = argc > 1 ? atol(argv[1]) : 0;
    test_random random = {1};
    int failed = argc <= 2;

    for (int i = 2; i < argc; i++)
        failed |= replay(argv[i], mutations, &random);
    printf("%d files, %ld mutations of each\n", argc > 2 ? argc - 2 : 0, mutations);
    return failed;
}
