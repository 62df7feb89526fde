/* The exported functions of networks. */
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/structs.h"
#include "model/checks.h"
#include "model/pass.h"
#include "model/summary.h"

mf_status mf_network_spec_init(mf_network_spec *spec, size_t size)
{
    mf_network_spec defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_network_spec, spec, size, &defaults);
}

mf_status mf_network_create(const mf_network_spec *spec, mf_network **network)
{
    mf_network_spec known = {.struct_size = sizeof known};
    MFI_TRY(mfi_check_pointer(network, "the out-pointer of the network"));
    *network = NULL;
    if (spec)
        MFI_TRY(MFI_READ(mf_network_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    return mfi_network_create(&known, network);
}

void mf_network_free(mf_network *network)
{
    if (network && mfi_handle_check(network, MFI_KIND_NETWORK) == MF_STATUS_OK)
        mfi_network_release(network);
}

mf_status mf_network_size(const mf_network *network, size_t *size)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(size, "the out-pointer of the size"));
    *size = network->count;
    return MF_STATUS_OK;
}

/* ---- structure ---- */

mf_status mf_network_insert(mf_network *network, size_t position, mf_layer *layer, uint64_t *id)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_network_check_new(network, layer));
    return mfi_network_insert(network, position, layer, id);
}

mf_status mf_network_append(mf_network *network, mf_layer *layer, uint64_t *id)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    return mf_network_insert(network, network->count, layer, id);
}

mf_status mf_network_remove(mf_network *network, uint64_t id)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    return mfi_network_remove(network, id);
}

mf_status mf_network_replace(mf_network *network, uint64_t id, mf_layer *layer)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    return mfi_network_replace(network, id, layer);
}

static mf_status check_position(const mf_network *network, size_t position)
{
    if (position >= network->count)
        return mfi_fail(MF_STATUS_NOT_FOUND, "position %zu in a network of %zu layers", position,
                        network->count);
    return MF_STATUS_OK;
}

mf_status mf_network_layer(const mf_network *network, size_t position, mf_layer **layer, uint64_t *id)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(check_position(network, position));
    if (layer)
        *layer = network->entries[position].layer;
    if (id)
        *id = network->entries[position].id;
    return MF_STATUS_OK;
}

mf_status mf_network_position(const mf_network *network, uint64_t id, size_t *position)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(position, "the out-pointer of the position"));
    return mfi_network_find(network, id, position);
}

mf_status mf_network_set_optimizer(mf_network *network, mf_optimizer *optimizer)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    if (optimizer)
        MFI_TRY(mfi_handle_check(optimizer, MFI_KIND_OPTIMIZER));
    mf_status status = MF_STATUS_OK;
    MFI_TRY(mfi_network_claim(network, &status)); /* the call's own */
    status = mfi_network_set_optimizer(network, optimizer);
    mfi_network_disclaim(network, &status);
    return status;
}

mf_status mf_network_set_classes(mf_network *network, size_t classes)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_classes(classes));
    mf_status status = MF_STATUS_OK;
    MFI_TRY(mfi_network_claim(network, &status));
    status = mfi_network_set_classes(network, classes);
    mfi_network_disclaim(network, &status);
    return status;
}

/* ---- inputs ---- */

static mf_status check_numbers(const char *name, const float *values, size_t count)
{
    MFI_TRY(mfi_check_pointer(values, name));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return mfi_fail(MF_STATUS_NUMERIC, "number %zu of %s is %g, it must be finite", i, name,
                            (double)values[i]);
    return MF_STATUS_OK;
}

mf_status mf_network_set_input_scaling(mf_network *network, const float *shift, const float *scale,
                                       size_t count)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    if (count > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "at most %d numbers scale inputs, got %zu", (int)INT32_MAX,
                        count);
    if (count > 0) {
        MFI_TRY(check_numbers("the shift", shift, count));
        MFI_TRY(check_numbers("the scale", scale, count));
    }
    return mfi_network_set_scaling(network, shift, scale, count);
}

mf_status mf_network_input_scaling(const mf_network *network, float *shift, float *scale, size_t capacity,
                                   size_t *count)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(count, "the out-pointer of the count"));
    const mfi_scaling scaling = mfi_network_scaling(network);
    *count = scaling.count;
    if (scaling.count == 0 || (!shift && !scale))
        return MF_STATUS_OK;
    if (capacity < scaling.count)
        return mfi_fail(MF_STATUS_CAPACITY, "%zu numbers scale the inputs, there is room for %zu",
                        scaling.count, capacity);
    if (shift)
        memcpy(shift, scaling.shift, scaling.count * sizeof *shift);
    if (scale)
        memcpy(scale, scaling.scale, scaling.count * sizeof *scale);
    return MF_STATUS_OK;
}

/* ---- training ---- */

static mf_status check_call(const mf_network *network, mf_workspace *workspace, bool training, bool labelled,
                            const mf_batch *batch, mfi_rows *rows)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_handle_check(workspace, MFI_KIND_WORKSPACE));
    if (network->count == 0)
        return mfi_fail(MF_STATUS_STATE, "the network has no layers");
    MFI_TRY(mfi_workspace_check_network(workspace, network, training));
    return mfi_check_rows(batch, network->entries[0].layer, workspace, 0, labelled, rows);
}

static mf_status check_optimizer(const mf_network *network, size_t position)
{
    if (!network->entries[position].layer->optimizer)
        return mfi_fail(MF_STATUS_STATE, "layer %zu has no optimizer", position);
    return MF_STATUS_OK;
}

mf_status mf_network_step_batch(mf_network *network, mf_workspace *workspace, const mf_batch *batch)
{
    MFI_CALM;
    mfi_rows rows;
    MFI_TRY(check_call(network, workspace, true, true, batch, &rows));
    for (size_t position = 0; position < network->count; position++) {
        MFI_TRY(check_optimizer(network, position));
        MFI_TRY(mfi_layer_check_rows(network->entries[position].layer, position, rows.count));
    }
    return mfi_pass_step(workspace, &rows);
}

mf_status mf_network_step(mf_network *network, mf_workspace *workspace, size_t rows, const float *x,
                          const int32_t *y)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return mf_network_step_batch(network, workspace, &batch);
}

mf_status mf_network_step_layer_batch(mf_network *network, mf_workspace *workspace, size_t position,
                                      const mf_batch *batch)
{
    MFI_CALM;
    mfi_rows rows;
    MFI_TRY(check_call(network, workspace, true, true, batch, &rows));
    MFI_TRY(check_position(network, position));
    MFI_TRY(check_optimizer(network, position));
    MFI_TRY(mfi_layer_check_rows(network->entries[position].layer, position, rows.count));
    return mfi_pass_step_layer(workspace, position, &rows);
}

mf_status mf_network_step_layer(mf_network *network, mf_workspace *workspace, size_t position, size_t rows,
                                const float *x, const int32_t *y)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return mf_network_step_layer_batch(network, workspace, position, &batch);
}

/* ---- evaluation and prediction ---- */

mf_status mf_network_evaluate_batch(const mf_network *network, mf_workspace *workspace, const mf_batch *batch)
{
    MFI_CALM;
    mfi_rows rows;
    MFI_TRY(check_call(network, workspace, false, true, batch, &rows));
    return mfi_pass_evaluate(workspace, &rows);
}

mf_status mf_network_evaluate(const mf_network *network, mf_workspace *workspace, size_t rows, const float *x,
                              const int32_t *y)
{
    mf_batch batch = mfi_flat_batch(rows, x, y);
    return mf_network_evaluate_batch(network, workspace, &batch);
}

static mf_status infer(const mf_network *network, mf_workspace *workspace, int32_t mode,
                       const mf_batch *batch, const mfi_wanted *wanted)
{
    mfi_rows rows;
    MFI_TRY(check_call(network, workspace, false, false, batch, &rows));
    if (mode != MF_PREDICT_LAST && mode != MF_PREDICT_SUM)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown prediction mode %d", (int)mode);
    size_t classes = network->entries[0].layer->plan.head.classes;
    if (wanted->top > classes)
        return mfi_fail(MF_STATUS_ARGUMENT, "the best %zu classes of %zu are wanted", wanted->top, classes);
    return mfi_pass_infer(workspace, mode, &rows, wanted);
}

mf_status mf_network_infer(const mf_network *network, mf_workspace *workspace, int32_t mode,
                           const mf_batch *batch, int32_t *labels, float *goodness, float *probabilities)
{
    MFI_CALM;
    const mfi_wanted wanted = {0, labels, goodness, probabilities};
    return infer(network, workspace, mode, batch, &wanted);
}

mf_status mf_network_top(const mf_network *network, mf_workspace *workspace, int32_t mode,
                         const mf_batch *batch, size_t count, int32_t *labels, float *goodness,
                         float *probabilities)
{
    MFI_CALM;
    const mfi_wanted wanted = {count, labels, goodness, probabilities};
    if (count == 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "the best 0 classes are wanted");
    MFI_TRY(mfi_check_pointer(labels, "the labels"));
    MFI_TRY(mfi_check_pointer(goodness, "the goodness"));
    return infer(network, workspace, mode, batch, &wanted);
}

mf_status mf_network_predict(const mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows,
                             const float *x, int32_t *labels)
{
    mf_batch batch = mfi_flat_batch(rows, x, NULL);
    MFI_TRY(mfi_check_pointer(labels, "the labels"));
    return mf_network_infer(network, workspace, mode, &batch, labels, NULL, NULL);
}

mf_status mf_network_goodness(const mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows,
                              const float *x, float *goodness)
{
    mf_batch batch = mfi_flat_batch(rows, x, NULL);
    MFI_TRY(mfi_check_pointer(goodness, "the goodness"));
    return mf_network_infer(network, workspace, mode, &batch, NULL, goodness, NULL);
}

mf_status mf_network_probabilities(const mf_network *network, mf_workspace *workspace, int32_t mode,
                                   size_t rows, const float *x, float *probabilities)
{
    mf_batch batch = mfi_flat_batch(rows, x, NULL);
    MFI_TRY(mfi_check_pointer(probabilities, "the probabilities"));
    return mf_network_infer(network, workspace, mode, &batch, NULL, NULL, probabilities);
}

mf_status mf_network_summary(const mf_network *network, size_t max_batch, char *text, size_t size,
                             size_t *needed)
{
    MFI_CALM;
    size_t suffices = 0;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_size("max_batch", max_batch, 1));
    if (size > 0)
        MFI_TRY(mfi_check_pointer(text, "the text"));
    mf_status status = mfi_network_summary(network, max_batch, text, size, &suffices);
    if (needed && suffices > 0)
        *needed = suffices;
    return status;
}
