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
#include "model/layer_dense.h"

/* Products with M beyond this many classes are large enough for the BLAS library to do them well. */
enum { FEW_CLASSES = 32 };

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
    };
}

const char *mfi_parameter_name(size_t parameter)
{
    static const char *const names[MFI_PARAMETERS] = {"weight", "bias", "projection"};
    return names[parameter];
}

/* ---- creation ---- */

static mf_status check_size(const char *name, size_t value, size_t least)
{
    if (value < least)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be at least %zu, got %zu", name, least, value);
    if (value > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "%s must be at most %d, got %zu", name, (int)INT32_MAX, value);
    return MF_STATUS_OK;
}

mf_status mfi_layer_check_classes(size_t classes)
{
    return check_size("classes", classes, 2);
}

static mf_status check_constant(const char *name, int32_t value, int32_t last)
{
    if (value < 0 || value > last)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown %s %d", name, (int)value);
    return MF_STATUS_OK;
}

/* Written so that a NaN fails. */
static mf_status check_share(const char *name, double value)
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

mf_status mfi_layer_check_spec(const mf_layer_spec *spec)
{
    MFI_TRY(check_constant("layer kind", spec->kind, MF_LAYER_DENSE));
    MFI_TRY(check_size("inputs", spec->inputs, 1));
    MFI_TRY(check_size("outputs", spec->outputs, 1));
    MFI_TRY(mfi_layer_check_classes(spec->classes));
    MFI_TRY(check_constant("activation", spec->activation, MF_ACTIVATION_GELU));
    MFI_TRY(check_constant("bias", spec->bias, 1));
    MFI_TRY(check_constant("weight_init", spec->weight_init, MF_INIT_NORMAL));
    MFI_TRY(check_constant("projection_init", spec->projection_init, MF_INIT_NORMAL));
    MFI_TRY(check_gain("weight_gain", spec->weight_gain));
    MFI_TRY(check_gain("projection_gain", spec->projection_gain));
    if (!(spec->leak >= 0.0f && spec->leak <= 1.0f))
        return mfi_fail(MF_STATUS_ARGUMENT, "leak must be from 0 to 1, got %g", (double)spec->leak);
    MFI_TRY(check_share("dropout", (double)spec->dropout));
    return check_share("label_smoothing", (double)spec->label_smoothing);
}

/* The n-th automatic seed of the process: runs repeat, and no two layers of a process are alike. */
static uint64_t automatic_seed(void)
{
    static atomic_uint_fast64_t counter;
    uint64_t bits = (atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed) + 1) * 0x9E3779B97F4A7C15u;
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

static void describe_parameters(mf_layer *layer)
{
    const mf_layer_spec *spec = &layer->spec;
    layer->parameters[MFI_WEIGHT] = (mfi_parameter){.rank = 2, .dims = {spec->outputs, spec->inputs, 1, 1}};
    layer->parameters[MFI_BIAS] = (mfi_parameter){.rank = 1, .dims = {spec->outputs, 1, 1, 1}};
    layer->parameters[MFI_PROJECTION] =
        (mfi_parameter){.rank = 2, .dims = {spec->classes, spec->outputs, 1, 1}};
    for (size_t index = 0; index < MFI_PARAMETERS; index++)
        layer->parameters[index].trainable = 1;
}

mf_status mfi_layer_create(const mf_layer_spec *spec, mf_layer **layer)
{
    mfi_change drawn;
    MFI_TRY(mfi_layer_check_spec(spec));
    mf_layer *created = mfi_handle_create(MFI_KIND_LAYER, spec->allocator, sizeof *created);
    if (!created)
        return MF_STATUS_MEMORY;
    created->spec = *spec;
    created->spec.allocator = NULL;
    if (spec->seed == MF_SEED_AUTO)
        created->spec.seed = automatic_seed();
    created->kernels = mfi_kernels_select();
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
    MFI_TRY(check_constant("layer key", key, MF_LAYER_LABEL_SMOOTHING));
    MFI_TRY(check_share(key == MF_LAYER_DROPOUT ? "dropout" : "label_smoothing", value));
    *option_of(&layer->spec, key) = (float)value;
    return MF_STATUS_OK;
}

mf_status mfi_layer_get(const mf_layer *layer, int32_t key, double *value)
{
    MFI_TRY(check_constant("layer key", key, MF_LAYER_LABEL_SMOOTHING));
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
                              ++layer->parameters[parameter].steps, parameter != MFI_BIAS);
}

/* The derivatives of the others follow from the activation itself. */
static bool keeps_preactivation(const mf_layer_spec *spec)
{
    return spec->activation == MF_ACTIVATION_GELU;
}

bool mfi_layer_scratch(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes)
{
    size_t panel = mfi_dense_panel(spec);
    *sizes = (mfi_scratch_sizes){0};
    if (!mfi_multiply(rows, spec->classes, &sizes->goodness))
        return false;
    if (!training)
        return true;
    if (keeps_preactivation(spec) && !mfi_multiply(rows, spec->outputs, &sizes->preactivation))
        return false;
    sizes->db = panel;
    return mfi_multiply(rows, panel, &sizes->dz) && mfi_multiply(panel, spec->inputs, &sizes->dw) &&
           mfi_multiply(panel, spec->classes, &sizes->dm);
}

void mfi_layer_forward(const mf_layer *layer, const mfi_rows *rows, float *a, float *z)
{
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    mfi_dense_product(layer, rows, a);
    layer->kernels->activate(phi, rows->count, layer->spec.outputs, layer->parameters[MFI_BIAS].values, a, z);
}

void mfi_layer_goodness(const mf_layer *layer, size_t rows, const float *a, float *goodness)
{
    size_t n = layer->spec.outputs, m = layer->spec.classes;
    const float *projection = layer->parameters[MFI_PROJECTION].values;
    if (m <= FEW_CLASSES)
        layer->kernels->skinny_product(rows, m, n, a, n, projection, goodness);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, m, n, 1.0f, a, n, projection, n, 0.0f, goodness, m);
}

void mfi_layer_local_gradient(const mf_layer *layer, const mfi_scratch *scratch, size_t rows, const float *a,
                              size_t start, size_t width)
{
    const mfi_kernels *kernels = layer->kernels;
    const float *projection = layer->parameters[MFI_PROJECTION].values + start;
    const float *z = keeps_preactivation(&layer->spec) ? scratch->preactivation + start : NULL;
    mfi_activation phi = {layer->spec.activation, layer->spec.leak};
    size_t n = layer->spec.outputs, m = layer->spec.classes;
    if (m <= FEW_CLASSES) {
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

/* Everything after the goodness is linear in dG, so clipping the gradient is scaling dG. */
static mf_status clip(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, const float *a, size_t position, double *norm)
{
    double largest = (double)settings->optimizer.clip_norm;
    *norm = -1.0;
    if (largest == 0.0)
        return MF_STATUS_OK;
    *norm = mfi_dense_gradient_norm(layer, settings, scratch, rows, a);
    if (!isfinite(*norm))
        return mfi_fail(MF_STATUS_NUMERIC, "layer %zu: the norm of the gradient is not finite", position);
    if (*norm > largest)
        for (size_t i = 0; i < rows->count * layer->spec.classes; i++)
            scratch->goodness[i] *= (float)(largest / *norm);
    return MF_STATUS_OK;
}

void mfi_layer_drop(const mf_layer *layer, const mfi_settings *settings, size_t rows, float *a)
{
    if (settings->dropout == 0.0f)
        return;
    mfi_stream stream = mfi_stream_of(layer->spec.seed, MFI_PURPOSE_DROPOUT, layer->dropped);
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
    mfi_layer_forward(layer, rows, a, keeps_preactivation(&layer->spec) ? scratch->preactivation : NULL);
    mfi_layer_goodness(layer, rows->count, a, scratch->goodness);
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

static mf_status step(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, float *a, size_t position, mf_report *report)
{
    mf_report done = *report;
    MFI_TRY(mfi_layer_lose(layer, settings, scratch, rows, a, position, &done));
    MFI_TRY(clip(layer, settings, scratch, rows, a, position, &done.gradient_norm));
    mfi_dense_update(layer, settings, scratch, rows, a);
    mfi_layer_drop(layer, settings, rows->count, a);
    mfi_layer_count_mask(layer, settings);
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
                          size_t first, size_t count, const float *gradient)
{
    float *s0 = parameter->state[0] ? parameter->state[0] + first : NULL;
    float *s1 = parameter->state[1] ? parameter->state[1] + first : NULL;
    kernels->update(rule, count, parameter->values + first, gradient, s0, s1);
}
