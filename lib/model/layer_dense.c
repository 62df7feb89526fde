/* Owns: what is particular to a dense layer.
 *
 * The update runs over panels of neurons. For each panel, dz, dW, dM and db are computed into scratch
 * that stays in cache and are applied at once: neither a full gradient nor a full dz ever exists. */
#include "model/layer_dense.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/blas.h"
#include "math/gemm.h"
#include "model/normalization.h"

/* A panel of dW takes about half a megabyte, so that it stays in the second-level cache while the
 * optimizer reads it; within the limits, a width that our own products and BLAS libraries like. */
enum { PANEL_VALUES = 163840, PANEL_STEP = 48, PANEL_LEAST = 96, PANEL_MOST = 240 };

size_t mfi_dense_panel(const mf_layer_spec *spec)
{
    size_t panel = PANEL_VALUES / spec->inputs / PANEL_STEP * PANEL_STEP;
    panel = panel < PANEL_LEAST ? PANEL_LEAST : panel > PANEL_MOST ? PANEL_MOST : panel;
    return panel < spec->outputs ? panel : spec->outputs;
}

/* For up to this many rows, as in learning from a stream, a product reads W once and does little with it:
 * the layer does it itself and spares the packing that BLAS libraries begin with. */
enum { FEW_ROWS = 4 };

/* to = x W^T */
static void product(const mf_layer *layer, const mfi_rows *rows, float *to)
{
    size_t n = layer->spec.outputs, k = layer->spec.inputs;
    const float *w = layer->parameters[MFI_WEIGHT].values;
    if (rows->count <= FEW_ROWS)
        layer->kernels->skinny_product(rows->count, n, k, rows->x, rows->stride, w, to);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows->count, n, k, 1.0f, rows->x, rows->stride, w, k, 0.0f, to, n);
}

static bool keeps_preactivation(const mf_layer_spec *spec)
{
    return spec->activation == MF_ACTIVATION_GELU; /* the derivatives of the others follow from a */
}

static void normalize(const mf_layer *layer, bool batch, const mfi_scratch *scratch, size_t rows,
                      const float *u, float *to)
{
    size_t n = layer->spec.outputs;
    mfi_moments moments = mfi_moments_in(layer, scratch);
    if (batch)
        layer->kernels->column_moments(rows, n, u, moments.mean, moments.variance);
    mfi_moments_complete(layer, batch, moments);
    layer->kernels->normalize(rows, n, moments.mean, moments.scale, u, to);
}

static void forward(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                    const mfi_rows *rows, float *a)
{
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    bool normal = layer->spec.normalization != MF_NORMALIZATION_NONE;
    float *u = normal && settings ? scratch->product : a;
    float *z = settings && keeps_preactivation(&layer->spec) ? scratch->preactivation : NULL;
    product(layer, rows, u);
    if (normal)
        normalize(layer, mfi_uses_batch(layer, settings), scratch, rows->count, u, a);
    layer->kernels->activate(phi, rows->count, layer->spec.outputs, layer->parameters[MFI_BIAS].values, a, z);
}

static bool needs(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes)
{
    size_t panel = mfi_dense_panel(spec);
    bool normal = spec->normalization != MF_NORMALIZATION_NONE;
    if (!training)
        return true;
    if (keeps_preactivation(spec) && !mfi_multiply(rows, spec->outputs, &sizes->preactivation))
        return false;
    if (normal && !mfi_multiply(rows, spec->outputs, &sizes->product))
        return false;
    sizes->db = panel;
    sizes->dscale = normal ? panel : 0;
    return mfi_multiply(rows, panel, &sizes->dz) && mfi_dense_gradient_scratch(spec, rows, &sizes->dw) &&
           mfi_multiply(panel, spec->classes, &sizes->dm);
}

/* dz, dM and db of the neurons [start, start + width) into scratch. */
static void head_gradient(const mf_layer *layer, const mfi_scratch *scratch, size_t rows, const float *a,
                          size_t start, size_t width)
{
    const mfi_kernels *kernels = layer->kernels;
    const float *projection = layer->parameters[MFI_PROJECTION].values + start;
    const float *z = keeps_preactivation(&layer->spec) ? scratch->preactivation + start : NULL;
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    size_t n = layer->spec.outputs, m = layer->spec.classes;
    if (m <= MFI_FEW_CLASSES) {
        kernels->local_gradient(phi, rows, width, m, scratch->goodness, projection, a + start, z, n,
                                scratch->dz, scratch->dm, scratch->db);
        return;
    }
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, width, m, 1.0f, scratch->goodness, m, projection, n, 0.0f,
             scratch->dz, width);
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, width, rows, 1.0f, scratch->goodness, m, a + start, n, 0.0f,
             scratch->dm, width);
    kernels->derivative(phi, rows, width, a + start, z, n, scratch->dz, scratch->db);
}

/* The same, and behind a normalisation dz becomes du, with dscale. A panel has all rows of its neurons, so
 * nothing else is needed. */
static void local_gradient(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                           size_t rows, const float *a, size_t start, size_t width)
{
    head_gradient(layer, scratch, rows, a, start, width);
    if (layer->spec.normalization == MF_NORMALIZATION_NONE)
        return;
    mfi_moments moments = mfi_moments_in(layer, scratch);
    float share = mfi_uses_batch(layer, settings) ? 1.0f / (float)rows : 0.0f;
    layer->kernels->normalization_gradient(
        rows, width, scratch->product + start, layer->spec.outputs, moments.mean + start,
        moments.inverse + start, moments.scale + start, scratch->db, share, scratch->dz, scratch->dscale);
}

/* dW = dz^T x for one panel, scaled and added to `to`. */
static void weight_product(const mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows,
                           size_t width, float alpha, float beta, float *to)
{
    size_t k = layer->spec.inputs;
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, width, k, rows->count, alpha, scratch->dz, width, rows->x, rows->stride,
             beta, to, k);
}

/* The squared norm of dW = dz^T x is sum_ij (dz dz^T)_ij (x x^T)_ij. For batches much smaller than the
 * layer these two B x B matrices cost far less than dW itself. They live where a panel of dW would. */
static bool gram_pays(const mf_layer *layer, size_t rows)
{
    size_t n = layer->spec.outputs, k = layer->spec.inputs;
    size_t room = mfi_dense_panel(&layer->spec) * k;
    return rows <= room / 2 / rows && (double)rows * (double)(n + k) < (double)n * (double)k;
}

static double gradient_norm(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                            const mfi_rows *rows, const float *a)
{
    const mfi_kernels *kernels = layer->kernels;
    size_t n = layer->spec.outputs, k = layer->spec.inputs, m = layer->spec.classes, count = rows->count;
    size_t panel = mfi_dense_panel(&layer->spec);
    bool gram = gram_pays(layer, count);
    float *dz_gram = scratch->dw, *x_gram = scratch->dw + count * count;
    double sum = 0.0;
    for (size_t start = 0; start < n; start += panel) {
        size_t width = n - start < panel ? n - start : panel;
        local_gradient(layer, settings, scratch, count, a, start, width);
        if (settings->trains[MFI_PROJECTION])
            sum += kernels->sum_of_squares(m * width, scratch->dm);
        if (settings->trains[MFI_BIAS])
            sum += kernels->sum_of_squares(width, scratch->db);
        if (settings->trains[MFI_SCALE])
            sum += kernels->sum_of_squares(width, scratch->dscale);
        if (!settings->trains[MFI_WEIGHT])
            continue;
        if (gram) {
            mfi_gemm(MFI_NO_TRANS, MFI_TRANS, count, count, width, 1.0f, scratch->dz, width, scratch->dz,
                     width, start == 0 ? 0.0f : 1.0f, dz_gram, count);
        } else {
            weight_product(layer, scratch, rows, width, 1.0f, 0.0f, scratch->dw);
            sum += kernels->sum_of_squares(width * k, scratch->dw);
        }
    }
    if (gram && settings->trains[MFI_WEIGHT]) {
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, count, count, k, 1.0f, rows->x, rows->stride, rows->x, rows->stride,
                 0.0f, x_gram, count);
        sum += kernels->dot(count * count, dz_gram, x_gram);
    }
    /* Rounding can leave the products of a gradient that is 0 slightly below it. */
    return sum < 0.0 ? 0.0 : sqrt(sum);
}

/* One panel of W for few rows: neuron by neuron, dW_i = sum_b dz[b,i] x_b, which stays in the
 * first-level cache. Plain SGD leaves out neurons whose dz is 0, such as those that ReLU has cut off. */
static void update_weight_few_rows(mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows,
                                   const mfi_rule *rule, size_t start, size_t width)
{
    const mfi_kernels *kernels = layer->kernels;
    size_t k = layer->spec.inputs;
    bool direct = rule->kind == MFI_RULE_SGD;
    float keep = direct ? 1.0f - rule->rate * rule->decay : 0.0f;
    for (size_t i = 0; i < width; i++) {
        float *to = direct ? layer->parameters[MFI_WEIGHT].values + (start + i) * k : scratch->dw;
        for (size_t b = 0; b < rows->count; b++) {
            float dz = scratch->dz[b * width + i], beta = b == 0 ? keep : 1.0f;
            if (dz != 0.0f || beta != 1.0f)
                kernels->scale_add(k, beta, to, direct ? -rule->rate * dz : dz, rows->x + b * rows->stride);
        }
        if (!direct)
            mfi_parameter_update(kernels, &layer->parameters[MFI_WEIGHT], rule, (start + i) * k, 1, k, k, to);
    }
}

enum { FUSED_ROWS = 256 };

bool mfi_dense_fuses(const mfi_kernels *kernels, const mfi_blas_counter *blas, size_t rows,
                     const mfi_rule *rule)
{
    return kernels->product_update && rule->kind != MFI_RULE_SGD && rows > FEW_ROWS && rows <= FUSED_ROWS &&
           mfi_blas_threads_now(blas) == 1;
}

bool mfi_dense_gradient_scratch(const mf_layer_spec *spec, size_t rows, size_t *count)
{
    size_t panel = mfi_dense_panel(spec), packed = rows < FUSED_ROWS ? rows : FUSED_ROWS;
    return mfi_multiply(packed > panel ? packed : panel, mfi_packed_columns(spec->inputs), count);
}

/* One panel of W. Where the rule allows, the gradient goes straight into W or into the momentum; `fused` has
 * the packed x where dW would be. */
static void update_weight(mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows,
                          const mfi_rule *rule, bool fused, size_t start, size_t width)
{
    const mfi_kernels *kernels = layer->kernels;
    mfi_parameter *weight = &layer->parameters[MFI_WEIGHT];
    size_t first = start * layer->spec.inputs, count = width * layer->spec.inputs;
    float *w = weight->values + first;
    if (rows->count <= FEW_ROWS) {
        update_weight_few_rows(layer, scratch, rows, rule, start, width);
    } else if (fused) {
        float *s0 = weight->state[0] ? weight->state[0] + first : NULL;
        float *s1 = weight->state[1] ? weight->state[1] + first : NULL;
        kernels->product_update(rule, rows->count, width, layer->spec.inputs, scratch->dz, width, scratch->dw,
                                w, s0, s1);
    } else if (rule->kind == MFI_RULE_SGD) {
        weight_product(layer, scratch, rows, width, -rule->rate, 1.0f - rule->rate * rule->decay, w);
    } else if (rule->kind == MFI_RULE_MOMENTUM) {
        float *v = weight->state[0] + first;
        bool decays = rule->decay > 0.0f;
        if (decays)
            kernels->scale_add(count, rule->momentum, v, rule->decay, w);
        weight_product(layer, scratch, rows, width, 1.0f, decays ? 1.0f : rule->momentum, v);
        kernels->scale_add(count, 1.0f, w, -rule->rate, v);
    } else {
        weight_product(layer, scratch, rows, width, 1.0f, 0.0f, scratch->dw);
        mfi_parameter_update(kernels, weight, rule, first, 1, count, count, scratch->dw);
    }
}

static void update(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                   const mfi_rows *rows, const float *a)
{
    size_t n = layer->spec.outputs, m = layer->spec.classes, panel = mfi_dense_panel(&layer->spec);
    mfi_parameter *parameters = layer->parameters;
    mfi_rule rules[MFI_LEARNED];
    for (size_t index = 0; index < MFI_LEARNED; index++)
        if (settings->trains[index])
            rules[index] = mfi_layer_next_rule(layer, settings, index);
    bool fused = settings->trains[MFI_WEIGHT] &&
                 mfi_dense_fuses(layer->kernels, &layer->blas, rows->count, &rules[MFI_WEIGHT]);
    if (fused)
        layer->kernels->pack(rows->count, layer->spec.inputs, rows->x, rows->stride, scratch->dw);
    for (size_t start = 0; start < n; start += panel) {
        size_t width = n - start < panel ? n - start : panel;
        local_gradient(layer, settings, scratch, rows->count, a, start, width);
        if (settings->trains[MFI_WEIGHT])
            update_weight(layer, scratch, rows, &rules[MFI_WEIGHT], fused, start, width);
        if (settings->trains[MFI_BIAS])
            mfi_parameter_update(layer->kernels, &parameters[MFI_BIAS], &rules[MFI_BIAS], start, 1, width, n,
                                 scratch->db);
        if (settings->trains[MFI_SCALE])
            mfi_parameter_update(layer->kernels, &parameters[MFI_SCALE], &rules[MFI_SCALE], start, 1, width,
                                 n, scratch->dscale);
        if (settings->trains[MFI_PROJECTION])
            mfi_parameter_update(layer->kernels, &parameters[MFI_PROJECTION], &rules[MFI_PROJECTION], start,
                                 m, width, n, scratch->dm);
    }
}

/* Everything after the goodness is linear in dG, so clipping the gradient is scaling dG. */
static mf_status clip(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, const float *a, size_t position, double *norm)
{
    double largest = (double)settings->optimizer.clip_norm;
    if (largest == 0.0)
        return MF_STATUS_OK;
    *norm = gradient_norm(layer, settings, scratch, rows, a);
    if (!isfinite(*norm))
        return mfi_fail(MF_STATUS_NUMERIC, "layer %zu: the norm of the gradient is not finite", position);
    if (*norm > largest)
        for (size_t i = 0; i < rows->count * layer->spec.classes; i++)
            scratch->goodness[i] *= (float)(largest / *norm);
    return MF_STATUS_OK;
}

static mf_status learn(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                       const mfi_rows *rows, const float *a, size_t position, double *norm)
{
    MFI_TRY(clip(layer, settings, scratch, rows, a, position, norm));
    update(layer, settings, scratch, rows, a);
    return MF_STATUS_OK;
}

static void gradients(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, const float *a, float *out)
{
    size_t n = layer->spec.outputs, k = layer->spec.inputs, m = layer->spec.classes;
    size_t panel = mfi_dense_panel(&layer->spec);
    float *to[MFI_LEARNED];
    for (size_t index = 0; index < MFI_LEARNED; index++)
        to[index] = out + mfi_gradient_offset(layer, index);
    memset(out, 0, mfi_layer_values(layer) * sizeof *out);
    for (size_t start = 0; start < n; start += panel) {
        size_t width = n - start < panel ? n - start : panel;
        local_gradient(layer, settings, scratch, rows->count, a, start, width);
        if (settings->trains[MFI_WEIGHT])
            weight_product(layer, scratch, rows, width, 1.0f, 0.0f, to[MFI_WEIGHT] + start * k);
        if (settings->trains[MFI_BIAS])
            memcpy(to[MFI_BIAS] + start, scratch->db, width * sizeof *out);
        if (settings->trains[MFI_SCALE])
            memcpy(to[MFI_SCALE] + start, scratch->dscale, width * sizeof *out);
        if (settings->trains[MFI_PROJECTION])
            for (size_t c = 0; c < m; c++)
                memcpy(to[MFI_PROJECTION] + c * n + start, scratch->dm + c * width, width * sizeof *out);
    }
}

const mfi_layer_kind mfi_layer_dense = {
    .scratch = needs,
    .forward = forward,
    .gradients = gradients,
    .learn = learn,
};
