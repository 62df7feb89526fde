/* The products on panels of every instruction set that this machine has, against naive double loops, and the
 * bits that they promise. SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "random.h"
#include "variants.h"

enum { GUARD = 64 };

/* The products of one precision of one instruction set. */
typedef struct subject {
    const mfi_kernels *kernels;
    mfi_precision precision;
    const mfi_panel_products *own;
} subject;

/* What an operand is rounded to: 8 significant bits, nearest even. */
static double rounded(const subject *s, float value)
{
    int exponent;
    double part = frexp((double)value, &exponent);
    return s->precision == MFI_FLOAT32 ? (double)value : ldexp(nearbyint(256.0 * part) / 256.0, exponent);
}

static float *random_array(test_random *random, size_t count)
{
    float *values = get_memory((count + GUARD) * sizeof *values);
    random_values(random, values, count + GUARD, 1.0);
    return values;
}

/* Rows as a first operand: themselves, or rounded. */
typedef struct rows_operand {
    const void *rows;
    size_t stride;
    void *made;
} rows_operand;

static rows_operand make_rows(const subject *s, size_t rows, size_t inner, const float *x, size_t stride)
{
    size_t depth = mfi_depth(s->precision, inner);
    rows_operand operand = {x, stride, NULL};
    if (s->precision == MFI_FLOAT32)
        return operand;
    operand.made = get_memory(rows * depth * 4);
    s->own->round_rows(rows, inner, x, stride, operand.made);
    return (rows_operand){operand.made, depth, operand.made};
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

/* As a second operand: its panels, or a copy of them that is rounded; free() it. */
static void *make_panels(const subject *s, const matrix *m)
{
    size_t rows = m->order.rows, columns = m->order.columns, width;
    size_t depth = mfi_depth(s->precision, columns), bytes = m->room / columns * depth * 4;
    unsigned char *to = get_memory(bytes);
    if (s->precision == MFI_FLOAT32)
        memcpy(to, m->panels, bytes);
    for (size_t start = 0; s->precision != MFI_FLOAT32 && start < rows; start += width) {
        width = mfi_order_panel(&s->kernels->order, rows, start);
        s->own->round_panel(columns, 1, width, m->panels + start * columns, to + 4 * start * depth);
    }
    return to;
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
    float *back = get_memory(count * sizeof *back);
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
    free(back);
    free_matrix(&m);
}

/* Whatever was behind the last row, it is 0 once the values are set, all at once or piece by piece. */
static void check_fill(const mfi_kernels *kernels, test_random *random, size_t rows, size_t columns)
{
    matrix m = random_matrix(kernels, random, rows, columns);
    size_t count = rows * columns, start = rows / kernels->order.width * kernels->order.width;
    size_t all = mfi_order_rows(&kernels->order, rows), panel = all - start;
    for (size_t i = 0; i < all * columns; i++)
        m.panels[i] = NAN;
    for (size_t first = 0, piece; first < count; first += piece) {
        piece = 1 + random_index(random, count - first);
        mfi_order_set(&m.order, m.panels, first, piece, m.plain + first);
    }
    for (size_t j = 0; j < columns; j++)
        for (size_t i = rows - start; i < panel; i++)
            assert_true(m.panels[start * columns + j * panel + i] == 0.0f);
    free_matrix(&m);
}

/* ---- C = A B, and C += A B ---- */

static void check_multiply(const subject *s, test_random *random, size_t rows, size_t inner, size_t columns,
                           bool add)
{
    size_t lda = inner + 3, ldc = columns + 2;
    matrix b = random_matrix(s->kernels, random, columns, inner);
    float *a = random_array(random, rows * lda), *c = random_array(random, rows * ldc);
    float *before = get_memory((rows * ldc + GUARD) * sizeof *before);
    rows_operand first = make_rows(s, rows, inner, a, lda);
    void *second = make_panels(s, &b);
    memcpy(before, c, (rows * ldc + GUARD) * sizeof *c);
    s->own->multiply(rows, mfi_depth(s->precision, inner), first.rows, first.stride, columns, second, add, c,
                     ldc);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < ldc; j++) {
            double sum = add ? (double)before[i * ldc + j] : 0.0, size = 1.0;
            for (size_t p = 0; j < columns && p < inner; p++) {
                double term = rounded(s, a[i * lda + p]) * rounded(s, b.plain[j * inner + p]);
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
    free(first.made);
    free(second);
    free_matrix(&b);
}

/* A row's bits are the same whatever rows are beside it. */
static void check_bits_of_rows(const subject *s, test_random *random)
{
    enum { ROWS = 13, INNER = 301, COLUMNS = 203 };
    const size_t depth = mfi_depth(s->precision, INNER);
    matrix b = random_matrix(s->kernels, random, COLUMNS, INNER);
    float *a = random_array(random, ROWS * INNER), *all = random_array(random, ROWS * COLUMNS);
    float *part = random_array(random, ROWS * COLUMNS);
    rows_operand first = make_rows(s, ROWS, INNER, a, INNER);
    void *second = make_panels(s, &b);
    s->own->multiply(ROWS, depth, first.rows, first.stride, COLUMNS, second, false, all, COLUMNS);
    for (size_t rows = 1; rows < ROWS; rows++) {
        s->own->multiply(rows, depth, first.rows, first.stride, COLUMNS, second, false, part, COLUMNS);
        assert_memory_equal(all, part, rows * COLUMNS * sizeof *all);
    }
    free(a);
    free(all);
    free(part);
    free(first.made);
    free(second);
    free_matrix(&b);
}

/* ---- g = dz^T x ---- */

/* dz, x, and what they make, for one panel of `real` neurons, filled up with zeros to `width`. */
typedef struct gradient_case {
    size_t batch, real, width, columns, ldx, lddz;
    float *x, *dz;
    void *packed, *panel;
} gradient_case;

static gradient_case random_gradient(const subject *s, test_random *random, size_t batch, size_t real,
                                     size_t columns)
{
    gradient_case c = {
        batch, real, mfi_order_panel(&s->kernels->order, real, 0), columns, columns + 3, real + 2, 0, 0,
        0,     0};
    size_t depth = mfi_depth(s->precision, batch);
    c.x = random_array(random, batch * c.ldx);
    c.dz = random_array(random, batch * c.lddz);
    c.packed = random_array(random, depth * mfi_packed_columns(columns));
    c.panel = random_array(random, depth * c.width);
    s->own->pack(batch, columns, c.x, c.ldx, c.packed);
    s->own->pack_panel(batch, real, c.width, c.dz, c.lddz, c.panel);
    return c;
}

static void free_gradient(gradient_case *c)
{
    free(c->x);
    free(c->dz);
    free(c->packed);
    free(c->panel);
}

/* The exact value at place `i` of the panel, and the size of its terms. */
static double exact_gradient(const subject *s, const gradient_case *c, size_t i, double *size)
{
    double sum = 0.0;
    *size = 1.0;
    for (size_t b = 0; i % c->width < c->real && b < c->batch; b++) {
        double term =
            rounded(s, c->dz[b * c->lddz + i % c->width]) * rounded(s, c->x[b * c->ldx + i / c->width]);
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

static void check_gradient(const subject *s, test_random *random, size_t batch, size_t real, size_t columns)
{
    gradient_case c = random_gradient(s, random, batch, real, columns);
    size_t count = c.width * columns;
    float *g = random_array(random, count), kept[GUARD];
    memcpy(kept, g + count, sizeof kept);
    s->own->gradient_panel(batch, columns, c.width, c.panel, c.packed, g);
    for (size_t i = 0; i < count; i++) {
        double size, exact = exact_gradient(s, &c, i, &size);
        check_near(exact, (double)g[i], 1e-6 * size);
    }
    assert_memory_equal(kept, g + count, sizeof kept);
    free(g);
    free_gradient(&c);
}

/* The update behind the product is bit for bit that of update() from gradient_panel(), which other tests
 * compare with double loops; it changes nothing behind the panel; the copy is the new panel, rounded; and it
 * tells of a value that is not finite. */
static void check_update(const subject *s, test_random *random, int kind, size_t batch, size_t real,
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
    gradient_case c = random_gradient(s, random, batch, real, columns);
    size_t count = c.width * columns, bytes = (count + GUARD) * sizeof(float);
    size_t copied = s->precision == MFI_FLOAT32 ? 0 : 4 * c.width * mfi_depth(s->precision, columns);
    unsigned char *copy = get_zeroed(copied + GUARD, 1), *wanted = get_zeroed(copied + GUARD, 1);
    float *g = random_array(random, count), *fused[3], *apart[3];
    for (int i = 0; i < 3; i++) {
        fused[i] = random_array(random, count);
        apart[i] = get_memory(bytes);
        for (size_t j = 0; j < count + GUARD; j++)
            fused[i][j] = i > 0 ? fabsf(fused[i][j]) : fused[i][j];
        memcpy(apart[i], fused[i], bytes);
    }
    s->own->gradient_panel(batch, columns, c.width, c.panel, c.packed, g);
    assert_true(s->kernels->update(&rule, 1, count, apart[0], count, g, count, apart[1], apart[2]));
    assert_true(s->own->update_panel(&rule, batch, columns, c.width, c.panel, c.packed, fused[0], fused[1],
                                     fused[2], copy));
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(apart[i], fused[i], bytes);
        free(apart[i]);
    }
    if (copied > 0)
        s->own->round_panel(columns, 1, c.width, fused[0], wanted);
    assert_memory_equal(copy, wanted, copied + GUARD);
    fused[0][random_index(random, count)] = INFINITY;
    assert_false(s->own->update_panel(&rule, batch, columns, c.width, c.panel, c.packed, fused[0], fused[1],
                                      fused[2], copy));
    for (int i = 0; i < 3; i++)
        free(fused[i]);
    free(copy);
    free(wanted);
    free(g);
    free_gradient(&c);
}

/* ---- dx = dz W, all of it or some columns ---- */

static void check_input(const subject *s, test_random *random, size_t rows, size_t n, size_t columns,
                        bool some)
{
    size_t start = some ? columns / 3 : 0, end = columns - (some ? columns / 4 : 0);
    size_t lddz = n + 1, filled = mfi_order_rows(&s->kernels->order, n);
    matrix w = random_matrix(s->kernels, random, n, columns);
    float *dz = random_array(random, rows * lddz), *dx = random_array(random, rows * columns);
    float *before = get_memory((rows * columns + GUARD) * sizeof *before);
    float *room = get_memory(filled * s->kernels->order.width * sizeof *room);
    rows_operand first = make_rows(s, rows, n, dz, lddz);
    memcpy(before, dx, (rows * columns + GUARD) * sizeof *dx);
    s->own->input_gradient(rows, n, first.rows, first.stride, columns, w.panels, start, end, dx, room);
    for (size_t b = 0; b < rows; b++)
        for (size_t j = 0; j < columns; j++) {
            bool computed = j >= start && j < end;
            double sum = computed ? 0.0 : (double)before[b * columns + j], size = 1.0;
            for (size_t i = 0; computed && i < n; i++) {
                double term = rounded(s, dz[b * lddz + i]) * rounded(s, w.plain[i * columns + j]);
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
    free(first.made);
    free_matrix(&w);
}

/* ---- rounding to bf16 ---- */

/* The two halves of a pair, as float32 bits. */
static void halves_of(const subject *s, float even, float odd, uint32_t halves[2])
{
    const float row[2] = {even, odd};
    uint32_t pair;
    s->own->round_rows(1, 2, row, 2, &pair);
    halves[0] = pair << 16;
    halves[1] = pair & 0xFFFF0000u;
}

static void check_rounding(const subject *s, test_random *random)
{
    /* a tie to the even neighbour below, one above, just beyond a tie, the largest, and beyond it */
    static const uint32_t from[] = {0x3F808000, 0x3F818000, 0x3F808001, 0x7F7F7FFF, 0x7F7F8000,
                                    0x7F800000, 0xFF800000, 0x00000000, 0x80000000};
    static const uint32_t to[] = {0x3F800000, 0x3F820000, 0x3F810000, 0x7F7F0000, 0x7F800000,
                                  0x7F800000, 0xFF800000, 0x00000000, 0x80000000};
    uint32_t halves[2];
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        float value;
        memcpy(&value, &from[i], sizeof value);
        halves_of(s, value, 1.0f, halves);
        assert_int_equal(halves[0], to[i]);
        assert_int_equal(halves[1], 0x3F800000);
    }
    halves_of(s, NAN, -NAN, halves);
    assert_true((halves[0] & 0x7FFFFFFF) > 0x7F800000 && (halves[1] & 0x7FFFFFFF) > 0x7F800000);
    for (int i = 0; i < 1000; i++) {
        float values[2], back[2];
        random_values(random, values, 2, 3.0);
        halves_of(s, values[0], values[1], halves);
        memcpy(back, halves, sizeof back);
        assert_true((double)back[0] == rounded(s, values[0]) && (double)back[1] == rounded(s, values[1]));
    }
}

/* What the processor has beside the table gives the table's bits. */
static void check_same_bits(const mfi_kernels *kernels, test_random *random)
{
    enum { ROWS = 23, INNER = 301, COLUMNS = 203 };
    const subject table = {kernels, MFI_BF16, &kernels->products[MFI_BF16]};
    const mfi_panel_products *beside = mfi_kernels_bf16(kernels);
    size_t depth = mfi_depth(MFI_BF16, INNER);
    matrix b = random_matrix(kernels, random, COLUMNS, INNER);
    float *a = random_array(random, ROWS * INNER), *one = random_array(random, ROWS * COLUMNS);
    float *other = random_array(random, ROWS * COLUMNS);
    rows_operand first = make_rows(&table, ROWS, INNER, a, INNER);
    void *second = make_panels(&table, &b);
    table.own->multiply(ROWS, depth, first.rows, first.stride, COLUMNS, second, false, one, COLUMNS);
    beside->multiply(ROWS, depth, first.rows, first.stride, COLUMNS, second, false, other, COLUMNS);
    assert_memory_equal(one, other, ROWS * COLUMNS * sizeof *one);
    free(a);
    free(one);
    free(other);
    free(first.made);
    free(second);
    free_matrix(&b);
}

/* ---- all of them ---- */

/* Around tiles of 1, 2, 4, 6 and 8 rows, panels of 8 to 48 columns, and blocks of 128 to 512 values. */
static const size_t rows_of[] = {1, 2, 3, 5, 6, 7, 8, 9, 13},
                    widths[] = {1, 7, 8, 16, 17, 33, 47, 48, 49, 97};
static const size_t inner[] = {1, 2, 5, 127, 129, 256, 257, 513}, batches[] = {1, 2, 5, 33};

static void check_subject(const subject *s, test_random *random)
{
    size_t width = s->kernels->order.width;
    for (size_t r = 0; r < COUNT_OF(rows_of); r++)
        for (size_t w = 0; w < COUNT_OF(widths); w++) {
            check_input(s, random, rows_of[r], widths[w], widths[(w + r) % COUNT_OF(widths)], r % 2 == 0);
            for (size_t i = 0; i < COUNT_OF(inner); i++)
                check_multiply(s, random, rows_of[r], inner[i], widths[w], (i + w) % 2 == 0);
        }
    for (size_t b = 0; b < COUNT_OF(batches); b++)
        for (size_t real = 1; real <= width; real += width / 4 + 1)
            for (size_t w = 0; w < COUNT_OF(widths); w++) {
                check_gradient(s, random, batches[b], real, widths[w]);
                for (int kind = MFI_RULE_SGD; kind <= MFI_RULE_RMSPROP_MOMENTUM; kind++)
                    check_update(s, random, kind, batches[b], real, widths[w]);
            }
    check_bits_of_rows(s, random);
}

static void check_variant(const mfi_kernels *kernels, int index)
{
    test_random random = {(uint64_t)index + 7};
    const subject values = {kernels, MFI_FLOAT32, &kernels->products[MFI_FLOAT32]};
    const subject bf16 = {kernels, MFI_BF16, mfi_kernels_bf16(kernels)};
    for (size_t r = 0; r < COUNT_OF(rows_of); r++)
        for (size_t w = 0; w < COUNT_OF(widths); w++) {
            check_order(kernels, &random, rows_of[r] * widths[w], 1 + r);
            check_order(kernels, &random, widths[w], rows_of[r]);
            check_fill(kernels, &random, widths[w], rows_of[r]);
        }
    check_subject(&values, &random);
    check_subject(&bf16, &random);
    check_rounding(&bf16, &random);
    check_same_bits(kernels, &random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT_TESTS,
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
