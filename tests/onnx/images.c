/* Images to try exported networks with. SPDX-License-Identifier: MIT */
#include "images.h"

#include <stdio.h>

#include "check.h"
#include "random.h"

static images empty(const char *name, size_t channels, size_t side)
{
    images set = {.name = name, .channels = channels, .height = side, .width = side};

    set.values = channels * side * side;
    set.learn = get_memory(IMAGES_TO_LEARN * set.values * sizeof *set.learn);
    set.test = get_memory(IMAGES_TO_TEST * set.values * sizeof *set.test);
    set.labels = get_memory(IMAGES_TO_LEARN * sizeof *set.labels);
    return set;
}

void drop_images(images *set)
{
    free(set->learn);
    free(set->test);
    free(set->labels);
}

/* A stripe whose place and direction tell the class, in noise. */
static void draw(const images *set, test_random *random, int32_t label, float *image)
{
    for (size_t i = 0; i < set->values; i++) {
        size_t y = i / set->width % set->height, x = i % set->width, along = label % 2 ? x : y;
        int on = along * 5 / set->width == (size_t)label / 2;

        image[i] = (float)random_uniform(random, 0.0, 0.4) + (on ? 0.5f : 0.0f);
    }
}

static void draw_all(images *set)
{
    test_random random = {11};

    random_labels(&random, set->labels, IMAGES_TO_LEARN, IMAGE_CLASSES);
    for (size_t i = 0; i < IMAGES_TO_LEARN; i++)
        draw(set, &random, set->labels[i], set->learn + i * set->values);
    for (size_t i = 0; i < IMAGES_TO_TEST; i++)
        draw(set, &random, (int32_t)(i % IMAGE_CLASSES), set->test + i * set->values);
}

/* `count` records behind a head of `skip` bytes: a label, if there is one, and pixels, if there are any. */
static int read_records(const char *folder, const char *name, size_t skip, size_t count, int32_t *labels,
                        float *pixels, size_t values)
{
    char path[4096];
    unsigned char record[1 + 3 * 32 * 32];
    size_t bytes = (labels ? 1 : 0) + values, done = 0;
    FILE *file;

    if (folder == NULL || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    if (fread(record, 1, skip, file) == skip)
        while (done < count && fread(record, 1, bytes, file) == bytes) {
            if (labels)
                labels[done] = record[0] % IMAGE_CLASSES;
            for (size_t i = 0; i < values; i++)
                pixels[done * values + i] = (float)record[(labels ? 1 : 0) + i] / 255.0f;
            done++;
        }
    fclose(file);
    return done == count;
}

images mnist_images(const char *folder)
{
    images set = empty("mnist", 1, 28);

    set.real = read_records(folder, "train.images", 16, IMAGES_TO_LEARN, NULL, set.learn, set.values) &&
               read_records(folder, "train.labels", 8, IMAGES_TO_LEARN, set.labels, NULL, 0) &&
               read_records(folder, "test.images", 16, IMAGES_TO_TEST, NULL, set.test, set.values);
    if (!set.real)
        draw_all(&set);
    return set;
}

images cifar_images(const char *folder)
{
    images set = empty("cifar", 3, 32);
    int32_t ignored[IMAGES_TO_TEST];

    set.real = read_records(folder, "train.records", 0, IMAGES_TO_LEARN, set.labels, set.learn, set.values) &&
               read_records(folder, "test.records", 0, IMAGES_TO_TEST, ignored, set.test, set.values);
    if (!set.real)
        draw_all(&set);
    return set;
}
