/* With M M^T = V diag(s^2) V^T, the nearest matrix of rank r is V_r V_r^T M: the eigenvectors of the r
 * largest eigenvalues. M M^T is as small as the number of classes, and Jacobi's rotations find V.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rank.h"

#include "complain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SWEEPS = 30 };

static void gram(const float *m, size_t classes, size_t columns, double *g)
{
    for (size_t i = 0; i < classes; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k < columns; k++)
                sum += (double)m[i * columns + k] * (double)m[j * columns + k];
            g[i * classes + j] = g[j * classes + i] = sum;
        }
    }
}

/* Turns rows and columns p and q of g so that g[p][q] becomes 0, and the columns of v alike. */
static void rotate(double *g, double *v, size_t n, size_t p, size_t q)
{
    double theta = (g[q * n + q] - g[p * n + p]) / (2 * g[p * n + q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        double a = g[k * n + p], b = g[k * n + q];
        g[k * n + p] = c * a - s * b;
        g[k * n + q] = s * a + c * b;
        a = v[k * n + p];
        b = v[k * n + q];
        v[k * n + p] = c * a - s * b;
        v[k * n + q] = s * a + c * b;
    }
    for (size_t k = 0; k < n; k++) {
        double a = g[p * n + k], b = g[q * n + k];
        g[p * n + k] = c * a - s * b;
        g[q * n + k] = s * a + c * b;
    }
}

/* Eigenvalues to the diagonal of g, eigenvectors to the columns of v. */
static void diagonalise(double *g, double *v, size_t n)
{
    double total = 0;
    memset(v, 0, n * n * sizeof *v);
    for (size_t i = 0; i < n; i++) {
        v[i * n + i] = 1;
        total += g[i * n + i];
    }
    for (size_t sweep = 0; sweep < MOST_SWEEPS; sweep++) {
        double off = 0;
        for (size_t p = 0; p < n; p++) {
            for (size_t q = p + 1; q < n; q++) {
                off += fabs(g[p * n + q]);
                if (fabs(g[p * n + q]) > 1e-15 * total)
                    rotate(g, v, n, p, q);
            }
        }
        if (off <= 1e-12 * total)
            return;
    }
}

/* Is eigenvalue i among the `rank` largest? Equal ones count by position. */
static bool is_large(const double *g, size_t n, size_t i, size_t rank)
{
    size_t before = 0;
    for (size_t j = 0; j < n; j++)
        before += g[j * n + j] > g[i * n + i] || (g[j * n + j] == g[i * n + i] && j < i);
    return before < rank;
}

static void keep_large(float *m, size_t classes, size_t columns, size_t rank, const double *g,
                       const double *v, double *column)
{
    for (size_t k = 0; k < columns; k++) {
        memset(column, 0, classes * sizeof *column);
        for (size_t e = 0; e < classes; e++) {
            double share = 0;
            if (!is_large(g, classes, e, rank))
                continue;
            for (size_t i = 0; i < classes; i++)
                share += v[i * classes + e] * (double)m[i * columns + k];
            for (size_t i = 0; i < classes; i++)
                column[i] += share * v[i * classes + e];
        }
        for (size_t i = 0; i < classes; i++)
            m[i * columns + k] = (float)column[i];
    }
}

bool rank_nearest(float *m, size_t classes, size_t columns, size_t rank)
{
    double *room = malloc((2 * classes + 1) * classes * sizeof *room);
    if (!room)
        return false;
    double *g = room, *v = room + classes * classes;
    gram(m, classes, columns, g);
    diagonalise(g, v, classes);
    keep_large(m, classes, columns, rank, g, v, v + classes * classes);
    free(room);
    return true;
}

bool rank_limit(mf_layer *layer, size_t rank)
{
    mf_layer_spec spec = {.struct_size = sizeof spec};
    if (!library_ok(mf_layer_describe(layer, &spec)))
        return false;
    if (rank >= spec.classes)
        return true;
    size_t count = spec.classes * spec.outputs;
    float *m = malloc(count * sizeof *m);
    bool good = m && library_ok(mf_layer_get_parameter(layer, "projection", m, count)) &&
                rank_nearest(m, spec.classes, spec.outputs, rank) &&
                library_ok(mf_layer_set_parameter(layer, "projection", m, count));
    free(m);
    return good || complain("the rank of a projection could not be limited");
}
