/* The products on panels of every instruction set that this machine has, against naive double loops, and the
 * bits that they promise. SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "random.h"
#include "variants.h"

enum { GUARD = 64 };

static float *random_array(test_random *random, size_t count)
{
    float *values = get_memory((count + GUARD) * sizeof *values);
    random_values(random, values, count + GUARD, 1.0);
    return values;
}

/* A matrix [rows, columns] in plain order and in panels. */
typedef struct matrix {
    mfi_matrix_order order;
    float *plain, *panels;
    size_t room;
} matrix;

static matrix random_matrix(const mfi_kernels *kernels, test_random *random, size_t rows, size_t columns)
{
    matrix m = {.order = {kernels->order, rows, columns}};
    m.room = mfi_order_rows(&kernels->order, rows) * columns;
    m.plain = random_array(random, rows * columns);
    m.panels = get_zeroed(m.room + GUARD, sizeof *m.panels);
    mfi_order_set(&m.order, m.panels, 0, rows * columns, m.plain);
    return m;
}

static void free_matrix(matrix *m)
{
    free(m->plain);
    free(m->panels);
}

/* ---- the order ---- */

/* The place of every value by the formula of order.h, and pieces of any length. */
static void check_order(const mfi_kernels *kernels, test_random *random, size_t rows, size_t columns)
{
    matrix m = random_matrix(kernels, random, rows, columns);
    size_t width = kernels->order.width, count = rows * columns;
    float *back = get_memory(count * sizeof *back), *gathered = get_memory(m.room * sizeof *gathered);
    for (size_t i = 0; i < rows; i++) {
        size_t start = i / width * width, panel = rows - start;
        panel = panel >= width ? width : (panel + kernels->order.lanes - 1) / kernels->order.lanes;
        panel = panel == width ? width : panel * kernels->order.lanes;
        for (size_t j = 0; j < columns; j++)
            assert_true(m.panels[start * columns + j * panel + (i - start)] == m.plain[i * columns + j]);
    }
    for (size_t first = 0, piece; first < count; first += piece) {
        piece = 1 + random_index(random, count - first);
        mfi_order_get(&m.order, m.panels, first, piece, back + first);
    }
    assert_memory_equal(back, m.plain, count * sizeof *back);
    for (size_t first = 0, piece; first < m.room; first += piece) {
        piece = 1 + random_index(random, m.room - first);
        mfi_order_gather(&m.order, m.plain, first, piece, gathered + first);
    }
    assert_memory_equal(gathered, m.panels, m.room * sizeof *gathered);
    free(back);
    free(gathered);
    free_matrix(&m);
}

/* ---- C = A B, and C += A B ---- */

static void check_multiply(const mfi_kernels *kernels, test_random *random, size_t rows, size_t inner,
                           size_t columns, bool add)
{
    size_t lda = inner + 3, ldc = columns + 2;
    matrix b = random_matrix(kernels, random, columns, inner);
    float *a = random_array(random, rows * lda), *c = random_array(random, rows * ldc);
    float *before = get_memory((rows * ldc + GUARD) * sizeof *before);
    memcpy(before, c, (rows * ldc + GUARD) * sizeof *c);
    kernels->multiply(rows, inner, a, lda, columns, b.panels, add, c, ldc);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < ldc; j++) {
            double sum = add ? (double)before[i * ldc + j] : 0.0, size = 1.0;
            for (size_t p = 0; j < columns && p < inner; p++) {
                double term = (double)a[i * lda + p] * (double)b.plain[j * inner + p];
                sum += term;
                size += fabs(term);
            }
            if (j < columns)
                check_near(sum, (double)c[i * ldc + j], 1e-6 * size);
            else
                assert_true(c[i * ldc + j] == before[i * ldc + j]);
        }
    assert_memory_equal(c + rows * ldc, before + rows * ldc, GUARD * sizeof *c);
    free(a);
    free(c);
    free(before);
    free_matrix(&b);
}

/* A row's bits are the same whatever rows are beside it. */
static void check_bits_of_rows(const mfi_kernels *kernels, test_random *random)
{
    enum { ROWS = 13, INNER = 301, COLUMNS = 203 };
    matrix b = random_matrix(kernels, random, COLUMNS, INNER);
    float *a = random_array(random, ROWS * INNER), *all = random_array(random, ROWS * COLUMNS);
    float *part = random_array(random, ROWS * COLUMNS);
    kernels->multiply(ROWS, INNER, a, INNER, COLUMNS, b.panels, false, all, COLUMNS);
    for (size_t rows = 1; rows < ROWS; rows++) {
        kernels->multiply(rows, INNER, a, INNER, COLUMNS, b.panels, false, part, COLUMNS);
        assert_memory_equal(all, part, rows * COLUMNS * sizeof *all);
    }
    free(a);
    free(all);
    free(part);
    free_matrix(&b);
}

/* ---- g = dz^T x ---- */

/* dz, x, and what they make, for one panel of `real` neurons, filled up with zeros to `width`. */
typedef struct gradient_case {
    size_t batch, real, width, columns, ldx;
    float *x, *dz, *packed;
} gradient_case;

static gradient_case random_gradient(const mfi_kernels *kernels, test_random *random, size_t batch,
                                     size_t real, size_t columns)
{
    gradient_case c = {batch, real, mfi_order_panel(&kernels->order, real, 0), columns, columns + 3, 0, 0, 0};
    c.x = random_array(random, batch * c.ldx);
    c.dz = random_array(random, batch * c.width);
    c.packed = random_array(random, batch * mfi_packed_columns(columns));
    for (size_t i = 0; i < batch * c.width; i++)
        c.dz[i] = i % c.width < real ? c.dz[i] : 0.0f;
    kernels->pack(batch, columns, c.x, c.ldx, c.packed);
    return c;
}

static void free_gradient(gradient_case *c)
{
    free(c->x);
    free(c->dz);
    free(c->packed);
}

/* The exact value at place `i` of the panel, and the size of its terms. */
static double exact_gradient(const gradient_case *c, size_t i, double *size)
{
    double sum = 0.0;
    *size = 1.0;
    for (size_t b = 0; b < c->batch; b++) {
        double term = (double)c->dz[b * c->width + i % c->width] * (double)c->x[b * c->ldx + i / c->width];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

static void check_gradient(const mfi_kernels *kernels, test_random *random, size_t batch, size_t real,
                           size_t columns)
{
    gradient_case c = random_gradient(kernels, random, batch, real, columns);
    size_t count = c.width * columns;
    float *g = random_array(random, count), kept[GUARD];
    memcpy(kept, g + count, sizeof kept);
    kernels->gradient_panel(batch, columns, c.width, c.dz, c.packed, g);
    for (size_t i = 0; i < count; i++) {
        double size, exact = exact_gradient(&c, i, &size);
        check_near(exact, (double)g[i], 1e-6 * size);
    }
    assert_memory_equal(kept, g + count, sizeof kept);
    free(g);
    free_gradient(&c);
}

/* The update behind the product is bit for bit that of update() from gradient_panel(), which other tests
 * compare with double loops; and it changes nothing behind the panel. */
static void check_update(const mfi_kernels *kernels, test_random *random, int kind, size_t batch, size_t real,
                         size_t columns)
{
    const mfi_rule rule = {.kind = (mfi_rule_kind)kind,
                           .rate = 0.05f,
                           .decay = 0.1f,
                           .keep = 0.97f,
                           .momentum = 0.8f,
                           .beta1 = 0.75f,
                           .beta2 = 0.9f,
                           .epsilon = 0.01f,
                           .root = 1.7f};
    gradient_case c = random_gradient(kernels, random, batch, real, columns);
    size_t count = c.width * columns, bytes = (count + GUARD) * sizeof(float);
    float *g = random_array(random, count), *fused[3], *apart[3];
    for (int i = 0; i < 3; i++) {
        fused[i] = random_array(random, count);
        apart[i] = get_memory(bytes);
        for (size_t j = 0; j < count + GUARD; j++)
            fused[i][j] = i > 0 ? fabsf(fused[i][j]) : fused[i][j];
        memcpy(apart[i], fused[i], bytes);
    }
    kernels->gradient_panel(batch, columns, c.width, c.dz, c.packed, g);
    kernels->update(&rule, 1, count, apart[0], count, g, count, apart[1], apart[2]);
    kernels->update_panel(&rule, batch, columns, c.width, c.dz, c.packed, fused[0], fused[1], fused[2]);
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(apart[i], fused[i], bytes);
        free(apart[i]);
        free(fused[i]);
    }
    free(g);
    free_gradient(&c);
}

/* ---- dx = dz W, and dx += dz W ---- */

static void check_input(const mfi_kernels *kernels, test_random *random, size_t rows, size_t n,
                        size_t columns, bool add)
{
    size_t lddz = n + 1, filled = mfi_order_rows(&kernels->order, n);
    matrix w = random_matrix(kernels, random, n, columns);
    float *dz = random_array(random, rows * lddz), *dx = random_array(random, rows * columns);
    float *before = get_memory((rows * columns + GUARD) * sizeof *before);
    float *room = get_memory(filled * kernels->order.width * sizeof *room);
    memcpy(before, dx, (rows * columns + GUARD) * sizeof *dx);
    kernels->input_gradient(rows, n, dz, lddz, columns, w.panels, add, dx, room);
    for (size_t b = 0; b < rows; b++)
        for (size_t j = 0; j < columns; j++) {
            double sum = add ? (double)before[b * columns + j] : 0.0, size = 1.0;
            for (size_t i = 0; i < n; i++) {
                double term = (double)dz[b * lddz + i] * (double)w.plain[i * columns + j];
                sum += term;
                size += fabs(term);
            }
            check_near(sum, (double)dx[b * columns + j], 1e-6 * size);
        }
    assert_memory_equal(before + rows * columns, dx + rows * columns, GUARD * sizeof *dx);
    free(dz);
    free(dx);
    free(before);
    free(room);
    free_matrix(&w);
}

/* ---- all of them ---- */

/* Around tiles of 1, 2, 4, 6 and 8 rows, panels of 8 to 48 columns, and blocks of 128 to 512 values. */
static void check_variant(const mfi_kernels *kernels, int index)
{
    static const size_t rows[] = {1, 2, 3, 5, 6, 7, 8, 9, 13},
                        widths[] = {1, 7, 8, 16, 17, 33, 47, 48, 49, 97};
    static const size_t inner[] = {1, 2, 5, 127, 129, 256, 257, 513}, batches[] = {1, 2, 5, 33};
    test_random random = {(uint64_t)index + 7};
    for (size_t r = 0; r < COUNT_OF(rows); r++)
        for (size_t w = 0; w < COUNT_OF(widths); w++) {
            check_order(kernels, &random, rows[r] * widths[w], 1 + r);
            check_order(kernels, &random, widths[w], rows[r]);
            check_input(kernels, &random, rows[r], widths[w], widths[(w + r) % COUNT_OF(widths)], r % 2 == 0);
            for (size_t i = 0; i < COUNT_OF(inner); i++)
                check_multiply(kernels, &random, rows[r], inner[i], widths[w], (i + w) % 2 == 0);
        }
    for (size_t b = 0; b < COUNT_OF(batches); b++)
        for (size_t real = 1; real <= kernels->order.width; real += kernels->order.width / 4 + 1)
            for (size_t w = 0; w < COUNT_OF(widths); w++) {
                check_gradient(kernels, &random, batches[b], real, widths[w]);
                for (int kind = MFI_RULE_SGD; kind <= MFI_RULE_RMSPROP_MOMENTUM; kind++)
                    check_update(kernels, &random, kind, batches[b], real, widths[w]);
            }
    check_bits_of_rows(kernels, &random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
