/* Writes a small set of ten classes in the format of MNIST, for the tests of examples/studies/mnist:
 *
 *     make_idx FOLDER TRAIN_COUNT TEST_COUNT SIDE
 *
 * A class is a bright bar at its own place, with noise: easy to learn in an epoch or two.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t random_state = 12345;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void put_size(FILE *file, uint32_t size)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(size >> shift & 255), file);
}

static FILE *open_part(const char *folder, const char *part, const char *kind)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s-%s-ubyte", folder, part, kind);
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    return file;
}

static void write_image(FILE *file, uint32_t label, uint32_t side)
{
    for (uint32_t row = 0; row < side; row++)
        for (uint32_t column = 0; column < side; column++) {
            uint32_t place = label < 5 ? row * 5 / side : column * 5 / side;
            uint32_t value = place == label % 5 ? 200 : 20;

            fputc((int)(value + next_random() % 40), file);
        }
}

static void write_part(const char *folder, const char *part, uint32_t count, uint32_t side)
{
    FILE *images = open_part(folder, part, "images-idx3"), *labels = open_part(folder, part, "labels-idx1");

    put_size(images, 0x0803);
    put_size(images, count);
    put_size(images, side);
    put_size(images, side);
    put_size(labels, 0x0801);
    put_size(labels, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t label = next_random() % 10;

        fputc((int)label, labels);
        write_image(images, label, side);
    }
    if (fclose(images) != 0 || fclose(labels) != 0) {
        perror(folder);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    write_part(argv[1], "train", (uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[4]));
    write_part(argv[1], "t10k", (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]));
    return 0;
}
