/* Owns: what a layer's spec means: its defaults, its limits, and the sizes that follow from it. */
#include "model/spec.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

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

/* ---- single values ---- */

static mf_status check_size(const char *name, size_t value, size_t least)
{
    if (value < least)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be at least %zu, got %zu", name, least, value);
    if (value > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "%s must be at most %d, got %zu", name, (int)INT32_MAX, value);
    return MF_STATUS_OK;
}

mf_status mfi_check_classes(size_t classes)
{
    return check_size("classes", classes, 2);
}

mf_status mfi_check_constant(const char *name, int32_t value, int32_t last)
{
    if (value < 0 || value > last)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown %s %d", name, (int)value);
    return MF_STATUS_OK;
}

/* Written so that a NaN fails, as those that follow. */
mf_status mfi_check_share(const char *name, double value)
{
    if (!(value >= 0.0 && value < 1.0) || (float)value >= 1.0f)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be from 0 to below 1, got %g", name, value);
    return MF_STATUS_OK;
}

static mf_status check_gain(const char *name, float value)
{
    if (!(value >= 0.0f && isfinite(value)))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be 0 or more, got %g", name, (double)value);
    return MF_STATUS_OK;
}

static mf_status check_unit(const char *name, float value)
{
    if (!(value >= 0.0f && value <= 1.0f))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be from 0 to 1, got %g", name, (double)value);
    return MF_STATUS_OK;
}

static mf_status check_options(const mf_layer_spec *spec)
{
    MFI_TRY(mfi_check_constant("layer kind", spec->kind, MF_LAYER_CONV2D));
    MFI_TRY(mfi_check_classes(spec->classes));
    MFI_TRY(mfi_check_constant("activation", spec->activation, MF_ACTIVATION_GELU));
    MFI_TRY(mfi_check_constant("bias", spec->bias, 1));
    MFI_TRY(mfi_check_constant("weight_init", spec->weight_init, MF_INIT_NORMAL));
    MFI_TRY(mfi_check_constant("projection_init", spec->projection_init, MF_INIT_NORMAL));
    MFI_TRY(check_gain("weight_gain", spec->weight_gain));
    MFI_TRY(check_gain("projection_gain", spec->projection_gain));
    MFI_TRY(check_unit("leak", spec->leak));
    MFI_TRY(mfi_check_share("dropout", (double)spec->dropout));
    MFI_TRY(mfi_check_share("label_smoothing", (double)spec->label_smoothing));
    MFI_TRY(mfi_check_constant("normalization", spec->normalization, MF_NORMALIZATION_BATCH));
    if (spec->reserved != 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "reserved must be 0, got %d", (int)spec->reserved);
    return MF_STATUS_OK;
}

static mf_status check_normalization(const mf_layer_spec *spec)
{
    if (spec->normalization == MF_NORMALIZATION_NONE)
        return MF_STATUS_OK;
    MFI_TRY(check_unit("normalization_rate", spec->normalization_rate));
    /* A step treats smaller numbers as 0. */
    if (!(spec->normalization_epsilon >= FLT_MIN && isfinite(spec->normalization_epsilon)))
        return mfi_fail(MF_STATUS_ARGUMENT, "normalization_epsilon must be at least %g, got %g",
                        (double)FLT_MIN, (double)spec->normalization_epsilon);
    return MF_STATUS_OK;
}

/* ---- maps ---- */

static const char *const directions[2] = {"vertical", "horizontal"};

/* Windows that fit in `room` values, one of which `size` takes; the caller has seen that it fits. */
static size_t windows(uint64_t room, size_t size, size_t stride)
{
    return (size_t)((room - size) / stride + 1);
}

static size_t pool_step(const mf_layer_spec *spec, int d)
{
    return spec->pool_stride[d] ? spec->pool_stride[d] : spec->pool_size[d];
}

static mf_status check_window(const char *name, const size_t values[2], size_t least)
{
    char words[48];
    for (int d = 0; d < 2; d++) {
        strcpy(words, directions[d]);
        strcat(strcat(words, " "), name);
        MFI_TRY(check_size(words, values[d], least));
    }
    return MF_STATUS_OK;
}

static mf_status check_kernel(const mf_layer_spec *spec)
{
    const size_t size[2] = {spec->height, spec->width}, *k = spec->kernel, *p = spec->padding;
    MFI_TRY(check_window("kernel", k, 1));
    MFI_TRY(check_window("stride", spec->stride, 1));
    MFI_TRY(check_window("padding", p, 0));
    for (int d = 0; d < 2; d++) {
        if (p[d] >= k[d])
            return mfi_fail(MF_STATUS_ARGUMENT, "the %s padding must be below the kernel's %zu, got %zu",
                            directions[d], k[d], p[d]);
        if (k[d] > (uint64_t)size[d] + 2 * (uint64_t)p[d])
            return mfi_fail(MF_STATUS_SHAPE,
                            "a %zux%zu kernel does not fit a %zux%zu map with %zux%zu padding", k[0], k[1],
                            size[0], size[1], p[0], p[1]);
    }
    return MF_STATUS_OK;
}

static mf_status check_pool(const mf_layer_spec *spec)
{
    MFI_TRY(mfi_check_constant("pool", spec->pool, MF_POOL_MAX));
    mfi_geometry g = mfi_spec_geometry(spec);
    if (spec->pool != MF_POOL_NONE) {
        MFI_TRY(check_window("pool_size", spec->pool_size, 1));
        MFI_TRY(check_window("pool_stride", spec->pool_stride, 0));
        if (spec->pool_size[0] > g.map[0] || spec->pool_size[1] > g.map[1])
            return mfi_fail(MF_STATUS_SHAPE, "a %zux%zu pool does not fit a %zux%zu map", spec->pool_size[0],
                            spec->pool_size[1], g.map[0], g.map[1]);
        g = mfi_spec_geometry(spec);
    }
    if (spec->head_size > g.pool.pooled[0] || spec->head_size > g.pool.pooled[1])
        return mfi_fail(MF_STATUS_SHAPE, "a %zux%zu head does not fit %zux%zu pooled maps", spec->head_size,
                        spec->head_size, g.pool.pooled[0], g.pool.pooled[1]);
    return mfi_check_constant("dropout_maps", spec->dropout_maps, 1);
}

/* *value is what maps x height x width gives, or was 0. */
static mf_status settle(const char *name, size_t maps, size_t height, size_t width, size_t *value)
{
    size_t count;
    if (!mfi_multiply(maps, height, &count) || !mfi_multiply(count, width, &count) || count > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "%zux%zux%zu %s are more than %d", maps, height, width, name,
                        (int)INT32_MAX);
    if (*value != 0 && *value != count)
        return mfi_fail(MF_STATUS_SHAPE, "%s must be 0 or %zux%zux%zu = %zu, got %zu", name, maps, height,
                        width, count, *value);
    *value = count;
    return MF_STATUS_OK;
}

static mf_status resolve_maps(mf_layer_spec *spec)
{
    size_t map_values = 0, depth = 0;
    MFI_TRY(check_size("channels", spec->channels, 1));
    MFI_TRY(check_size("height", spec->height, 1));
    MFI_TRY(check_size("width", spec->width, 1));
    MFI_TRY(check_size("filters", spec->filters, 1));
    MFI_TRY(settle("inputs", spec->channels, spec->height, spec->width, &spec->inputs));
    MFI_TRY(check_kernel(spec));
    MFI_TRY(settle("weights of a filter", spec->channels, spec->kernel[0], spec->kernel[1], &depth));
    MFI_TRY(check_pool(spec));
    mfi_geometry g = mfi_spec_geometry(spec);
    MFI_TRY(settle("values before pooling", spec->filters, g.map[0], g.map[1], &map_values));
    return settle("outputs", spec->filters, g.pool.pooled[0], g.pool.pooled[1], &spec->outputs);
}

mf_status mfi_spec_resolve(mf_layer_spec *spec)
{
    MFI_TRY(check_options(spec));
    MFI_TRY(check_normalization(spec));
    if (spec->kind == MF_LAYER_CONV2D)
        return resolve_maps(spec);
    MFI_TRY(check_size("inputs", spec->inputs, 1));
    return check_size("outputs", spec->outputs, 1);
}

/* ---- what follows ---- */

mfi_geometry mfi_spec_geometry(const mf_layer_spec *spec)
{
    const size_t size[2] = {spec->height, spec->width};
    mfi_geometry g = {
        .channels = spec->channels,
        .height = spec->height,
        .width = spec->width,
        .filters = spec->filters,
        .pool.kind = spec->pool,
        .head = spec->head_size,
        .depth = spec->channels * spec->kernel[0] * spec->kernel[1],
    };
    for (int d = 0; d < 2; d++) {
        g.kernel[d] = spec->kernel[d];
        g.stride[d] = spec->stride[d];
        g.padding[d] = spec->padding[d];
        g.map[d] =
            windows((uint64_t)size[d] + 2 * (uint64_t)spec->padding[d], spec->kernel[d], spec->stride[d]);
        g.pool.map[d] = g.pool.pooled[d] = g.map[d];
        if (spec->pool == MF_POOL_NONE || spec->pool_size[d] == 0 || spec->pool_size[d] > g.map[d])
            continue;
        g.pool.size[d] = spec->pool_size[d];
        g.pool.stride[d] = pool_step(spec, d);
        g.pool.pooled[d] = windows(g.map[d], g.pool.size[d], g.pool.stride[d]);
    }
    g.places = g.map[0] * g.map[1];
    g.pooled = g.pool.pooled[0] * g.pool.pooled[1];
    return g;
}

size_t mfi_spec_channels(const mf_layer_spec *spec)
{
    return spec->kind == MF_LAYER_CONV2D ? spec->filters : spec->outputs;
}

size_t mfi_spec_places(const mf_layer_spec *spec)
{
    return spec->kind == MF_LAYER_CONV2D ? mfi_spec_geometry(spec).places : 1;
}

bool mfi_spec_pools_head(const mf_layer_spec *spec)
{
    return spec->kind == MF_LAYER_CONV2D && spec->head_size > 0;
}

size_t mfi_spec_features(const mf_layer_spec *spec)
{
    return mfi_spec_pools_head(spec) ? spec->filters * spec->head_size * spec->head_size : spec->outputs;
}

static int32_t matrix(size_t dims[4], size_t rows, size_t columns)
{
    dims[0] = rows;
    dims[1] = columns;
    return 2;
}

int32_t mfi_spec_parameter(const mf_layer_spec *spec, size_t parameter, size_t dims[4])
{
    bool conv = spec->kind == MF_LAYER_CONV2D, normal = spec->normalization != MF_NORMALIZATION_NONE;
    dims[0] = mfi_spec_channels(spec);
    dims[1] = dims[2] = dims[3] = 1;
    if (parameter == MFI_PROJECTION)
        return matrix(dims, spec->classes, mfi_spec_features(spec));
    if (parameter == MFI_BIAS)
        return spec->bias ? 1 : 0;
    if (parameter != MFI_WEIGHT)
        return normal ? 1 : 0;
    if (!conv)
        return matrix(dims, spec->outputs, spec->inputs);
    dims[1] = spec->channels;
    dims[2] = spec->kernel[0];
    dims[3] = spec->kernel[1];
    return 4;
}

bool mfi_spec_count(const mf_layer_spec *spec, size_t parameter, size_t *count)
{
    size_t dims[4];
    *count = mfi_spec_parameter(spec, parameter, dims) > 0;
    for (int d = 0; d < 4; d++)
        if (!mfi_multiply(*count, dims[d], count))
            return false;
    return true;
}

static mf_shape maps_or_values(bool maps, size_t count, size_t height, size_t width)
{
    return (mf_shape){.struct_size = sizeof(mf_shape),
                      .rank = maps ? 3 : 1,
                      .dims = {count, maps ? height : 1, maps ? width : 1, 1}};
}

mf_shape mfi_spec_input(const mf_layer_spec *spec)
{
    bool conv = spec->kind == MF_LAYER_CONV2D;
    return maps_or_values(conv, conv ? spec->channels : spec->inputs, spec->height, spec->width);
}

mf_shape mfi_spec_output(const mf_layer_spec *spec)
{
    if (spec->kind != MF_LAYER_CONV2D)
        return maps_or_values(false, spec->outputs, 1, 1);
    mfi_geometry g = mfi_spec_geometry(spec);
    return maps_or_values(true, spec->filters, g.pool.pooled[0], g.pool.pooled[1]);
}

double mfi_spec_work(const mf_layer_spec *spec)
{
    double depth = (double)spec->inputs, neurons = (double)spec->outputs;
    if (spec->kind == MF_LAYER_CONV2D) {
        mfi_geometry g = mfi_spec_geometry(spec);
        depth = (double)g.depth;
        neurons = (double)g.filters * (double)g.places;
    }
    return 4.0 * neurons * depth + 6.0 * (double)mfi_spec_features(spec) * (double)spec->classes;
}
