/* Owns: what is particular to a convolution.
 *
 * Work goes over blocks of images whose columns (see math/maps.h) stay in cache. A block of u, of its
 * gradient and of columns is a matrix [filters or depth, places of all images], so that each pass is one
 * product
 *
 *     u = W columns        dW += du columns^T
 *
 * and a filter's values lie in one row. The columns are made twice rather than kept: all of them would be as
 * large as the kernel is larger than one value. An image too large for a block is worked on in bands of
 * output rows. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/gemm.h"
#include "model/normalization.h"

/* Places of a block: enough for a product to run well, few enough for its columns to stay in cache. */
enum { BLOCK_PLACES = 512, BAND_PLACES = 4096 };

typedef struct blocks {
    mfi_geometry g;
    size_t images; /* of a block, but for the last */
    size_t band;   /* output rows at a time; all of them if there are several images */
} blocks;

static blocks cut(const mf_layer_spec *spec, size_t rows)
{
    blocks b = {.g = mfi_spec_geometry(spec)};
    b.images = BLOCK_PLACES / b.g.places;
    b.images = b.images < 1 ? 1 : b.images > rows ? rows : b.images;
    b.band = b.images == 1 ? BAND_PLACES / b.g.map[1] : b.g.map[0];
    b.band = b.band < 1 ? 1 : b.band > b.g.map[0] ? b.g.map[0] : b.band;
    return b;
}

static size_t images_at(const blocks *b, size_t first, size_t rows)
{
    return rows - first < b->images ? rows - first : b->images;
}

static bool needs(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes)
{
    blocks b = cut(spec, rows);
    size_t block, columns, values = 0, count;
    if (!mfi_multiply(b.images, b.g.filters * b.g.places, &block) ||
        !mfi_multiply(b.images * b.band, b.g.map[1], &columns) ||
        !mfi_multiply(columns, b.g.depth, &sizes->columns))
        return false;
    sizes->product = block;
    sizes->map = b.g.places;
    if (!training)
        return true;
    for (size_t index = 0; index < MFI_PARAMETERS; index++) {
        if (!mfi_spec_count(spec, index, &count) || count > SIZE_MAX - values)
            return false;
        values += count;
    }
    sizes->dw = values;
    sizes->db = sizes->dscale = b.g.filters;
    sizes->dz = block;
    sizes->map = 2 * b.g.places;
    sizes->unpooled = mfi_spec_pools_head(spec) ? b.images * b.g.pooled : 0;
    return mfi_multiply(rows, b.g.filters * b.g.places, &sizes->product) &&
           mfi_multiply(rows, mfi_spec_features(spec), &sizes->dfeatures);
}

static const float *columns_of(const blocks *b, const mfi_scratch *scratch, const mfi_rows *rows,
                               size_t first, size_t images, size_t top, size_t band)
{
    mfi_fill_columns(&b->g, images, rows->x + first * rows->stride, rows->stride, top, band,
                     scratch->columns);
    return scratch->columns;
}

static size_t band_at(const blocks *b, size_t top)
{
    return b->g.map[0] - top < b->band ? b->g.map[0] - top : b->band;
}

/* u [filters, images x places] of one block. */
static void convolve(const mf_layer *layer, const blocks *b, const mfi_scratch *scratch, const mfi_rows *rows,
                     size_t first, float *u)
{
    size_t images = images_at(b, first, rows->count), depth = b->g.depth;
    for (size_t top = 0; top < b->g.map[0]; top += b->band) {
        size_t band = band_at(b, top), width = images * band * b->g.map[1];
        const float *columns = columns_of(b, scratch, rows, first, images, top, band);
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, b->g.filters, width, depth, 1.0f,
                 layer->parameters[MFI_WEIGHT].values, depth, columns, width, 0.0f, u + top * b->g.map[1],
                 images * b->g.places);
    }
}

/* From u to z for one filter. */
static mfi_shift shift_of(const mf_layer *layer, const mfi_moments *moments, size_t filter)
{
    const float *bias = layer->parameters[MFI_BIAS].values;
    mfi_shift shift = {.scale = 1.0f, .bias = bias ? bias[filter] : 0.0f};
    if (layer->spec.normalization != MF_NORMALIZATION_NONE) {
        shift.mean = moments->mean[filter];
        shift.scale = moments->scale[filter];
    }
    return shift;
}

/* a of one block. */
static void activate(const mf_layer *layer, const blocks *b, const mfi_moments *moments,
                     const mfi_scratch *scratch, size_t images, const float *u, float *a)
{
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    for (size_t f = 0; f < b->g.filters; f++)
        layer->kernels->map_forward(phi, &b->g.pool, shift_of(layer, moments, f), images,
                                    u + f * images * b->g.places, a + f * b->g.pooled, layer->spec.outputs,
                                    scratch->map);
}

/* Mean and variance of every filter, from those of each block (Chan, Golub and LeVeque). */
static void take_moments(const mf_layer *layer, const blocks *b, const mfi_scratch *scratch, size_t rows,
                         mfi_moments moments)
{
    size_t places = b->g.places, map_values = b->g.filters * places;
    for (size_t f = 0; f < b->g.filters; f++) {
        double count = 0.0, mean = 0.0, deviations = 0.0;
        for (size_t first = 0; first < rows; first += b->images) {
            size_t more = images_at(b, first, rows) * places;
            double block_mean, block_deviations;
            layer->kernels->moments(more, scratch->product + first * map_values + f * more, &block_mean,
                                    &block_deviations);
            double off = block_mean - mean, share = (double)more / (count + (double)more);
            deviations += block_deviations + off * off * count * share;
            mean += off * share;
            count += (double)more;
        }
        moments.mean[f] = (float)mean;
        moments.variance[f] = (float)(deviations / count);
    }
}

static void forward(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                    const mfi_rows *rows, float *a)
{
    blocks b = cut(&layer->spec, rows->count);
    size_t map_values = b.g.filters * b.g.places, n = layer->spec.outputs;
    bool batch = mfi_uses_batch(layer, settings);
    mfi_moments moments = mfi_moments_in(layer, scratch);
    if (layer->spec.normalization != MF_NORMALIZATION_NONE && !batch)
        mfi_moments_complete(layer, false, moments);
    for (size_t first = 0; first < rows->count; first += b.images) {
        float *u = scratch->product + (settings ? first * map_values : 0);
        size_t images = images_at(&b, first, rows->count);
        convolve(layer, &b, scratch, rows, first, u);
        if (batch)
            continue;
        if (settings)
            mfi_clear_uncovered(&b.g.pool, images * b.g.filters, u);
        activate(layer, &b, &moments, scratch, images, u, a + first * n);
    }
    if (!batch)
        return;
    take_moments(layer, &b, scratch, rows->count, moments);
    mfi_moments_complete(layer, true, moments);
    for (size_t first = 0; first < rows->count; first += b.images)
        activate(layer, &b, &moments, scratch, images_at(&b, first, rows->count),
                 scratch->product + first * map_values, a + first * n);
}

/* ---- gradients ---- */

/* What the gradients of one call share. */
typedef struct pass {
    const mf_layer *layer;
    const mfi_scratch *scratch;
    const mfi_rows *rows;
    blocks b;
    mfi_moments moments;
    bool batch;
} pass;

/* dM into `dm`, and dF into scratch. */
static void head_gradient(const pass *p, const float *a, float *dm)
{
    const mf_layer *layer = p->layer;
    const mfi_scratch *scratch = p->scratch;
    const float *projection = layer->parameters[MFI_PROJECTION].values, *dg = scratch->goodness;
    size_t rows = p->rows->count, n = mfi_spec_features(&layer->spec), m = layer->spec.classes;
    const float *features = mfi_spec_pools_head(&layer->spec) ? scratch->features : a;
    if (m <= MFI_FEW_CLASSES) {
        layer->kernels->head_gradient(rows, n, m, dg, projection, features, scratch->dfeatures, dm);
        return;
    }
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, n, m, 1.0f, dg, m, projection, n, 0.0f, scratch->dfeatures, n);
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, n, rows, 1.0f, dg, m, features, n, 0.0f, dm, n);
}

/* dz [images x places] of one filter in the block that begins at image `first`. */
static void filter_gradient(const pass *p, size_t first, size_t filter, const float *u, float *dz)
{
    const mf_layer *layer = p->layer;
    const mfi_geometry *g = &p->b.g;
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    size_t images = images_at(&p->b, first, p->rows->count), features = mfi_spec_features(&layer->spec);
    size_t own = features / g->filters, stride = features;
    const float *da = p->scratch->dfeatures + first * features + filter * own;
    if (mfi_spec_pools_head(&layer->spec)) {
        float *unpooled = p->scratch->unpooled;
        for (size_t image = 0; image < images; image++)
            mfi_head_unpool(g, 1, da + image * features, unpooled + image * g->pooled);
        da = unpooled;
        stride = g->pooled;
    }
    layer->kernels->map_gradient(phi, &g->pool, shift_of(layer, &p->moments, filter), images, u, da, stride,
                                 dz, p->scratch->map);
}

static const float *row_of_product(const pass *p, size_t first, size_t filter)
{
    size_t row = images_at(&p->b, first, p->rows->count) * p->b.g.places;
    return p->scratch->product + first * p->b.g.filters * p->b.g.places + filter * row;
}

static float mean_of(const pass *p, size_t filter)
{
    return p->layer->spec.normalization == MF_NORMALIZATION_NONE ? 0.0f : p->moments.mean[filter];
}

/* db and dscale of every filter, which du depends on when mean and variance are the batch's. */
static void sum_over_batch(const pass *p, float *db, float *dscale)
{
    for (size_t f = 0; f < p->b.g.filters; f++) {
        double sum = 0.0, product = 0.0;
        for (size_t first = 0; first < p->rows->count; first += p->b.images) {
            const float *u = row_of_product(p, first, f);
            filter_gradient(p, first, f, u, p->scratch->dz);
            p->layer->kernels->centered_sums(images_at(&p->b, first, p->rows->count) * p->b.g.places,
                                             p->scratch->dz, u, p->moments.mean[f], &sum, &product);
        }
        db[f] = (float)sum;
        dscale[f] = (float)(product * (double)p->moments.inverse[f]);
    }
}

/* dz of one block becomes du; db and dscale grow, or, with the batch's mean and variance, are there already.
 */
static void block_gradient(const pass *p, size_t first, float *db, float *dscale)
{
    const mf_layer *layer = p->layer;
    bool normal = layer->spec.normalization != MF_NORMALIZATION_NONE;
    size_t count = images_at(&p->b, first, p->rows->count) * p->b.g.places;
    double share = 1.0 / ((double)p->rows->count * (double)p->b.g.places);
    for (size_t f = 0; f < p->b.g.filters; f++) {
        const float *u = row_of_product(p, first, f);
        float *dz = p->scratch->dz + f * count;
        double sum = 0.0, product = 0.0, level = 0.0, slope = 0.0;
        filter_gradient(p, first, f, u, dz);
        if (p->batch) {
            level = share * (double)db[f];
            slope = share * (double)dscale[f] * (double)p->moments.inverse[f];
        } else {
            layer->kernels->centered_sums(count, dz, u, mean_of(p, f), &sum, &product);
            db[f] += (float)sum;
        }
        if (normal && !p->batch)
            dscale[f] += (float)(product * (double)p->moments.inverse[f]);
        if (normal)
            layer->kernels->center_gradient(count, u, p->moments.mean[f], p->moments.scale[f], (float)level,
                                            (float)slope, dz);
    }
}

/* dW += du columns^T of one block. */
static void add_weight_gradient(const pass *p, size_t first, float *dw)
{
    const blocks *b = &p->b;
    size_t images = images_at(b, first, p->rows->count), depth = b->g.depth;
    for (size_t top = 0; top < b->g.map[0]; top += b->band) {
        size_t band = band_at(b, top), width = images * band * b->g.map[1];
        const float *columns = columns_of(b, p->scratch, p->rows, first, images, top, band);
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, b->g.filters, depth, width, 1.0f,
                 p->scratch->dz + top * b->g.map[1], images * b->g.places, columns, width, 1.0f, dw, depth);
    }
}

static void gradients(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, const float *a, float *out)
{
    pass p = {layer,
              scratch,
              rows,
              cut(&layer->spec, rows->count),
              mfi_moments_in(layer, scratch),
              mfi_uses_batch(layer, settings)};
    float *to[MFI_LEARNED], *db = scratch->db, *dscale = scratch->dscale;
    memset(out, 0, mfi_layer_values(layer) * sizeof *out);
    memset(db, 0, p.b.g.filters * sizeof *db);
    memset(dscale, 0, p.b.g.filters * sizeof *dscale);
    for (size_t index = 0; index < MFI_LEARNED; index++)
        to[index] = out + mfi_gradient_offset(layer, index);
    head_gradient(&p, a, to[MFI_PROJECTION]);
    if (p.batch)
        sum_over_batch(&p, db, dscale);
    for (size_t first = 0; first < rows->count; first += p.b.images) {
        block_gradient(&p, first, db, dscale);
        if (settings->trains[MFI_WEIGHT])
            add_weight_gradient(&p, first, to[MFI_WEIGHT]);
    }
    if (settings->trains[MFI_BIAS])
        memcpy(to[MFI_BIAS], db, p.b.g.filters * sizeof *db);
    if (settings->trains[MFI_SCALE])
        memcpy(to[MFI_SCALE], dscale, p.b.g.filters * sizeof *dscale);
    if (!settings->trains[MFI_PROJECTION])
        memset(to[MFI_PROJECTION], 0, layer->parameters[MFI_PROJECTION].count * sizeof *out);
}

static mf_status learn(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                       const mfi_rows *rows, const float *a, size_t position, double *norm)
{
    float factor;
    gradients(layer, settings, scratch, rows, a, scratch->dw);
    if (mfi_layer_clip_factor(layer, settings, scratch->dw, norm, &factor) != MF_STATUS_OK)
        return mfi_fail(MF_STATUS_NUMERIC, "layer %zu: the norm of the gradient is not finite", position);
    mfi_layer_apply_scaled(layer, settings, scratch->dw, factor);
    return MF_STATUS_OK;
}

const mfi_layer_kind mfi_layer_conv = {
    .scratch = needs,
    .forward = forward,
    .gradients = gradients,
    .learn = learn,
};
