/* The exported functions of layers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/structs.h"
#include "model/change.h"
#include "model/checks.h"
#include "model/spec.h"

mf_status mf_layer_spec_init(mf_layer_spec *spec, size_t size)
{
    mf_layer_spec defaults = mfi_layer_defaults();
    return MFI_INIT(mf_layer_spec, spec, size, &defaults);
}

mf_status mf_layer_spec_follow(mf_layer_spec *spec, const mf_layer_spec *before)
{
    mf_layer_spec known = mfi_layer_defaults(), first = known;
    MFI_TRY(MFI_READ(mf_layer_spec, &known, spec));
    MFI_TRY(MFI_READ_AS(mf_layer_spec, &first, before, "the mf_layer_spec before"));
    MFI_TRY(mfi_spec_resolve_new(&first));
    mfi_spec_follow(&known, &first);
    return MFI_WRITE(mf_layer_spec, spec, &known);
}

mf_status mf_batch_init(mf_batch *batch, size_t size)
{
    mf_batch defaults = mfi_flat_batch(0, NULL, NULL);
    return MFI_INIT(mf_batch, batch, size, &defaults);
}

mf_status mf_layer_create(const mf_layer_spec *spec, mf_layer **layer)
{
    MFI_CALM;
    mf_layer_spec known = mfi_layer_defaults();
    mfi_spec_room room;
    mfi_plan plan;
    MFI_TRY(mfi_check_pointer(layer, "the out-pointer of the layer"));
    *layer = NULL;
    MFI_TRY(MFI_READ(mf_layer_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    MFI_TRY(mfi_spec_resolve_new(&known));
    MFI_TRY(mfi_plan_from_spec(&known, &room, &plan));
    return mfi_layer_create(&plan, known.allocator, true, layer);
}

void mf_layer_free(mf_layer *layer)
{
    if (layer && mfi_handle_check(layer, MFI_KIND_LAYER) == MF_STATUS_OK)
        mfi_layer_release(layer);
}

mf_status mf_layer_describe(const mf_layer *layer, mf_layer_spec *spec)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    mf_layer_spec found = mfi_plan_spec(&layer->plan);
    return MFI_WRITE(mf_layer_spec, spec, &found);
}

mf_status mf_shape_init(mf_shape *shape, size_t size)
{
    mf_shape defaults = mfi_shape_row(1);
    return MFI_INIT(mf_shape, shape, size, &defaults);
}

mf_status mf_layer_shape(const mf_layer *layer, mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    if (input)
        MFI_TRY(MFI_WRITE(mf_shape, input, &layer->plan.input));
    if (output)
        MFI_TRY(MFI_WRITE(mf_shape, output, mfi_plan_output(&layer->plan)));
    return MF_STATUS_OK;
}

mf_status mf_layer_goodness_shape(const mf_layer *layer, mf_shape *shape)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    const mfi_plan *plan = &layer->plan;
    mf_shape goodness = plan->head.kind == MF_HEAD_POSITIONS
                            ? mfi_shape_sequence(plan->scored, plan->head.classes)
                            : mfi_shape_row(plan->head.classes);
    return MFI_WRITE(mf_shape, shape, &goodness);
}

mf_status mf_layer_set(mf_layer *layer, int32_t key, double value)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    return mfi_layer_set(layer, key, value);
}

mf_status mf_layer_get(const mf_layer *layer, int32_t key, double *value)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(value, "the out-pointer of the value"));
    return mfi_layer_get(layer, key, value);
}

mf_status mf_layer_set_classes(mf_layer *layer, size_t classes)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_classes(classes));
    mf_status status = MF_STATUS_OK;
    /* The call's own, for the handle that there is not. */
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, &status));
    status = mfi_change_classes(layer, classes);
    if (status == MF_STATUS_OK)
        mfi_change_commit(layer);
    mfi_layer_disclaim(layer, &status);
    return status;
}

mf_status mf_layer_set_optimizer(mf_layer *layer, mf_optimizer *optimizer)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    if (optimizer)
        MFI_TRY(mfi_handle_check(optimizer, MFI_KIND_OPTIMIZER));
    mf_status status = MF_STATUS_OK;
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, &status));
    status = mfi_change_optimizer(layer, optimizer);
    if (status == MF_STATUS_OK)
        mfi_change_commit(layer);
    mfi_layer_disclaim(layer, &status);
    return status;
}

mf_status mf_layer_optimizer(const mf_layer *layer, mf_optimizer **optimizer)
{
    MFI_TRY(mfi_check_pointer(optimizer, "the out-pointer of the optimizer"));
    *optimizer = NULL;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    *optimizer = layer->optimizer;
    return MF_STATUS_OK;
}

/* ---- parameters ---- */

mf_status mf_layer_parameter_count(const mf_layer *layer, size_t *count)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(count, "the out-pointer of the count"));
    *count = layer->plan.parameter_count;
    return MF_STATUS_OK;
}

mf_status mf_parameter_info_init(mf_parameter_info *info, size_t size)
{
    mf_parameter_info defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_parameter_info, info, size, &defaults);
}

mf_status mf_layer_parameter_info(const mf_layer *layer, size_t index, mf_parameter_info *info)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    if (index >= layer->plan.parameter_count)
        return mfi_fail(MF_STATUS_NOT_FOUND, "there is no parameter %zu in a layer with %zu parameters",
                        index, layer->plan.parameter_count);
    const mfi_parameter_spec *parameter = &layer->plan.parameters[index];
    mf_parameter_info found = {
        .type = MF_TYPE_FLOAT32,
        .trainable = mfi_layer_trains(layer, index),
        .rank = parameter->rank,
        .count = parameter->count,
        .name = parameter->name,
    };
    memcpy(found.dims, parameter->dims, sizeof found.dims);
    return MFI_WRITE(mf_parameter_info, info, &found);
}

static mf_status find(const mf_layer *layer, const char *name, size_t *index)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(name, "the name of the parameter"));
    return mfi_layer_find(layer, name, index);
}

static mf_status find_values(const mf_layer *layer, const char *name, const void *values, size_t count,
                             size_t *index)
{
    MFI_TRY(find(layer, name, index));
    MFI_TRY(mfi_check_pointer(values, "the values of the parameter"));
    if (count != layer->plan.parameters[*index].count)
        return mfi_fail(MF_STATUS_SHAPE, "the %s has %zu values, got a count of %zu", name,
                        layer->plan.parameters[*index].count, count);
    return MF_STATUS_OK;
}

mf_status mf_layer_get_parameter(const mf_layer *layer, const char *name, float *values, size_t count)
{
    size_t index = 0;
    MFI_TRY(find_values(layer, name, values, count, &index));
    mfi_layer_get_values(layer, index, -1, 0, count, values);
    return MF_STATUS_OK;
}

static mf_status check_class_counts(const float *values, size_t count)
{
    bool some = false;
    for (size_t i = 0; i < count; i++) {
        if (values[i] < 0.0f)
            return mfi_fail(MF_STATUS_NUMERIC, "value %zu of the counts is %g, it must be at least 0", i,
                            (double)values[i]);
        some |= values[i] >= FLT_MIN; /* a step treats smaller numbers as 0 */
    }
    return some ? MF_STATUS_OK
                : mfi_fail(MF_STATUS_NUMERIC, "all %zu counts are 0, or too small for float32", count);
}

mf_status mf_layer_set_parameter(mf_layer *layer, const char *name, const float *values, size_t count)
{
    MFI_CALM;
    size_t index = 0;
    MFI_TRY(find_values(layer, name, values, count, &index));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return mfi_fail(MF_STATUS_NUMERIC, "value %zu of the %s is %g, it must be finite", i, name,
                            (double)values[i]);
    for (size_t i = 0; layer->plan.parameters[index].role == MFI_VARIANCE && i < count; i++)
        if (values[i] < 0.0f)
            return mfi_fail(MF_STATUS_NUMERIC, "value %zu of the variance is %g, it must be at least 0", i,
                            (double)values[i]);
    if (layer->plan.parameters[index].role == MFI_COUNTS)
        MFI_TRY(check_class_counts(values, count));
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, &index));
    mfi_layer_set_values(layer, index, -1, 0, count, values);
    mfi_layer_disclaim(layer, &index);
    return MF_STATUS_OK;
}

mf_status mf_layer_set_trainable(mf_layer *layer, const char *name, int32_t trainable)
{
    size_t index = 0;
    MFI_TRY(find(layer, name, &index));
    if (trainable != 0 && trainable != 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "trainable must be 0 or 1, got %d", (int)trainable);
    mfi_layer_set_trainable(layer, index, trainable != 0);
    return MF_STATUS_OK;
}

/* ---- training and inference ---- */

static mf_status check_handles(const mf_layer *layer, const mf_workspace *workspace, bool training,
                               size_t *index)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_handle_check(workspace, MFI_KIND_WORKSPACE));
    return mfi_workspace_check_layer(workspace, layer, training, index);
}

static bool overlap(const void *one, size_t bytes, const void *other, size_t other_bytes)
{
    uintptr_t a = (uintptr_t)one, b = (uintptr_t)other;
    return one && other && (a < b ? b - a < bytes : a - b < other_bytes);
}

/* Rows that a call has still to read would be others, and labels no labels any more. */
static mf_status check_apart(const mf_layer *layer, const mfi_rows *rows, bool labelled, const float *out,
                             size_t values, const char *name)
{
    size_t bytes = values * sizeof *out, row = layer->plan.inputs * sizeof *rows->x;
    for (size_t b = 0; out && b < rows->count; b++)
        if (overlap(out, bytes, rows->x + b * rows->stride, row))
            return mfi_fail(MF_STATUS_ARGUMENT, "%s would be written over the inputs", name);
    if (labelled && overlap(out, bytes, rows->labels, rows->count * rows->scored * sizeof *rows->labels))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s would be written over the labels", name);
    if (labelled && overlap(out, bytes, rows->weights, rows->count * sizeof *rows->weights))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s would be written over the sample weights", name);
    return MF_STATUS_OK;
}

static mf_status check_activation(const mf_layer *layer, const mfi_rows *rows, bool labelled, const float *a)
{
    return check_apart(layer, rows, labelled, a, rows->count * layer->plan.outputs, "the activation");
}

mf_status mf_layer_step_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a)
{
    MFI_CALM;
    size_t index = 0;
    mfi_rows rows;
    MFI_TRY(check_handles(layer, workspace, true, &index));
    if (!layer->optimizer)
        return mfi_fail(MF_STATUS_STATE, "the layer has no optimizer");
    MFI_TRY(mfi_check_rows(batch, layer, workspace, index, true, &rows));
    MFI_TRY(mfi_layer_check_rows(layer, index, rows.count));
    MFI_TRY(check_activation(layer, &rows, true, a));
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, workspace));
    mfi_settings settings = mfi_layer_settings(layer);
    mf_status status =
        mfi_layer_step(layer, &settings, &workspace->place, &rows, a ? a : workspace->activations[index % 2],
                       index, &workspace->served[index].report);
    mfi_layer_disclaim(layer, workspace);
    return status;
}

mf_status mf_layer_step(mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x,
                        const int32_t *y, float *a)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return mf_layer_step_batch(layer, workspace, &batch, a);
}

static mf_status check_gradients(const mf_layer *layer, const float *gradients, size_t count)
{
    MFI_TRY(mfi_check_pointer(gradients, "the gradients"));
    if (count != layer->plan.values)
        return mfi_fail(MF_STATUS_SHAPE, "the parameters have %zu values, got %zu gradients",
                        layer->plan.values, count);
    return MF_STATUS_OK;
}

mf_status mf_layer_gradients(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a,
                             float *gradients, size_t count)
{
    MFI_CALM;
    size_t index = 0;
    mfi_rows rows;
    MFI_TRY(check_handles(layer, workspace, true, &index));
    MFI_TRY(check_gradients(layer, gradients, count));
    MFI_TRY(mfi_check_rows(batch, layer, workspace, index, true, &rows));
    MFI_TRY(mfi_layer_check_rows(layer, index, rows.count));
    MFI_TRY(check_activation(layer, &rows, true, a));
    MFI_TRY(check_apart(layer, &rows, true, gradients, count, "the gradients"));
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, workspace));
    mf_status status =
        mfi_layer_gradients(layer, &workspace->place, &rows, a ? a : workspace->activations[index % 2], index,
                            gradients, &workspace->served[index].report);
    mfi_layer_disclaim(layer, workspace);
    return status;
}

mf_status mf_layer_apply(mf_layer *layer, const float *gradients, size_t count)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(check_gradients(layer, gradients, count));
    if (!layer->optimizer)
        return mfi_fail(MF_STATUS_STATE, "the layer has no optimizer");
    size_t wrong = mfi_first_not_finite(layer->kernels, count, gradients);
    if (wrong < count)
        return mfi_fail(MF_STATUS_NUMERIC, "value %zu of the gradients is %g, it must be finite", wrong,
                        (double)gradients[wrong]);
    mf_status status = MF_STATUS_OK;
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, &status));
    status = mfi_layer_apply(layer, gradients);
    mfi_layer_disclaim(layer, &status);
    return status;
}

mf_status mf_layer_forward_batch(const mf_layer *layer, mf_workspace *workspace, const mf_batch *batch,
                                 float *a)
{
    MFI_CALM;
    size_t index = 0;
    mfi_rows rows;
    MFI_TRY(check_handles(layer, workspace, false, &index));
    MFI_TRY(mfi_check_pointer(a, "the activation"));
    MFI_TRY(mfi_check_rows(batch, layer, workspace, index, false, &rows));
    MFI_TRY(check_activation(layer, &rows, false, a));
    mfi_layer_forward(layer, &workspace->place, &rows, a);
    return MF_STATUS_OK;
}

mf_status mf_layer_forward(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x,
                           float *a)
{
    mf_batch batch = mfi_flat_batch(rows, x, NULL);
    return mf_layer_forward_batch(layer, workspace, &batch, a);
}

mf_status mf_layer_pass_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a)
{
    MFI_CALM;
    size_t index = 0;
    MFI_TRY(check_handles(layer, workspace, false, &index));
    MFI_TRY(mfi_layer_claim(layer, MFI_NO_POSITION, workspace));
    mf_status status = mf_layer_forward_batch(layer, workspace, batch, a);
    if (status == MF_STATUS_OK) {
        mfi_settings settings = mfi_layer_settings(layer);
        mfi_layer_drop(layer, &workspace->team, &settings, batch->rows, a);
        mfi_layer_count_mask(layer, &settings);
    }
    mfi_layer_disclaim(layer, workspace);
    return status;
}

mf_status mf_layer_goodness(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *a,
                            float *goodness)
{
    MFI_CALM;
    size_t index = 0;
    MFI_TRY(check_handles(layer, workspace, false, &index));
    MFI_TRY(mfi_check_pointer(goodness, "the goodness"));
    MFI_TRY(mfi_check_pointer(a, "the activation"));
    MFI_TRY(mfi_check_row_count(rows, workspace->max_batch));
    size_t wrong = mfi_first_not_finite(layer->kernels, rows * layer->plan.outputs, a);
    if (wrong < rows * layer->plan.outputs)
        return mfi_fail(MF_STATUS_NUMERIC, "value %zu of row %zu of the activation is %g, it must be finite",
                        wrong % layer->plan.outputs, wrong / layer->plan.outputs, (double)a[wrong]);
    if (overlap(goodness, rows * layer->plan.scored * layer->plan.head.classes * sizeof *goodness, a,
                rows * layer->plan.outputs * sizeof *a))
        return mfi_fail(MF_STATUS_ARGUMENT, "the goodness would be written over the activation");
    mfi_layer_goodness(layer, &workspace->place, rows, a, goodness);
    return MF_STATUS_OK;
}
