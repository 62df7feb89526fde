#include "conv_products.h"

#include <stdlib.h>

#include "math/gemm.h"
#include "support.h"

/* Some are no powers of two, since rows that far apart meet in the same places of a cache. */
static const size_t blocks[] = {256, 512, 768, 1024, 1536, 2048, 4096};
enum { BLOCKS = sizeof blocks / sizeof *blocks, TRIALS = 3 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

conv_products make_conv_products(const shape *layers, size_t batch)
{
    conv_products all = {.layers = layers->layers};
    for (size_t i = 0; i < layers->layers; i++) {
        const maps *at = &layers->maps[i];
        conv_product *p = &all.layer[i];
        if (at->filters == 0)
            give_up("this benchmark takes", "convolutions only");
        p->filters = at->filters;
        p->inner = 9 * at->channels;
        p->columns = batch * at->height * at->width;
        size_t widest = smaller(p->columns, blocks[BLOCKS - 1]);
        p->block[FORWARD] = p->block[GRADIENT] = widest;
        p->w = make_inputs(p->filters * p->inner);
        p->col = make_inputs(p->inner * widest);
        p->z = make_inputs(p->filters * widest);
    }
    return all;
}

void free_conv_products(conv_products *p)
{
    for (size_t i = 0; i < p->layers; i++) {
        free(p->layer[i].w);
        free(p->layer[i].col);
        free(p->layer[i].z);
    }
}

static void multiply(const conv_product *p, int product, size_t n)
{
    size_t f = p->filters, k = p->inner;
    if (product == FORWARD)
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, f, n, k, 1.0f, p->w, k, p->col, n, 0.0f, p->z, n);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, f, k, n, 1e-9f, p->z, n, p->col, n, 1.0f, p->w, k);
}

static void run_over(const conv_product *p, int product, size_t columns, size_t block)
{
    for (size_t done = 0; done < columns; done += block)
        multiply(p, product, smaller(block, columns - done));
}

void run_conv_product(const conv_product *p)
{
    run_over(p, FORWARD, p->columns, p->block[FORWARD]);
    run_over(p, GRADIENT, p->columns, p->block[GRADIENT]);
}

static double flops_of_columns(const conv_product *p, size_t columns)
{
    return 2.0 * (double)p->filters * (double)p->inner * (double)columns;
}

/* Columns enough for some milliseconds, so that the clock and the first touch of the operands do not count.
 */
static size_t best_block(const conv_product *p, int product)
{
    size_t some = smaller(p->columns, (size_t)(1e9 / flops_of_columns(p, 1)) + blocks[BLOCKS - 1]);
    double best_time = 0.0;
    size_t best = some;
    for (int trial = 0; trial < TRIALS; trial++)
        for (size_t i = 0; i < BLOCKS; i++) {
            size_t block = smaller(blocks[i], p->columns);
            double start = seconds_now();
            run_over(p, product, some, block);
            double time = seconds_now() - start;
            if (best_time == 0.0 || time < best_time) {
                best_time = time;
                best = block;
            }
        }
    return best;
}

void tune_conv_products(conv_products *p)
{
    for (size_t i = 0; i < p->layers; i++)
        for (int product = 0; product < PRODUCTS; product++)
            p->layer[i].block[product] = best_block(&p->layer[i], product);
}

double flops_of_product(const conv_product *p)
{
    return 2.0 * flops_of_columns(p, p->columns);
}

double flops_of_conv_step(const shape *layers, size_t position, size_t batch)
{
    const maps *at = &layers->maps[position];
    double rows = (double)batch, places = (double)(at->height * at->width);
    return 4.0 * rows * (double)at->filters * 9.0 * (double)at->channels * places +
           6.0 * rows * CLASSES * (double)layers->widths[position + 1];
}
