/* Whitened patches of cifar10's first layer: what comes out has no covariances, and the second half of the
 * filters is the first with the other sign. SPDX-License-Identifier: MIT */
#include "whiten.h"

#include <math.h>

#include "../support/check.h"

enum { IMAGES = 200, SEEN = 12 };

static double response(const struct data *data, const float *filter, const uint8_t *pixels, size_t y,
                       size_t x)
{
    double sum = 0;
    for (size_t channel = 0; channel < CHANNELS; channel++)
        for (size_t row = 0; row < 2; row++)
            for (size_t column = 0; column < 2; column++)
                sum += (double)filter[(channel * 2 + row) * 2 + column] *
                       (double)data->inputs[channel][pixels[channel * PLANE + (y + row) * SIDE + x + column]];
    return sum;
}

static void add_products(const struct data *data, const float *weight, size_t image, double sums[SEEN][SEEN])
{
    const uint8_t *pixels = record_pixels(&data->train, image);
    for (size_t y = 0; y + 1 < SIDE; y++)
        for (size_t x = 0; x + 1 < SIDE; x++) {
            double seen[SEEN];
            for (size_t i = 0; i < SEEN; i++)
                seen[i] = response(data, weight + i * WHITEN_PATCH, pixels, y, x);
            for (size_t i = 0; i < SEEN; i++)
                for (size_t j = 0; j < SEEN; j++)
                    sums[i][j] += seen[i] * seen[j];
        }
}

static void test_whitening(void **state)
{
    struct data data;
    float weight[WHITEN_MAPS * WHITEN_PATCH];
    double sums[SEEN][SEEN] = {{0}};
    (void)state;
    assert_true(data_open(&data, SET_CIFAR10, NULL, IMAGES, 1));
    whiten_find(&data, weight);
    for (size_t image = 0; image < IMAGES; image++)
        add_products(&data, weight, image, sums);
    for (size_t i = 0; i < SEEN; i++) {
        double variance = sums[i][i] / (IMAGES * (SIDE - 1.0) * (SIDE - 1.0));
        assert_true(variance > 0.9 && variance < 1.0001); /* a little less than 1, for the noise's sake */
        for (size_t j = 0; j < i; j++)
            assert_true(fabs(sums[i][j]) < 1e-4 * sums[i][i]);
    }
    for (size_t i = 0; i < WHITEN_PATCH * WHITEN_PATCH; i++)
        assert_true(weight[WHITEN_PATCH * WHITEN_PATCH + i] == -weight[i]);
    data_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whitening)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
