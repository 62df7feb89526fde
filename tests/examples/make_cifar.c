/* Writes a small set of ten classes in the format of CIFAR-10, or of CIFAR-100, for the tests of
 * examples/studies/cifar10:
 *
 *     make_cifar FOLDER RECORDS_PER_TRAINING_FILE TEST_RECORDS [fine]
 *
 * A class is a bright bar at its own height and of its own colour, with noise: easy to learn in a few epochs,
 * also from shifted and mirrored images.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDE = 32, CHANNELS = 3, CLASSES = 10 };

static uint32_t random_state = 12345;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* CIFAR-100 has two labels; classes 0, 10, 20 and so on are enough here. */
static void write_record(FILE *file, uint32_t label, bool fine)
{
    fputc((int)label, file);
    if (fine)
        fputc((int)label * 10, file);
    for (uint32_t channel = 0; channel < CHANNELS; channel++)
        for (uint32_t row = 0; row < SIDE; row++)
            for (uint32_t column = 0; column < SIDE; column++) {
                uint32_t bar = row * 5 / SIDE == label / 2;
                uint32_t colour = channel == label % 2;

                fputc((int)((bar && colour ? 200 : 20) + next_random() % 40), file);
            }
}

static void write_file(const char *folder, const char *name, uint32_t count, bool fine)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.bin", folder, name);
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    for (uint32_t i = 0; i < count; i++)
        write_record(file, next_random() % CLASSES, fine);
    if (fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5)
        return 2;
    if (argc == 5) {
        write_file(argv[1], "train", 5 * (uint32_t)atoi(argv[2]), true);
        write_file(argv[1], "test", (uint32_t)atoi(argv[3]), true);
        return 0;
    }
    for (int i = 1; i <= 5; i++) {
        char name[20];

        snprintf(name, sizeof name, "data_batch_%d", i);
        write_file(argv[1], name, (uint32_t)atoi(argv[2]), false);
    }
    write_file(argv[1], "test_batch", (uint32_t)atoi(argv[3]), false);
    return 0;
}
