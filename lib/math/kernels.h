/* Owns: the element-wise operations of a step and its products with few rows: a table of functions for each
 * instruction set.
 *
 * The functions are written once, in kernels_body.h, and compiled for each instruction set. A handle chooses
 * its table when it is created. So a build for any processor uses the instructions of this one, without
 * global state. */
#ifndef MFI_MATH_KERNELS_H
#define MFI_MATH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "math/gemm.h"
#include "math/maps.h"
#include "math/order.h"

/* CMake sees to that. Without signed zeros GCC takes 0 x for 0, also if x is NaN. */
#if (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) || defined(__ASSOCIATIVE_MATH__) || \
    defined(__NO_SIGNED_ZEROS__)
#error \
    "The library tells NaN and infinity from numbers: compile it without -ffast-math, -Ofast and what is in them."
#endif

/* The formula that updates parameters p from gradients g. */
typedef enum mfi_rule_kind {
    MFI_RULE_SGD = 0,             /* p -= lr g */
    MFI_RULE_MOMENTUM = 1,        /* v = momentum v + g;  p -= lr v */
    MFI_RULE_NESTEROV = 2,        /* v = momentum v + g;  p -= lr (g + momentum v) */
    MFI_RULE_ADAM = 3,            /* m, v;  p -= rate m / (sqrt(v) root + epsilon) */
    MFI_RULE_RMSPROP = 4,         /* s;  p -= lr g / (sqrt(s) + epsilon) */
    MFI_RULE_RMSPROP_MOMENTUM = 5 /* s, v = momentum v + g / (sqrt(s) + epsilon);  p -= lr v */
} mfi_rule_kind;

typedef struct mfi_rule {
    mfi_rule_kind kind;
    float rate;  /* learning rate; Adam's divided by its first bias correction */
    float decay; /* added to the gradient: g + decay p */
    float keep;  /* factor of p before the update: 1 - lr decay if the decay is decoupled, else 1 */
    float momentum;
    float beta1, beta2, epsilon;
    float root; /* Adam: 1 / sqrt of the second bias correction */
} mfi_rule;

/* The activation phi. */
typedef struct mfi_activation {
    int32_t kind; /* MF_ACTIVATION_... */
    float leak;
} mfi_activation;

/* Normalisation of a product u to the preactivation z = (u - mean) scale + bias. */
typedef struct mfi_shift {
    float mean, scale, bias;
} mfi_shift;

/* What a softmax takes from its arguments, and multiplies their exponentials by. */
typedef struct mfi_softmax_shift {
    float highest, inverse;
} mfi_softmax_shift;

/* The transforms of Winograd's convolution (winograd.h), and the transposes of two of them. */
typedef enum mfi_transform_kind {
    MFI_TRANSFORM_INPUT,        /* 6 x 6 values to 6 x 6 */
    MFI_TRANSFORM_WEIGHTS,      /* 3 x 3 values to 6 x 6 */
    MFI_TRANSFORM_WEIGHTS_BACK, /* 6 x 6 values to 3 x 3 */
    MFI_TRANSFORM_OUTPUT,       /* 6 x 6 values to 4 x 4 */
    MFI_TRANSFORM_OUTPUT_BACK   /* 4 x 4 values to 6 x 6 */
} mfi_transform_kind;

/* What the operands of products are rounded to. Sums, parameters and everything else are float32. */
typedef enum mfi_precision {
    MFI_FLOAT32 = 0,
    MFI_BF16 = 1, /* nearest even; two values of neighbouring inner indices in 32 bits: math/pairs.h */
    MFI_PRECISIONS = 2
} mfi_precision;

/* What the products of a precision count inner indices in: values, or pairs of them. */
static inline size_t mfi_depth(mfi_precision precision, size_t inner)
{
    return precision == MFI_BF16 ? (inner + 1) / 2 : inner;
}

/* Products of one precision. A matrix as an operand has 32 bits for each value or pair; row strides and
 * depths count these, and `depth` is mfi_depth() of the inner size. */
typedef struct mfi_panel_products {
    /* x [rows, inner] as the first operand of multiply and input_gradient, dense. NULL: x itself is one. */
    void (*round_rows)(size_t rows, size_t inner, const float *x, size_t ldx, void *to);

    /* C [rows, columns] = A B, or C += A B with `add`: A [rows, depth] with row stride lda; the transpose of
     * B [columns, inner] in panels. */
    void (*multiply)(size_t rows, size_t depth, const void *a, size_t lda, size_t columns, const void *panels,
                     bool add, float *c, size_t ldc);

    /* x [batch, columns], with row stride ldx, as gradient_panel and update_panel read it. `packed` has
     * mfi_depth(batch) rows of mfi_packed_columns(columns). */
    void (*pack)(size_t batch, size_t columns, const float *x, size_t ldx, void *packed);

    /* dz of a panel, [batch, columns] with row stride lddz, as these two read it: [depth of batch, width],
     * with 0 behind the columns. */
    void (*pack_panel)(size_t batch, size_t columns, size_t width, const float *dz, size_t lddz, void *panel);

    /* g = dz^T x for a panel of `width` neurons, in the order of the panel. */
    void (*gradient_panel)(size_t batch, size_t columns, size_t width, const void *dz, const void *packed,
                           float *g);

    /* update() of a panel of p with that gradient, which is never stored as a whole: the sums of a block stay
     * in registers while its p, s0 and s1, which have the order of p, come from memory. `copy` becomes
     * round_panel() of the new p. */
    bool (*update_panel)(const mfi_rule *rule, size_t batch, size_t columns, size_t width, const void *dz,
                         const void *packed, float *p, float *s0, float *s1, void *copy);

    /* Columns `first` to `end` - 1 of dx [rows, columns] = dz W: dz [rows, n] with row stride lddz, W [n,
     * columns] in panels. `room` has n rows of order.width, rounded up to whole panels. */
    void (*input_gradient)(size_t rows, size_t n, const void *dz, size_t lddz, size_t columns,
                           const float *panels, size_t first, size_t end, float *dx, void *room);

    /* A panel of W, [columns, width], as a second operand: pairs of columns that are `apart`, 1 for multiply.
     * Of each 2 x apart columns, or what is left of them, the first ones meet the others. NULL: W itself is
     * one. */
    void (*round_panel)(size_t columns, size_t apart, size_t width, const float *p, void *to);

    /* C [rows, width] = A B, or C += A B, for an A whose elements lie at the sum of an offset of their row
     * and one of their column, A[r][p] = a[row_at[r] + inner_at[p]], and a panel B [depth, width]. `width` is
     * a multiple of the order's lanes up to its width; a depth of some hundreds keeps B in the first-level
     * cache. */
    void (*gather_product)(size_t rows, size_t depth, const void *a, const uint32_t *row_at,
                           const uint32_t *inner_at, size_t width, const void *b, bool add, float *c);

    /* Pairs of even[i] and odd[i], or 0 if `odd` is NULL. `to` may be `even`, and `odd` behind it. NULL:
     * values are elements as they are. */
    void (*pair_up)(size_t count, const float *even, const float *odd, void *to);
} mfi_panel_products;

typedef struct mfi_kernels {
    const char *name;

    /* a = phi(a + bias) in place, a [rows, n]; z, if not NULL, receives a + bias. bias may be NULL. */
    void (*activate)(mfi_activation phi, size_t rows, size_t n, const float *bias, float *a, float *z);

    /* C = A B^T for an A of few rows or a B of few: A [rows, inner] with row stride lda, B [columns, inner],
     * C [rows, columns]. BLAS libraries are slow at such products. */
    void (*skinny_product)(size_t rows, size_t columns, size_t inner, const float *a, size_t lda,
                           const float *b, float *c);

    /* Any product of matrices in plain order. A value's bits do not depend on the sizes of C, but for those of a
     * single row. */
    mfi_gemm_function *gemm;

    /* For the `width` neurons that the pointers begin at:
     *
     *     dz = (dG M) * phi'(z)     dM = dG^T a     db = colsum(dz)
     *
     * dg [rows, m]; M and a with row stride n; z like a, or NULL if phi' can be computed from a;
     * dz [rows, width], dm [m, width], db [width]. */
    void (*local_gradient)(mfi_activation phi, size_t rows, size_t width, size_t m, const float *dg,
                           const float *projection, const float *a, const float *z, size_t n, float *dz,
                           float *dm, float *db);

    /* dF = dG M and dM = dG^T F for the `width` features that the pointers begin at: M, F and dF with row
     * stride n, dM [m, width]. */
    void (*head_gradient)(size_t rows, size_t width, size_t m, const float *dg, const float *projection,
                          const float *features, size_t n, float *dfeatures, float *dm);

    /* dz = dz * phi'(z) and, if not NULL, db = colsum(dz), for a dz that holds dG M already. This is the rest
     * of local_gradient() if there are so many classes that gemm() computes the products. */
    void (*derivative)(mfi_activation phi, size_t rows, size_t width, const float *a, const float *z,
                       size_t n, float *dz, float *db);

    /* One update of p [rows, columns], with row stride ldp, from g, with row stride ldg. s0 and s1 are the
     * state of the rule, if it has any, with the layout of p. Returns whether all of the new p is finite; then
     * so is the state. */
    bool (*update)(const mfi_rule *rule, size_t rows, size_t columns, float *p, size_t ldp, const float *g,
                   size_t ldg, float *s0, float *s1);

    /* The order of matrices for the products. */
    mfi_order order;

    mfi_panel_products products[MFI_PRECISIONS];

    /* to[j][i] = from[i][j] for `from` [rows, columns]. */
    void (*transpose)(size_t rows, size_t columns, const float *from, size_t ldfrom, float *to, size_t ldto);

    /* L Z L^T of `count` matrices Z side by side, a multiple of the lanes, for the matrix L of that kind:
     * value (i, j) of the first one lies at from[i from_row + j from_column], of the result at to[i to_row +
     * j to_column]. The result of MFI_TRANSFORM_WEIGHTS_BACK is added. */
    void (*transform)(mfi_transform_kind kind, size_t count, const float *from, ptrdiff_t from_row,
                      ptrdiff_t from_column, float *to, ptrdiff_t to_row, ptrdiff_t to_column);

    /* to[r][j] = from[r][j step] */
    void (*copy_rows)(size_t rows, size_t columns, const float *from, size_t ldfrom, size_t step, float *to,
                      size_t ldto);

    /* out[y][x] = sum over t of w[t] in[at[t] + y row + x], `out` [rows, columns] dense. Values of `in` up to
     * whole vectors are read and count for nothing. */
    void (*tap_sums)(size_t rows, size_t columns, size_t taps, const size_t *at, const float *w,
                     const float *in, size_t row, float *out);

    /* Adds the products g[y][x] in[at[t] + y row + x] to the lanes of sums[t], `g` [rows, columns] dense;
     * columns are whole vectors. */
    void (*tap_products)(size_t rows, size_t columns, size_t taps, const size_t *at, const float *in,
                         size_t row, const float *g, float *sums);

    /* Mean of x[count], and the sum of the squared deviations from it. */
    void (*moments)(size_t count, const float *x, double *mean, double *deviations);

    /* Mean and variance of every column of x [rows, columns], with row stride ldx. */
    void (*column_moments)(size_t rows, size_t columns, const float *x, size_t ldx, float *mean,
                           float *variance);

    /* to = (from - mean) scale for every row, `from` with row stride ldfrom, `to` dense. `to` may be `from`.
     */
    void (*normalize)(size_t rows, size_t columns, const float *mean, const float *scale, const float *from,
                      size_t ldfrom, float *to);

    /* For n = (u - mean) inverse and scale = gamma inverse: dscale = colsum(dz n), and dz becomes
     *
     *     du = scale (dz - inverse_count (db + n dscale))
     *
     * with the inverse count 1 / rows if mean and inverse depend on u, 0 if they do not. dz [rows, width]; u
     * with row stride ldu. */
    void (*normalization_gradient)(size_t rows, size_t width, const float *u, size_t ldu, const float *mean,
                                   const float *inverse, const float *scale, const float *db,
                                   float inverse_count, float *dz, float *dscale);

    /* Adds sum(g) and sum(g (u - mean)) to the two results. */
    void (*centered_sums)(size_t count, const float *g, const float *u, float mean, double *sum,
                          double *product);

    /* g = scale (g - mean_gradient - coefficient (u - mean)): what normalization_gradient() computes, for one
     * map. */
    void (*center_gradient)(size_t count, const float *u, float mean, float scale, float mean_gradient,
                            float coefficient, float *g);

    /* One map of `images` images: a = pool(phi(z)) of z = (u - mean) scale + bias. u [images, pixels of the
     * map], a with the stride lda from image to image; `map` has room for one map. */
    void (*map_forward)(mfi_activation phi, const mfi_pool *pool, mfi_shift shift, size_t images,
                        const float *u, float *a, size_t lda, float *map);

    /* dz [images, pixels] from da with the stride ldda; `map` has room for two maps. */
    void (*map_gradient)(mfi_activation phi, const mfi_pool *pool, mfi_shift shift, size_t images,
                         const float *u, const float *da, size_t ldda, float *dz, float *map);

    /* The highest of `count` values; a NaN, but for the first, counts for nothing. */
    float (*highest)(size_t count, const float *x);

    /* The sum of exp(x - highest), 0 where that is below the normal floats; `to`, if not NULL, receives the
     * terms, and may be x. Added up in double: small terms count beside a 1, however many there are. */
    double (*exponentials)(size_t count, const float *x, float highest, float *to);

    /* x = factor x + offset */
    void (*scale_shift)(size_t count, float factor, float offset, float *x);

    /* x = exp(x - highest) inverse: the softmax of `count` values; the two numbers are written to `shift`. */
    void (*softmax)(size_t count, float *x, mfi_softmax_shift *shift);

    /* The same from numbers that are known, to the bit. */
    void (*softmax_again)(size_t count, float *x, mfi_softmax_shift shift);

    /* ds = scale p (dp - sum of p dp): from the gradient dp by a softmax p to that by its arguments, in
     * place. */
    void (*softmax_gradient)(size_t count, float scale, const float *p, float *dp);

    /* y = beta y + alpha x; with beta = 0, y is not read. */
    void (*scale_add)(size_t count, float beta, float *y, float alpha, const float *x);

    /* Sets each of the values `first` to `end` - 1 of a to 0 with probability `rate` and scales the rest by
     * 1 / (1 - rate). The stream decides which values. `first` is a multiple of 4. */
    void (*dropout)(const mfi_stream *stream, float rate, size_t first, size_t end, float *a);

    bool (*all_finite)(size_t count, const float *x);
    double (*sum_of_squares)(size_t count, const float *x);
    double (*dot)(size_t count, const float *x, const float *y);
} mfi_kernels;

/* Columns that are whole tiles of any table, and columns rounded up to such: a size that pack() fills. Packed
 * columns from a multiple of the step on begin at that place, too. */
enum { MFI_PACK_STEP = 24 };

static inline size_t mfi_packed_columns(size_t columns)
{
    return (columns + MFI_PACK_STEP - 1) / MFI_PACK_STEP * MFI_PACK_STEP;
}

/* The fastest table that this processor can run. */
const mfi_kernels *mfi_kernels_select(void);

/* The products of bf16 of a table, or better ones that this processor has beside it. */
const mfi_panel_products *mfi_kernels_bf16(const mfi_kernels *kernels);

/* The table of that index. Index 0 is the generic one; NULL after the last one that this processor can run.
 */
const mfi_kernels *mfi_kernels_variant(int index);

#endif
