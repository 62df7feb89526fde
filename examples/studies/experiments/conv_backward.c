/* SPDX-License-Identifier: MIT */
#include "conv_backward.h"

#include <string.h>

#include "columns.h"
#include "math/gemm.h"
#include "model/normalization.h"

/* Those of the library, whose forward pass has laid the products out in such blocks. */
enum { BLOCK_PLACES = 512, BAND_PLACES = 4096 };

typedef struct pass {
    const mf_layer *layer;
    const mfi_scratch *scratch;
    const mfi_rows *rows;
    const float *da;
    mfi_geometry g;
    size_t images, band; /* of a block */
    mfi_moments moments;
    bool normal, batch; /* batch: mean and variance depend on u */
    float *db, *dscale;
} pass;

static void cut(pass *p)
{
    const mfi_geometry *g = &p->g;
    p->images = BLOCK_PLACES / g->places;
    p->images = p->images < 1 ? 1 : p->images > p->rows->count ? p->rows->count : p->images;
    p->band = p->images == 1 ? BAND_PLACES / g->map[1] : g->map[0];
    p->band = p->band < 1 ? 1 : p->band > g->map[0] ? g->map[0] : p->band;
}

static size_t images_at(const pass *p, size_t first)
{
    return p->rows->count - first < p->images ? p->rows->count - first : p->images;
}

static const float *product_of(const pass *p, size_t first, size_t filter)
{
    return p->scratch->product + first * p->g.filters * p->g.places +
           filter * images_at(p, first) * p->g.places;
}

/* dz [images, places] of one filter in the block that begins at image `first`. */
static void filter_gradient(const pass *p, size_t first, size_t filter, float *dz)
{
    const mf_layer *layer = p->layer;
    const float *bias = layer->parameters[MFI_BIAS].values;
    size_t outputs = layer->spec.outputs;
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    mfi_shift shift = {.scale = p->normal ? p->moments.scale[filter] : 1.0f,
                       .mean = p->normal ? p->moments.mean[filter] : 0.0f,
                       .bias = bias ? bias[filter] : 0.0f};
    layer->kernels->map_gradient(phi, &p->g.pool, shift, images_at(p, first), product_of(p, first, filter),
                                 p->da + first * outputs + filter * p->g.pooled, outputs, dz,
                                 p->scratch->map);
}

/* db and dscale of every filter, over all blocks: with the batch's mean and variance, du depends on both. */
static void sum_over_batch(const pass *p)
{
    for (size_t f = 0; f < p->g.filters; f++) {
        double sum = 0.0, product = 0.0;
        for (size_t first = 0; first < p->rows->count; first += p->images) {
            filter_gradient(p, first, f, p->scratch->dz);
            p->layer->kernels->centered_sums(images_at(p, first) * p->g.places, p->scratch->dz,
                                             product_of(p, first, f), p->moments.mean[f], &sum, &product);
        }
        p->db[f] = (float)sum;
        p->dscale[f] = (float)(product * (double)p->moments.inverse[f]);
    }
}

/* du [images, places] of one filter, from dz; db and dscale grow unless they are there already. */
static void center(const pass *p, size_t first, size_t filter, float *dz)
{
    const mfi_kernels *kernels = p->layer->kernels;
    const float *u = product_of(p, first, filter);
    size_t count = images_at(p, first) * p->g.places;
    double share = 1.0 / ((double)p->rows->count * (double)p->g.places);
    double sum = 0.0, product = 0.0, level = 0.0, slope = 0.0;
    if (p->batch) {
        level = share * (double)p->db[filter];
        slope = share * (double)p->dscale[filter] * (double)p->moments.inverse[filter];
    } else {
        kernels->centered_sums(count, dz, u, p->normal ? p->moments.mean[filter] : 0.0f, &sum, &product);
        p->db[filter] += (float)sum;
        p->dscale[filter] += p->normal ? (float)(product * (double)p->moments.inverse[filter]) : 0.0f;
    }
    if (p->normal)
        kernels->center_gradient(count, u, p->moments.mean[filter], p->moments.scale[filter], (float)level,
                                 (float)slope, dz);
}

/* dW += du columns^T, and dx += the columns W^T du, of one block. */
static void add_products(const pass *p, size_t first, float *dw, float *dx)
{
    const mfi_geometry *g = &p->g;
    size_t images = images_at(p, first), ldu = images * g->places, stride = p->layer->spec.inputs;
    float *columns = p->scratch->columns;
    for (size_t top = 0; top < g->map[0]; top += p->band) {
        size_t band = g->map[0] - top < p->band ? g->map[0] - top : p->band,
               width = images * band * g->map[1];
        const float *du = p->scratch->dz + top * g->map[1];
        mfi_fill_columns(g, images, p->rows->x + first * p->rows->stride, p->rows->stride, top, band,
                         columns);
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, g->filters, g->depth, width, 1.0f, du, ldu, columns, width, 1.0f,
                 dw, g->depth);
        if (!dx)
            continue;
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, g->depth, width, g->filters, 1.0f,
                 p->layer->parameters[MFI_WEIGHT].values, g->depth, du, ldu, 0.0f, columns, width);
        add_columns(p->layer->kernels, g, images, columns, top, band, dx + first * stride, stride);
    }
}

void conv_backward(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                   const mfi_rows *rows, const float *da, float *out, float *dx)
{
    pass p = {.layer = layer,
              .scratch = scratch,
              .rows = rows,
              .da = da,
              .g = mfi_spec_geometry(&layer->spec),
              .moments = mfi_moments_in(layer, scratch),
              .normal = layer->spec.normalization != MF_NORMALIZATION_NONE,
              .batch = mfi_uses_batch(layer, settings),
              .db = scratch->db,
              .dscale = scratch->dscale};
    size_t filters = p.g.filters;
    float *dw = out + mfi_gradient_offset(layer, MFI_WEIGHT);
    cut(&p);
    memset(p.db, 0, filters * sizeof *p.db);
    memset(p.dscale, 0, filters * sizeof *p.dscale);
    if (dx)
        memset(dx, 0, rows->count * layer->spec.inputs * sizeof *dx);
    if (p.batch)
        sum_over_batch(&p);
    for (size_t first = 0; first < rows->count; first += p.images) {
        size_t count = images_at(&p, first) * p.g.places;
        for (size_t f = 0; f < filters; f++) {
            filter_gradient(&p, first, f, scratch->dz + f * count);
            center(&p, first, f, scratch->dz + f * count);
        }
        add_products(&p, first, dw, dx);
    }
    if (settings->trains[MFI_BIAS])
        memcpy(out + mfi_gradient_offset(layer, MFI_BIAS), p.db, filters * sizeof *p.db);
    if (settings->trains[MFI_SCALE])
        memcpy(out + mfi_gradient_offset(layer, MFI_SCALE), p.dscale, filters * sizeof *p.dscale);
}
