/* What cifar10 does to images that are learned from. Mirrored in every second pass: after two passes each was
 * seen from both sides, and in every pass about half of them are mirrored. Cutout: exactly one square is 0 in
 * all channels, of which the image's edge may take a part. Mirror images and squares are made and looked for
 * here. SPDX-License-Identifier: MIT */
#include "data.h"

#include <stdlib.h>
#include <string.h>

#include "../support/check.h"

enum { IMAGES = 200 };

static float *batch_of(const struct data *data, struct augmentation *augmentation)
{
    float *inputs = malloc(IMAGES * PIXELS * sizeof *inputs);
    int32_t classes[IMAGES];
    assert_non_null(inputs);
    data_train_batch(data, 0, IMAGES, augmentation, inputs, classes);
    for (size_t i = 0; i < IMAGES; i++)
        assert_int_equal(classes[i], record_class(&data->train, i));
    return inputs;
}

static float *mirrored(const float *inputs)
{
    float *other = malloc(IMAGES * PIXELS * sizeof *other);
    assert_non_null(other);
    for (size_t i = 0; i < IMAGES * PIXELS; i++)
        other[i] = inputs[i - i % SIDE + (SIDE - 1 - i % SIDE)];
    return other;
}

static void test_both_sides(void **state)
{
    struct data data;
    struct augmentation augmentation = {.kind = AUGMENT_ALTERNATING, .stream = {1}};
    (void)state;
    assert_true(data_open(&data, SET_CIFAR10, NULL, IMAGES, 1));
    float *plain = batch_of(&data, NULL), *mirror = mirrored(plain), *passes[3];
    for (size_t pass = 0; pass < 3; pass++) {
        augmentation.pass = pass;
        passes[pass] = batch_of(&data, &augmentation);
    }
    size_t turned = 0, bytes = PIXELS * sizeof(float);
    for (size_t i = 0; i < IMAGES; i++) {
        size_t at = i * PIXELS;
        bool first = memcmp(passes[0] + at, mirror + at, bytes) == 0;
        turned += first;
        assert_memory_equal(passes[0] + at, (first ? mirror : plain) + at, bytes);
        assert_memory_equal(passes[1] + at, (first ? plain : mirror) + at, bytes);
        assert_memory_equal(passes[2] + at, passes[0] + at, bytes);
    }
    assert_in_range(turned, IMAGES / 3, 2 * IMAGES / 3);
    for (size_t pass = 0; pass < 3; pass++)
        free(passes[pass]);
    free(mirror);
    free(plain);
    data_free(&data);
}

/* What differs from the plain image: its first and last row and column. */
static void find_hidden(const float *plain, const float *image, size_t first[2], size_t last[2])
{
    first[0] = first[1] = SIDE;
    last[0] = last[1] = 0;
    for (size_t i = 0; i < PIXELS; i++) {
        size_t at[2] = {i % PLANE / SIDE, i % SIDE};
        for (size_t axis = 0; plain[i] != image[i] && axis < 2; axis++) {
            first[axis] = at[axis] < first[axis] ? at[axis] : first[axis];
            last[axis] = at[axis] > last[axis] ? at[axis] : last[axis];
        }
    }
}

static void test_one_square_is_hidden(void **state)
{
    enum { CUTOUT = 9 };
    struct data data;
    struct augmentation augmentation = {.kind = AUGMENT_NONE, .cutout = CUTOUT, .stream = {1}};
    size_t whole = 0, corners = 0;
    (void)state;
    assert_true(data_open(&data, SET_CIFAR10, NULL, IMAGES, 1));
    float *plain = batch_of(&data, NULL), *hidden = batch_of(&data, &augmentation);
    for (size_t i = 0; i < IMAGES * PIXELS; i++)
        assert_true(plain[i] != 0); /* or find_hidden() would not see it */
    for (size_t i = 0; i < IMAGES; i++) {
        const float *image = hidden + i * PIXELS;
        size_t first[2], last[2], cut = 0;
        find_hidden(plain + i * PIXELS, image, first, last);
        for (size_t axis = 0; axis < 2; axis++) {
            size_t side = last[axis] - first[axis] + 1;
            assert_in_range(side, (CUTOUT + 1) / 2, CUTOUT);
            assert_true(side == CUTOUT || first[axis] == 0 || last[axis] == SIDE - 1);
            cut += side < CUTOUT;
        }
        whole += cut == 0;
        corners += cut == 2;
        for (size_t pixel = 0; pixel < PIXELS; pixel++) {
            size_t y = pixel % PLANE / SIDE, x = pixel % SIDE;
            bool inside = y >= first[0] && y <= last[0] && x >= first[1] && x <= last[1];
            assert_true(image[pixel] == (inside ? 0 : plain[i * PIXELS + pixel]));
        }
    }
    /* The middle is in 24 of 32 rows, and columns, for a whole square. */
    assert_in_range(whole, IMAGES * 45 / 100, IMAGES * 67 / 100);
    assert_in_range(corners, 1, IMAGES * 13 / 100);
    free(hidden);
    free(plain);
    data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_sides),
                                       cmocka_unit_test(test_one_square_is_hidden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
