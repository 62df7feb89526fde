/* Owns: the flat spec of a layer: its defaults and its limits. */
#include "model/spec.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "model/checks.h"
#include "model/plan.h"
#include "model/unit/window.h"

mf_layer_spec mfi_layer_defaults(void)
{
    return (mf_layer_spec){
        .struct_size = sizeof(mf_layer_spec),
        .kind = MF_LAYER_DENSE,
        .activation = MF_ACTIVATION_RELU,
        .bias = 1,
        .weight_init = MF_INIT_KAIMING_UNIFORM,
        .projection_init = MF_INIT_KAIMING_UNIFORM,
        .weight_gain = 1.0f,
        .projection_gain = 1.0f,
        .leak = 0.01f,
        .seed = MF_SEED_AUTO,
        .normalization_rate = 0.1f,
        .normalization_epsilon = 1e-5f,
        .kernel = {3, 3},
        .stride = {1, 1},
        .pool_size = {2, 2},
    };
}

mf_unit_spec mfi_unit_defaults(void)
{
    return (mf_unit_spec){
        .struct_size = sizeof(mf_unit_spec),
        .kind = MF_UNIT_DENSE,
        .inputs = {MF_NODE_PREVIOUS, 0},
        .bias = 1,
        .weight_init = MF_INIT_KAIMING_UNIFORM,
        .weight_gain = 1.0f,
        .activation = MF_ACTIVATION_RELU,
        .leak = 0.01f,
        .pool = MF_POOL_AVERAGE,
        .normalization_rate = 0.1f,
        .normalization_epsilon = 1e-5f,
    };
}

mf_head_spec mfi_head_defaults(void)
{
    return (mf_head_spec){
        .struct_size = sizeof(mf_head_spec),
        .kind = MF_HEAD_LINEAR,
        .projection_init = MF_INIT_KAIMING_UNIFORM,
        .projection_gain = 1.0f,
        .output_node = MF_NODE_PREVIOUS,
        .input_node = MF_NODE_PREVIOUS,
    };
}

static mf_status check_options(const mf_layer_spec *spec)
{
    if (spec->kind == MF_LAYER_UNITS)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "layer kind %d: a layer of units must be made with mf_layer_build()",
                        (int)spec->kind);
    MFI_TRY(mfi_check_constant("layer kind", spec->kind, MF_LAYER_CONV2D));
    MFI_TRY(mfi_check_classes(spec->classes));
    MFI_TRY(mfi_check_constant("activation", spec->activation, MF_ACTIVATION_SILU));
    MFI_TRY(mfi_check_constant("bias", spec->bias, 1));
    MFI_TRY(mfi_check_constant("weight_init", spec->weight_init, MF_INIT_NORMAL));
    MFI_TRY(mfi_check_constant("projection_init", spec->projection_init, MF_INIT_NORMAL));
    MFI_TRY(mfi_check_gain("weight_gain", spec->weight_gain));
    MFI_TRY(mfi_check_gain("projection_gain", spec->projection_gain));
    MFI_TRY(mfi_check_unit_interval("leak", spec->leak));
    MFI_TRY(mfi_check_rate("dropout", (double)spec->dropout));
    MFI_TRY(mfi_check_rate("label_smoothing", (double)spec->label_smoothing));
    MFI_TRY(mfi_check_constant("normalization", spec->normalization, MF_NORMALIZATION_BATCH));
    return mfi_check_constant("precision", spec->precision, MF_PRECISION_BF16);
}

static mf_status check_start(const mf_layer_spec *spec)
{
    /* A step treats smaller numbers as 0. */
    if (spec->weight_gain < FLT_MIN && spec->projection_gain < FLT_MIN && spec->weight_init != MF_INIT_ZERO &&
        spec->projection_init != MF_INIT_ZERO)
        return mfi_fail(
            MF_STATUS_ARGUMENT,
            "weight_gain and projection_gain are both 0, so that no layer could learn: was the spec filled "
            "by mf_layer_spec_init()? MF_INIT_ZERO starts at 0 on purpose");
    return MF_STATUS_OK;
}

/* What is not read gets its default, here and for pools: it is in files, whose numbers are finite. */
static mf_status resolve_normalization(mf_layer_spec *spec)
{
    const mf_layer_spec defaults = mfi_layer_defaults();
    if (spec->normalization == MF_NORMALIZATION_NONE) {
        spec->normalization_rate = defaults.normalization_rate;
        spec->normalization_epsilon = defaults.normalization_epsilon;
        return MF_STATUS_OK;
    }
    MFI_TRY(mfi_check_unit_interval("normalization_rate", spec->normalization_rate));
    return mfi_check_epsilon("normalization_epsilon", spec->normalization_epsilon);
}

/* ---- maps ---- */

/* *value is what maps x height x width gives, or was 0. */
static mf_status settle(const char *name, size_t maps, size_t height, size_t width, size_t *value)
{
    size_t count = 0;
    MFI_TRY(mfi_check_product(name, maps, height, width, &count));
    if (*value != 0 && *value != count)
        return mfi_fail(MF_STATUS_SHAPE, "%s must be 0 or %zux%zux%zu = %zu, got %zu", name, maps, height,
                        width, count, *value);
    *value = count;
    return MF_STATUS_OK;
}

/* That of the pools of flat specs. */
static const size_t no_padding[2];

static mf_status resolve_pool(mf_layer_spec *spec, mfi_pool *pool)
{
    const mf_layer_spec defaults = mfi_layer_defaults();
    MFI_TRY(mfi_check_constant("pool", spec->pool, MF_POOL_MAX));
    if (spec->pool == MF_POOL_NONE) {
        memcpy(spec->pool_size, defaults.pool_size, sizeof spec->pool_size);
        memcpy(spec->pool_stride, defaults.pool_stride, sizeof spec->pool_stride);
    } else {
        MFI_TRY(mfi_check_pool(pool->map, spec->pool_size, spec->pool_stride, no_padding));
        *pool = mfi_pooling(pool->map, spec->pool, spec->pool_size, spec->pool_stride, no_padding);
    }
    MFI_TRY(mfi_check_cells(spec->head_size, pool->pooled));
    return mfi_check_constant("dropout_maps", spec->dropout_maps, 1);
}

static mf_status resolve_maps(mf_layer_spec *spec)
{
    size_t map_values = 0, weights = 0;
    const size_t map[2] = {spec->height, spec->width};
    MFI_TRY(mfi_check_size("channels", spec->channels, 1));
    MFI_TRY(mfi_check_size("height", spec->height, 1));
    MFI_TRY(mfi_check_size("width", spec->width, 1));
    MFI_TRY(mfi_check_size("filters", spec->filters, 1));
    MFI_TRY(settle("inputs", spec->channels, spec->height, spec->width, &spec->inputs));
    MFI_TRY(mfi_check_kernel(map, spec->kernel, spec->stride, spec->padding));
    MFI_TRY(settle("weights of a filter", spec->channels, spec->kernel[0], spec->kernel[1], &weights));
    const mf_shape input = mfi_shape_maps(spec->channels, spec->height, spec->width);
    mfi_pool pool = mfi_convolution(&input, spec->filters, spec->kernel, spec->stride, spec->padding).pool;
    MFI_TRY(resolve_pool(spec, &pool));
    MFI_TRY(settle("values before pooling", spec->filters, pool.map[0], pool.map[1], &map_values));
    return settle("outputs", spec->filters, pool.pooled[0], pool.pooled[1], &spec->outputs);
}

mf_status mfi_spec_resolve(mf_layer_spec *spec)
{
    MFI_TRY(check_options(spec));
    MFI_TRY(resolve_normalization(spec));
    if (spec->kind == MF_LAYER_CONV2D)
        return resolve_maps(spec);
    MFI_TRY(mfi_check_size("inputs", spec->inputs, 1));
    return mfi_check_size("outputs", spec->outputs, 1);
}

mf_status mfi_spec_resolve_new(mf_layer_spec *spec)
{
    MFI_TRY(mfi_spec_resolve(spec));
    return check_start(spec);
}

static mf_shape output_of(const mf_layer_spec *spec)
{
    const mf_shape input = mfi_shape_maps(spec->channels, spec->height, spec->width);
    if (spec->kind != MF_LAYER_CONV2D)
        return mfi_shape_row(spec->outputs);
    mfi_pool pool = mfi_convolution(&input, spec->filters, spec->kernel, spec->stride, spec->padding).pool;
    if (spec->pool != MF_POOL_NONE)
        pool = mfi_pooling(pool.map, spec->pool, spec->pool_size, spec->pool_stride, no_padding);
    return mfi_shape_maps(spec->filters, pool.pooled[0], pool.pooled[1]);
}

void mfi_spec_follow(mf_layer_spec *spec, const mf_layer_spec *before)
{
    mf_shape output = output_of(before);
    if (spec->kind != MF_LAYER_CONV2D) {
        spec->inputs = before->outputs;
        return;
    }
    spec->channels = output.dims[0];
    spec->height = output.dims[1];
    spec->width = output.dims[2];
    spec->inputs = spec->outputs = 0; /* they follow */
}
