/* SPDX-License-Identifier: MIT */
#include "backprop_conv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/subnormal.h"
#include "conv_backward.h"
#include "math/gemm.h"
#include "math/softmax.h"
#include "model/normalization.h"

enum { MOST_LAYERS = 64, SCRATCHES = 3 };

typedef struct block {
    void *memory;
    size_t bytes;
} block;

/* A layer, what it has passed on, and scratch whose products and moments are its own. */
typedef struct stage {
    mf_layer *layer;
    mfi_scratch scratch;
    float *a; /* [B, outputs] */
} stage;

struct backprop_conv {
    mf_allocator allocator;
    stage stages[MOST_LAYERS];
    size_t count, classes;
    float *error[2]; /* [B, widest activation] */
    block blocks[2 * MOST_LAYERS + SCRATCHES];
    size_t block_count;
};

/* ---- creation ---- */

static void *take(backprop_conv *net, size_t count)
{
    size_t bytes;
    void *memory = mfi_multiply(count, sizeof(float), &bytes) ? mfi_allocate(&net->allocator, bytes) : NULL;
    if (memory)
        net->blocks[net->block_count++] = (block){memory, bytes};
    else
        (void)mfi_fail(MF_STATUS_MEMORY, "no memory for backpropagation: %zu values", count);
    return memory;
}

/* Below the last layer nothing reads a projection: it is made as small as can be. */
static mf_status make_layer(backprop_conv *net, const mf_layer_spec *given, const mf_layer_spec *before,
                            int last, mf_layer_spec *spec, mf_optimizer *optimizer)
{
    *spec = *given;
    spec->allocator = &net->allocator;
    if (spec->kind != MF_LAYER_CONV2D)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "backpropagation here knows convolutions only");
    if (before)
        MFI_TRY(mf_layer_spec_follow(spec, before));
    if (!last) {
        spec->classes = 2;
        spec->head_size = 1;
        spec->projection_init = MF_INIT_ZERO;
    }
    mf_layer **layer = &net->stages[net->count].layer;
    MFI_TRY(mf_layer_create(spec, layer));
    net->count++;
    MFI_TRY(mf_layer_set_optimizer(*layer, optimizer));
    return last ? MF_STATUS_OK : mf_layer_set_trainable(*layer, "projection", 0);
}

/* Products and moments stay until the step comes back to them; layers take turns at the rest. */
static mf_status make_scratch(backprop_conv *net, size_t max_batch)
{
    mfi_scratch_sizes shared = {0}, needs, offsets, own_offsets;
    size_t bytes = 0, widest = 0;
    for (size_t i = 0; i < net->count; i++) {
        const mf_layer_spec *spec = &net->stages[i].layer->spec;
        if (!mfi_layer_scratch(spec, max_batch, true, &needs))
            return mfi_fail(MF_STATUS_OVERFLOW, "scratch for %zu rows does not fit", max_batch);
        needs.product = needs.moments = 0;
        mfi_scratch_widen(&shared, &needs);
        widest = spec->outputs > widest ? spec->outputs : widest;
    }
    if (!mfi_scratch_reserve(&shared, &bytes, &offsets) || max_batch > SIZE_MAX / sizeof(float) / widest)
        return mfi_fail(MF_STATUS_OVERFLOW, "scratch for %zu rows does not fit", max_batch);
    void *common = take(net, bytes / sizeof(float) + 1);
    for (int side = 0; side < 2 && common; side++)
        if (!(net->error[side] = take(net, max_batch * widest)))
            return MF_STATUS_MEMORY;
    for (size_t i = 0; i < net->count && common; i++) {
        stage *at = &net->stages[i];
        mfi_layer_scratch(&at->layer->spec, max_batch, true, &needs);
        mfi_scratch_sizes own = {.product = needs.product, .moments = needs.moments};
        bytes = 0;
        void *memory =
            mfi_scratch_reserve(&own, &bytes, &own_offsets) ? take(net, bytes / sizeof(float)) : NULL;
        at->a = take(net, max_batch * at->layer->spec.outputs);
        if (!memory || !at->a)
            return MF_STATUS_MEMORY;
        mfi_scratch mine = mfi_scratch_carve(memory, &own, &own_offsets);
        at->scratch = mfi_scratch_carve(common, &shared, &offsets);
        at->scratch.product = mine.product;
        at->scratch.moments = mine.moments;
    }
    return common ? MF_STATUS_OK : MF_STATUS_MEMORY;
}

static mf_status make(backprop_conv *net, const mf_layer_spec *layers, size_t count, mf_optimizer *optimizer,
                      size_t max_batch)
{
    mf_layer_spec specs[2];
    if (count < 1 || count > MOST_LAYERS || max_batch < 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "1 to %d layers and a batch of 1 or more, got %zu and %zu",
                        MOST_LAYERS, count, max_batch);
    if (optimizer->spec.clip_norm > 0.0f)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "backpropagation here does not clip");
    for (size_t i = 0; i < count; i++)
        MFI_TRY(make_layer(net, &layers[i], i > 0 ? &specs[(i - 1) % 2] : NULL, i + 1 == count, &specs[i % 2],
                           optimizer));
    net->classes = layers[count - 1].classes;
    return make_scratch(net, max_batch);
}

backprop_conv *backprop_conv_create(const mf_layer_spec *layers, size_t count, mf_optimizer *optimizer,
                                    size_t max_batch, const mf_allocator *allocator)
{
    backprop_conv *net = calloc(1, sizeof *net);
    if (!net) {
        (void)mfi_fail(MF_STATUS_MEMORY, "no memory for backpropagation");
        return NULL;
    }
    net->allocator = mfi_allocator_or_default(allocator);
    if (make(net, layers, count, optimizer, max_batch) == MF_STATUS_OK)
        return net;
    backprop_conv_free(net);
    return NULL;
}

void backprop_conv_free(backprop_conv *net)
{
    if (!net)
        return;
    for (size_t i = 0; i < net->count; i++)
        mf_layer_free(net->stages[i].layer);
    for (size_t i = 0; i < net->block_count; i++)
        mfi_release(&net->allocator, net->blocks[i].memory, net->blocks[i].bytes);
    free(net);
}

/* ---- passes ---- */

static mfi_rows input_of(const backprop_conv *net, size_t index, size_t rows, const float *x,
                         const int32_t *y)
{
    const mf_layer *layer = net->stages[index].layer;
    return (mfi_rows){.count = rows,
                      .x = index == 0 ? x : net->stages[index - 1].a,
                      .stride = layer->spec.inputs,
                      .labels = y};
}

/* The scores of the last layer into its scratch->goodness; as in a step with `training`. */
static float *forward(backprop_conv *net, size_t rows, const float *x, const int32_t *y, bool training)
{
    for (size_t i = 0; i < net->count; i++) {
        stage *at = &net->stages[i];
        mfi_rows input = input_of(net, i, rows, x, y);
        mfi_settings settings = mfi_layer_settings(at->layer);
        at->layer->kind->forward(at->layer, training ? &settings : NULL, &at->scratch, &input, at->a);
        if (training && i + 1 < net->count)
            mfi_layer_drop(at->layer, &settings, rows, at->a);
    }
    const stage *last = &net->stages[net->count - 1];
    mfi_layer_goodness(last->layer, &last->scratch, rows, last->a, last->scratch.goodness);
    return last->scratch.goodness;
}

/* dM of the classifier, added to zeros, and da of the last activation, from the gradient of the scores. */
static void classifier_backward(const stage *last, size_t rows, float *dm, float *da)
{
    const mf_layer *layer = last->layer;
    const mfi_scratch *scratch = &last->scratch;
    const float *projection = layer->parameters[MFI_PROJECTION].values, *dg = scratch->goodness;
    bool pools = mfi_spec_pools_head(&layer->spec);
    size_t n = mfi_spec_features(&layer->spec), m = layer->spec.classes;
    const float *features = pools ? scratch->features : last->a;
    float *dfeatures = pools ? scratch->dfeatures : da;
    if (m <= MFI_FEW_CLASSES) {
        layer->kernels->head_gradient(rows, n, m, dg, projection, features, dfeatures, dm);
    } else {
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, n, m, 1.0f, dg, m, projection, n, 0.0f, dfeatures, n);
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, n, rows, 1.0f, dg, m, features, n, 0.0f, dm, n);
    }
    if (pools) {
        mfi_geometry g = mfi_spec_geometry(&layer->spec);
        mfi_head_unpool(&g, rows * g.filters, dfeatures, da);
    }
}

/* From the gradient of the scores down. Every layer's gradients go to `out`, or, where that is NULL, become
 * an update at once; the error has passed through its weights by then. */
static void backward(backprop_conv *net, size_t rows, const float *x, const int32_t *y, float *out)
{
    size_t offset = backprop_conv_values(net);
    for (size_t i = net->count; i-- > 0;) {
        stage *at = &net->stages[i];
        mf_layer *layer = at->layer;
        mfi_settings settings = mfi_layer_settings(layer);
        mfi_rows input = input_of(net, i, rows, x, y);
        float *da = net->error[i % 2], *dx = i > 0 ? net->error[(i - 1) % 2] : NULL;
        offset -= mfi_layer_values(layer);
        float *gradients = out ? out + offset : at->scratch.dw;
        bool last = i + 1 == net->count;
        memset(gradients, 0, mfi_layer_values(layer) * sizeof *gradients);
        if (last)
            classifier_backward(at, rows, gradients + mfi_gradient_offset(layer, MFI_PROJECTION), da);
        else
            mfi_layer_drop(layer, &settings, rows, da);
        conv_backward(layer, &settings, &at->scratch, &input, da, gradients, dx);
        if (out)
            continue;
        mfi_layer_apply_scaled(layer, &settings, gradients, 1.0f);
        mfi_moments_follow(layer, &settings, &at->scratch, rows);
        if (!last)
            mfi_layer_count_mask(layer, &settings);
        layer->applied++;
    }
}

/* ---- what the header promises ---- */

static double learn(backprop_conv *net, size_t rows, const float *x, const int32_t *y, float *out,
                    uint64_t *correct)
{
    uint64_t mode = mfi_subnormals_to_zero();
    const mf_layer *last = net->stages[net->count - 1].layer;
    float *scores = forward(net, rows, x, y, true);
    mfi_loss loss =
        mfi_cross_entropy_gradient(rows, net->classes, scores, y, NULL, last->spec.label_smoothing);
    bool finite = loss.bad_row == rows;
    if (finite)
        backward(net, rows, x, y, out);
    mfi_subnormals_restore(mode);
    if (correct)
        *correct = loss.correct;
    return finite ? loss.loss : (double)NAN;
}

double backprop_conv_step(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                          uint64_t *correct)
{
    return learn(net, rows, x, y, NULL, correct);
}

double backprop_conv_gradients(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                               float *gradients)
{
    return learn(net, rows, x, y, gradients, NULL);
}

double backprop_conv_evaluate(backprop_conv *net, size_t rows, const float *x, const int32_t *y,
                              uint64_t *correct)
{
    const float *scores = forward(net, rows, x, y, false);
    mfi_loss loss = mfi_cross_entropy(rows, net->classes, scores, y, NULL, 0.0f);
    if (correct)
        *correct = loss.correct;
    return loss.loss;
}

void backprop_conv_scores(backprop_conv *net, size_t rows, const float *x, float *scores)
{
    memcpy(scores, forward(net, rows, x, NULL, false), rows * net->classes * sizeof *scores);
}

size_t backprop_conv_values(const backprop_conv *net)
{
    size_t values = 0;
    for (size_t i = 0; i < net->count; i++)
        values += mfi_layer_values(net->stages[i].layer);
    return values;
}

mf_layer *backprop_conv_layer(const backprop_conv *net, size_t position)
{
    return net->stages[position].layer;
}
