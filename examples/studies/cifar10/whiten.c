/* SPDX-License-Identifier: MIT */
#include "whiten.h"

#include <math.h>

enum { SEEN = 2000, SWEEPS = 50 }; /* images that are enough, and turns that are more than enough */

typedef double square[WHITEN_PATCH][WHITEN_PATCH];

/* Components of less than this share of the pixels' variance would be noise. */
static const double least_variance = 5e-4;

static void take_patch(const struct data *data, const uint8_t *pixels, size_t place,
                       double patch[WHITEN_PATCH])
{
    for (size_t i = 0; i < WHITEN_PATCH; i++) {
        size_t channel = i / (WHITEN_SIDE * WHITEN_SIDE), row = i / WHITEN_SIDE % WHITEN_SIDE,
               column = i % WHITEN_SIDE;
        patch[i] = (double)data->inputs[channel][pixels[channel * PLANE + place + row * SIDE + column]];
    }
}

/* Means are near 0, as pixels are standardised. */
static void find_covariance(const struct data *data, square covariance)
{
    double patch[WHITEN_PATCH], count = 0;
    size_t images = data_learned(data) < SEEN ? data_learned(data) : SEEN;
    for (size_t image = 0; image < images; image++) {
        const uint8_t *pixels = record_pixels(&data->train, data->order[image]);
        for (size_t place = 0; place + SIDE + 1 < PLANE; place++) {
            if (place % SIDE == SIDE - 1)
                continue;
            take_patch(data, pixels, place, patch);
            for (size_t i = 0; i < WHITEN_PATCH; i++)
                for (size_t j = 0; j < WHITEN_PATCH; j++)
                    covariance[i][j] += patch[i] * patch[j];
            count++;
        }
    }
    for (size_t i = 0; i < WHITEN_PATCH; i++)
        for (size_t j = 0; j < WHITEN_PATCH; j++)
            covariance[i][j] /= count;
}

static void turn(double *first, double *second, double cosine, double sine)
{
    double a = *first, b = *second;
    *first = cosine * a - sine * b;
    *second = sine * a + cosine * b;
}

/* Jacobi's method: turns pairs of axes until the matrix is diagonal; rows of `axes` are the components. */
static void find_components(square matrix, square axes)
{
    for (size_t i = 0; i < WHITEN_PATCH; i++)
        axes[i][i] = 1;
    for (size_t sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t p = 0; p < WHITEN_PATCH; p++)
            for (size_t q = p + 1; q < WHITEN_PATCH; q++) {
                double angle = 0.5 * atan2(2 * matrix[p][q], matrix[q][q] - matrix[p][p]);
                double cosine = cos(angle), sine = sin(angle);
                for (size_t i = 0; i < WHITEN_PATCH; i++)
                    turn(&matrix[i][p], &matrix[i][q], cosine, sine);
                for (size_t i = 0; i < WHITEN_PATCH; i++) {
                    turn(&matrix[p][i], &matrix[q][i], cosine, sine);
                    turn(&axes[p][i], &axes[q][i], cosine, sine);
                }
            }
}

void whiten_find(const struct data *data, float weight[WHITEN_MAPS * WHITEN_PATCH])
{
    square covariance = {{0}}, axes = {{0}};
    find_covariance(data, covariance);
    find_components(covariance, axes);
    for (size_t i = 0; i < WHITEN_PATCH; i++) {
        double scale = 1 / sqrt(covariance[i][i] + least_variance);
        for (size_t j = 0; j < WHITEN_PATCH; j++) {
            weight[i * WHITEN_PATCH + j] = (float)(scale * axes[i][j]);
            weight[(WHITEN_PATCH + i) * WHITEN_PATCH + j] = (float)(-scale * axes[i][j]);
        }
    }
}
