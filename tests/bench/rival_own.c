/* Owns: products by this library, as its dense layers compute them.
 *
 * W lies in panels, in bf16 as a rounded copy beside it, since layers keep it so: that is prepared. x and dz
 * are packed or rounded in every run, as in every step. The update is that of SGD with a rate of -1, which
 * adds dz^T x to a W of zeros: it reads and writes W, where the others only write C. */
#include <stdlib.h>
#include <string.h>

#include "math/kernels.h"
#include "math/products.h"
#include "rivals.h"
#include "support.h"

typedef struct own_job {
    const product *p;
    mfi_products products;
    mfi_precision precision;
    mfi_matrix_order order;              /* of W */
    float *weight, *rounded;             /* W and its copy; the copy is NULL in float32 */
    float *rows, *panel;                 /* room for x and for what belongs to a panel */
    void (*run)(const struct own_job *); /* of this kind of product */
} own_job;

static float *room_for(size_t count)
{
    const size_t bytes = (count / 16 + 1) * 64;
    float *room = aligned_alloc(64, bytes);
    if (!room)
        give_up("no memory for", "a product");
    return memset(room, 0, bytes);
}

static size_t depth_of(const own_job *j, size_t inner)
{
    return mfi_depth(j->precision, inner);
}

/* Rows as a first operand, of depth_of() each. */
static const float *rounded_rows(const own_job *j, size_t rows, size_t inner, const float *x, size_t ldx)
{
    if (j->precision == MFI_FLOAT32)
        return x;
    j->products.own->round_rows(rows, inner, x, ldx, j->rows);
    return j->rows;
}

static void run_forward(const own_job *j)
{
    const product *p = j->p;
    size_t depth = depth_of(j, p->k);
    j->products.own->multiply(p->m, depth, rounded_rows(j, p->m, p->k, p->a, p->k), depth, p->n,
                              j->rounded ? j->rounded : j->weight, false, p->c, p->n);
}

static void run_update(const own_job *j)
{
    const product *p = j->p;
    const mfi_rule rule = {.kind = MFI_RULE_SGD, .rate = -1.0f, .keep = 1.0f};
    size_t depth = depth_of(j, p->n), width;
    j->products.own->pack(p->k, p->n, p->b, p->n, j->rows);
    for (size_t start = 0; start < p->m; start += width) {
        width = mfi_order_panel(&j->order.order, p->m, start);
        size_t real = p->m - start < width ? p->m - start : width;
        j->products.own->pack_panel(p->k, real, width, p->a + start, p->m, j->panel);
        j->products.own->update_panel(&rule, p->k, p->n, width, j->panel, j->rows, j->weight + start * p->n,
                                      NULL, NULL, j->rounded ? j->rounded + start * depth : NULL);
    }
}

static void run_input(const own_job *j)
{
    const product *p = j->p;
    const float *dz = rounded_rows(j, p->m, p->k, p->a, p->k);
    j->products.own->input_gradient(p->m, p->k, dz, depth_of(j, p->k), p->n, j->weight, 0, p->n, p->c, j->panel);
}

static void own_run(void *job)
{
    const own_job *j = job;
    j->run(j);
}

/* Of an update, W is what the others call C. */
static void own_show(void *job)
{
    const own_job *j = job;
    if (j->run == run_update)
        mfi_order_get(&j->order, j->weight, 0, j->p->m * j->p->n, j->p->c);
}

static void own_finish(void *job)
{
    own_job *j = job;
    free(j->weight);
    free(j->rounded);
    free(j->rows);
    free(j->panel);
    free(j);
}

static void round_weight(own_job *j)
{
    size_t rows = j->order.rows, columns = j->order.columns, depth = depth_of(j, columns), width;
    j->rounded = room_for(mfi_order_rows(&j->order.order, rows) * depth);
    for (size_t start = 0; start < rows; start += width) {
        width = mfi_order_panel(&j->order.order, rows, start);
        j->products.own->round_panel(columns, 1, width, j->weight + start * columns, j->rounded + start * depth);
    }
}

static void prepare_weight(own_job *j, size_t rows, size_t columns, const float *plain)
{
    j->order = (mfi_matrix_order){j->products.order, rows, columns};
    j->weight = room_for(mfi_order_rows(&j->products.order, rows) * columns);
    if (plain)
        mfi_order_set(&j->order, j->weight, 0, rows * columns, plain);
    if (j->precision != MFI_FLOAT32)
        round_weight(j);
}

static void *own_prepare(const product *p, mfi_precision precision)
{
    mfi_products products = mfi_products_choose(precision);
    if (mfi_order_is_plain(&products.order))
        return NULL; /* those of the BLAS library */
    own_job *j = malloc(sizeof *j);
    if (!j)
        give_up("no memory for", "a product");
    *j = (own_job){.p = p, .products = products, .precision = precision};
    if (strcmp(p->kind, "forward") == 0) {
        prepare_weight(j, p->n, p->k, p->b);
        j->run = run_forward;
    } else if (strcmp(p->kind, "update") == 0) {
        prepare_weight(j, p->m, p->n, NULL);
        j->run = run_update;
    } else if (strcmp(p->kind, "input") == 0) {
        prepare_weight(j, p->k, p->n, p->b);
        j->run = run_input;
    } else {
        free(j);
        return NULL;
    }
    size_t panel = p->k > p->n ? p->k : p->n; /* dz [k, width] of an update, or W [k, width] turned round */
    j->rows = room_for(j->run == run_update ? p->k * mfi_packed_columns(p->n) : p->m * p->k);
    j->panel = room_for(mfi_order_rows(&products.order, panel) * products.order.width);
    return j;
}

static void *prepare_float32(const product *p)
{
    return own_prepare(p, MFI_FLOAT32);
}

static void *prepare_bf16(const product *p)
{
    return own_prepare(p, MFI_BF16);
}

const competitor rival_own = {"monoforward", 0, prepare_float32, own_run, own_finish, own_show};
const competitor rival_own_bf16 = {"monoforward_bf16", 1, prepare_bf16, own_run, own_finish, own_show};
