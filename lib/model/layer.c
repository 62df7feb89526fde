/* Owns: a layer's life, its options and the Mono-Forward step. */
#include "model/layer.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/subnormal.h"
#include "math/gemm.h"
#include "math/softmax.h"
#include "model/change.h"
#include "model/normalization.h"

const char *mfi_parameter_name(size_t parameter)
{
    static const char *const names[MFI_PARAMETERS] = {"weight", "bias", "projection",
                                                      "scale",  "mean", "variance"};
    return names[parameter];
}

/* ---- creation ---- */

/* The n-th automatic seed of the process: runs repeat, and no two layers of a process are alike. */
static uint64_t automatic_seed(void)
{
    static atomic_uint_fast64_t counter;
    uint64_t bits = (atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed) + 1) * 0x9E3779B97F4A7C15u;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

const mfi_layer_kind *mfi_kind_of(const mf_layer_spec *spec)
{
    return spec->kind == MF_LAYER_CONV2D ? &mfi_layer_conv : &mfi_layer_dense;
}

static void describe_parameters(mf_layer *layer)
{
    for (size_t index = 0; index < MFI_PARAMETERS; index++) {
        mfi_parameter *parameter = &layer->parameters[index];
        parameter->rank = mfi_spec_parameter(&layer->spec, index, parameter->dims);
        parameter->trainable = 1;
    }
}

mf_status mfi_layer_create(const mf_layer_spec *spec, mf_layer **layer)
{
    mfi_change drawn;
    mf_layer *created = mfi_handle_create(MFI_KIND_LAYER, spec->allocator, sizeof *created);
    if (!created)
        return MF_STATUS_MEMORY;
    created->spec = *spec;
    created->spec.allocator = NULL;
    created->kind = mfi_kind_of(spec);
    if (spec->seed == MF_SEED_AUTO)
        created->spec.seed = automatic_seed();
    created->kernels = mfi_kernels_select();
    created->blas = mfi_blas_find_counter();
    describe_parameters(created);
    mf_status status = mfi_change_create(created, &drawn);
    if (status != MF_STATUS_OK) {
        mfi_layer_release(created);
        return status;
    }
    mfi_change_commit(created, &drawn);
    *layer = created;
    return MF_STATUS_OK;
}

void mfi_layer_release(mf_layer *layer)
{
    if (!layer || !mfi_handle_drop(&layer->head))
        return;
    for (size_t index = 0; index < MFI_PARAMETERS; index++) {
        mfi_parameter *parameter = &layer->parameters[index];
        mfi_release(&layer->head.allocator, parameter->values, parameter->count * sizeof(float));
        mfi_release(&layer->head.allocator, parameter->state[0], parameter->state_bytes);
    }
    mfi_optimizer_release(layer->optimizer);
    mfi_handle_destroy(&layer->head);
}

/* ---- options and parameters ---- */

static float *option_of(mf_layer_spec *spec, int32_t key)
{
    return key == MF_LAYER_DROPOUT ? &spec->dropout : &spec->label_smoothing;
}

mf_status mfi_layer_set(mf_layer *layer, int32_t key, double value)
{
    MFI_TRY(mfi_check_constant("layer key", key, MF_LAYER_LABEL_SMOOTHING));
    MFI_TRY(mfi_check_share(key == MF_LAYER_DROPOUT ? "dropout" : "label_smoothing", value));
    *option_of(&layer->spec, key) = (float)value;
    return MF_STATUS_OK;
}

mf_status mfi_layer_get(const mf_layer *layer, int32_t key, double *value)
{
    MFI_TRY(mfi_check_constant("layer key", key, MF_LAYER_LABEL_SMOOTHING));
    mf_layer_spec spec = layer->spec;
    *value = (double)*option_of(&spec, key);
    return MF_STATUS_OK;
}

mf_status mfi_layer_find(const mf_layer *layer, const char *name, size_t *found)
{
    for (size_t index = 0; index < MFI_PARAMETERS; index++)
        if (layer->parameters[index].count > 0 && strcmp(name, mfi_parameter_name(index)) == 0) {
            *found = index;
            return MF_STATUS_OK;
        }
    return mfi_fail(MF_STATUS_NOT_FOUND, "the layer has no parameter \"%.40s\"", name);
}

/* ---- the step ---- */

mfi_settings mfi_layer_settings(const mf_layer *layer)
{
    mfi_settings settings = {.dropout = layer->spec.dropout, .label_smoothing = layer->spec.label_smoothing};
    if (layer->optimizer) {
        settings.optimizer = layer->optimizer->spec;
        settings.has_momentum = layer->optimizer->has_momentum;
    }
    for (size_t index = 0; index < MFI_PARAMETERS; index++)
        settings.trains[index] = layer->parameters[index].count > 0 && layer->parameters[index].trainable;
    return settings;
}

mfi_rule mfi_layer_next_rule(mf_layer *layer, const mfi_settings *settings, size_t parameter)
{
    return mfi_optimizer_rule(&settings->optimizer, settings->has_momentum,
                              ++layer->parameters[parameter].steps,
                              parameter == MFI_WEIGHT || parameter == MFI_PROJECTION);
}

mf_status mfi_layer_check_rows(const mf_layer *layer, size_t position, size_t rows)
{
    bool follows = layer->parameters[MFI_MEAN].count > 0 && layer->parameters[MFI_MEAN].trainable;
    if (follows && rows * mfi_spec_places(&layer->spec) < 2)
        return mfi_fail(MF_STATUS_CAPACITY,
                        "layer %zu: batch normalisation needs 2 values of a channel or more, got 1",
                        position);
    return MF_STATUS_OK;
}

bool mfi_layer_scratch(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes)
{
    *sizes = (mfi_scratch_sizes){0};
    if (spec->normalization == MF_NORMALIZATION_BATCH &&
        !mfi_multiply(MFI_MOMENT_ROWS, mfi_spec_channels(spec), &sizes->moments))
        return false;
    if (mfi_spec_pools_head(spec) && !mfi_multiply(rows, mfi_spec_features(spec), &sizes->features))
        return false;
    return mfi_multiply(rows, spec->classes, &sizes->goodness) &&
           mfi_kind_of(spec)->scratch(spec, rows, training, sizes);
}

void mfi_layer_forward(const mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows, float *a)
{
    layer->kind->forward(layer, NULL, scratch, rows, a);
}

/* What M reads: `a`, or its pooling in scratch->features. */
static const float *features_of(const mf_layer *layer, const mfi_scratch *scratch, size_t rows,
                                const float *a)
{
    if (!mfi_spec_pools_head(&layer->spec))
        return a;
    mfi_geometry geometry = mfi_spec_geometry(&layer->spec);
    mfi_head_pool(&geometry, rows * geometry.filters, a, scratch->features);
    return scratch->features;
}

void mfi_layer_goodness(const mf_layer *layer, const mfi_scratch *scratch, size_t rows, const float *a,
                        float *goodness)
{
    size_t n = mfi_spec_features(&layer->spec), m = layer->spec.classes;
    const float *projection = layer->parameters[MFI_PROJECTION].values;
    const float *features = features_of(layer, scratch, rows, a);
    if (m <= MFI_FEW_CLASSES)
        layer->kernels->skinny_product(rows, m, n, features, n, projection, goodness);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, m, n, 1.0f, features, n, projection, n, 0.0f, goodness, m);
}

/* One number of the stream for each map. */
static void drop_maps(const mf_layer *layer, const mfi_stream *stream, float share, size_t rows, float *a)
{
    size_t count = layer->spec.outputs / layer->spec.filters;
    const float scale = 1.0f / (1.0f - share);
    uint32_t bits[4];
    for (size_t map = 0; map < rows * layer->spec.filters; map++, a += count) {
        if (map % 4 == 0)
            mfi_stream_block(stream, (uint32_t)(map / 4), bits);
        float factor = mfi_unit_float(bits[map % 4]) < share ? 0.0f : scale;
        for (size_t i = 0; i < count; i++)
            a[i] = factor == 0.0f ? 0.0f : a[i] * factor;
    }
}

void mfi_layer_drop(const mf_layer *layer, const mfi_settings *settings, size_t rows, float *a)
{
    if (settings->dropout == 0.0f)
        return;
    mfi_stream stream = mfi_stream_of(layer->spec.seed, MFI_PURPOSE_DROPOUT, layer->dropped);
    if (layer->spec.kind == MF_LAYER_CONV2D && layer->spec.dropout_maps)
        drop_maps(layer, &stream, settings->dropout, rows, a);
    else
        layer->kernels->dropout(&stream, settings->dropout, rows * layer->spec.outputs, a);
}

void mfi_layer_count_mask(mf_layer *layer, const mfi_settings *settings)
{
    if (settings->dropout > 0.0f)
        layer->dropped++;
}

mf_status mfi_layer_lose(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report)
{
    layer->kind->forward(layer, settings, scratch, rows, a);
    mfi_layer_goodness(layer, scratch, rows->count, a, scratch->goodness);
    mfi_loss loss = mfi_cross_entropy_gradient(rows->count, layer->spec.classes, scratch->goodness,
                                               rows->labels, rows->weights, settings->label_smoothing);
    if (loss.bad_row < rows->count)
        return mfi_fail(MF_STATUS_NUMERIC, "layer %zu: the loss of row %zu is not finite", position,
                        loss.bad_row);
    report->rows = rows->count;
    report->correct = loss.correct;
    report->loss = loss.loss;
    report->gradient_norm = -1.0;
    report->applied = layer->applied;
    return MF_STATUS_OK;
}

void mfi_layer_pass_on(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch, size_t rows,
                       float *a)
{
    mfi_moments_follow(layer, settings, scratch, rows);
    mfi_layer_drop(layer, settings, rows, a);
    mfi_layer_count_mask(layer, settings);
}

static mf_status step(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, float *a, size_t position, mf_report *report)
{
    mf_report done = *report;
    MFI_TRY(mfi_layer_lose(layer, settings, scratch, rows, a, position, &done));
    MFI_TRY(layer->kind->learn(layer, settings, scratch, rows, a, position, &done.gradient_norm));
    mfi_layer_pass_on(layer, settings, scratch, rows->count, a);
    done.applied = ++layer->applied;
    *report = done;
    return MF_STATUS_OK;
}

mf_status mfi_layer_step(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report)
{
    uint64_t mode = mfi_subnormals_to_zero();
    mf_status status = step(layer, settings, scratch, rows, a, position, report);
    mfi_subnormals_restore(mode);
    return status;
}

void mfi_parameter_update(const mfi_kernels *kernels, mfi_parameter *parameter, const mfi_rule *rule,
                          size_t first, size_t rows, size_t columns, size_t stride, const float *gradient)
{
    float *s0 = parameter->state[0] ? parameter->state[0] + first : NULL;
    float *s1 = parameter->state[1] ? parameter->state[1] + first : NULL;
    kernels->update(rule, rows, columns, parameter->values + first, stride, gradient, columns, s0, s1);
}
