/* Images that cifar10 mirrors in every second pass: after two passes each was seen from both sides, and in
 * every pass about half of them are mirrored. Mirror images are made here. SPDX-License-Identifier: MIT */
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_sides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
