/* Owns: scratch memory for one network or one layer and a largest batch, and the reports of each layer. */
#include "model/workspace.h"

#include "base/memory.h"
#include "base/status.h"

/* What the block of a workspace holds besides scratch, in this order, as counts of floats. */
enum { EVEN, ODD, TOTAL, AREAS };

typedef struct layout {
    size_t counts[AREAS], offsets[AREAS];
    mfi_scratch_sizes scratch, scratch_offsets;
    size_t slots, bytes;
} layout;

/* The layers a workspace is for, wherever their specs come from. */
static mf_layer_spec spec_at(const mfi_layer_list *layers, size_t position)
{
    return layers->at(layers->source, position);
}

bool mfi_count_shared(const mfi_layer_list *layers, size_t rows, bool training, size_t activations[2],
                      mfi_scratch_sizes *scratch)
{
    *scratch = (mfi_scratch_sizes){0};
    activations[0] = activations[1] = 0;
    for (size_t i = 0; i < layers->count; i++) {
        mf_layer_spec spec = spec_at(layers, i);
        mfi_scratch_sizes needs;
        size_t outputs, *widest = &activations[i % 2];
        if (!mfi_layer_scratch(&spec, rows, training, &needs) || !mfi_multiply(rows, spec.outputs, &outputs))
            return false;
        *widest = outputs > *widest ? outputs : *widest;
        mfi_scratch_widen(scratch, &needs);
    }
    return true;
}

mf_status mfi_check_layers(const mfi_layer_list *layers, size_t max_batch)
{
    if (max_batch == 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "max_batch must be at least 1, got 0");
    if (max_batch > INT32_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "max_batch must be at most %d, got %zu", (int)INT32_MAX,
                        max_batch);
    if (layers->count == 0)
        return mfi_fail(MF_STATUS_STATE, "the network has no layers");
    for (size_t i = 1; i < layers->count; i++) {
        size_t first = spec_at(layers, 0).classes, other = spec_at(layers, i).classes;
        if (other != first)
            return mfi_fail(MF_STATUS_SHAPE, "layer %zu has %zu classes, layer 0 has %zu", i, other, first);
    }
    return MF_STATUS_OK;
}

static mf_status check_purpose_known(int32_t purpose)
{
    if (purpose != MF_WORKSPACE_TRAINING && purpose != MF_WORKSPACE_INFERENCE)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown workspace purpose %d", (int)purpose);
    return MF_STATUS_OK;
}

static mf_status lay_out(const mfi_layer_list *layers, int32_t purpose, size_t max_batch, layout *plan)
{
    size_t head;
    *plan = (layout){0};
    MFI_TRY(check_purpose_known(purpose));
    MFI_TRY(mfi_check_layers(layers, max_batch));
    bool training = purpose == MF_WORKSPACE_TRAINING;
    bool fits = mfi_count_shared(layers, max_batch, training, &plan->counts[EVEN], &plan->scratch) &&
                mfi_reserve(&plan->bytes, 1, sizeof(mf_workspace), &head) &&
                mfi_reserve(&plan->bytes, layers->count, sizeof(mfi_slot), &plan->slots) &&
                mfi_scratch_reserve(&plan->scratch, &plan->bytes, &plan->scratch_offsets);
    plan->counts[TOTAL] = layers->network ? plan->scratch.goodness : 0;
    for (size_t area = 0; fits && area < AREAS; area++)
        fits = mfi_reserve(&plan->bytes, plan->counts[area], sizeof(float), &plan->offsets[area]);
    if (!fits)
        return mfi_fail(MF_STATUS_OVERFLOW, "a workspace for %zu rows does not fit", max_batch);
    return MF_STATUS_OK;
}

mf_status mfi_workspace_bytes(const mfi_layer_list *layers, int32_t purpose, size_t max_batch, size_t *bytes)
{
    layout plan;
    MFI_TRY(lay_out(layers, purpose, max_batch, &plan));
    *bytes = plan.bytes;
    return MF_STATUS_OK;
}

static float *area(mf_workspace *workspace, const layout *plan, size_t index)
{
    return plan->counts[index] ? (float *)((char *)workspace + plan->offsets[index]) : NULL;
}

static void carve(mf_workspace *workspace, const layout *plan)
{
    workspace->slots = (mfi_slot *)((char *)workspace + plan->slots);
    workspace->activations[0] = area(workspace, plan, EVEN);
    workspace->activations[1] = area(workspace, plan, ODD);
    workspace->total = area(workspace, plan, TOTAL);
    workspace->scratch = mfi_scratch_carve(workspace, &plan->scratch, &plan->scratch_offsets);
}

static mf_layer *layer_of(const mf_workspace_spec *spec, size_t position)
{
    return spec->network ? spec->network->places[position].layer : spec->layer;
}

static mf_layer_spec spec_in_network(const void *source, size_t position)
{
    return ((const mf_network *)source)->places[position].layer->spec;
}

static mf_layer_spec spec_alone(const void *source, size_t position)
{
    (void)position;
    return ((const mf_layer *)source)->spec;
}

mfi_layer_list mfi_list_network(const mf_network *network)
{
    return (mfi_layer_list){
        .source = network, .at = spec_in_network, .count = network->count, .network = true};
}

static mfi_layer_list list_layer(const mf_layer *layer)
{
    return (mfi_layer_list){.source = layer, .at = spec_alone, .count = 1, .network = false};
}

mf_status mfi_workspace_create(const mf_workspace_spec *spec, mf_workspace **workspace)
{
    layout plan;
    const mfi_layer_list layers = spec->network ? mfi_list_network(spec->network) : list_layer(spec->layer);
    MFI_TRY(lay_out(&layers, spec->purpose, spec->max_batch, &plan));
    mf_workspace *created = mfi_handle_create(MFI_KIND_WORKSPACE, spec->allocator, plan.bytes);
    if (!created)
        return MF_STATUS_MEMORY;
    carve(created, &plan);
    created->training = spec->purpose == MF_WORKSPACE_TRAINING;
    created->max_batch = spec->max_batch;
    created->count = layers.count;
    created->network = spec->network;
    if (spec->network) {
        mfi_handle_retain(&spec->network->head);
        created->revision = spec->network->revision;
    }
    for (size_t i = 0; i < created->count; i++) {
        mf_layer *layer = layer_of(spec, i);
        mfi_handle_retain(&layer->head);
        created->slots[i] = (mfi_slot){.layer = layer, .revision = layer->revision};
        created->slots[i].report.gradient_norm = -1.0;
    }
    created->sum.gradient_norm = -1.0;
    *workspace = created;
    return MF_STATUS_OK;
}

void mfi_workspace_release(mf_workspace *workspace)
{
    if (!workspace || !mfi_handle_drop(&workspace->head))
        return;
    for (size_t i = 0; i < workspace->count; i++)
        mfi_layer_release(workspace->slots[i].layer);
    mfi_network_release(workspace->network);
    mfi_handle_destroy(&workspace->head);
}

/* ---- checks ---- */

static mf_status check_purpose(const mf_workspace *workspace, bool training)
{
    if (training && !workspace->training)
        return mfi_fail(MF_STATUS_STATE, "the workspace was made for inference");
    return MF_STATUS_OK;
}

static mf_status check_slot(const mf_workspace *workspace, size_t slot)
{
    const mfi_slot *served = &workspace->slots[slot];
    if (served->revision != served->layer->revision)
        return mfi_fail(MF_STATUS_STALE,
                        "layer %zu has changed its number of classes since the workspace was made", slot);
    return MF_STATUS_OK;
}

static mf_status check_list(const mf_workspace *workspace)
{
    if (workspace->network && workspace->revision != workspace->network->revision)
        return mfi_fail(MF_STATUS_STALE, "layers have come or gone since the workspace was made");
    return MF_STATUS_OK;
}

mf_status mfi_workspace_check_network(const mf_workspace *workspace, const mf_network *network, bool training)
{
    if (workspace->network != network)
        return mfi_fail(MF_STATUS_STALE, "the workspace was made for something else than this network");
    MFI_TRY(check_list(workspace));
    for (size_t slot = 0; slot < workspace->count; slot++)
        MFI_TRY(check_slot(workspace, slot));
    return check_purpose(workspace, training);
}

mf_status mfi_workspace_check_layer(const mf_workspace *workspace, const mf_layer *layer, bool training,
                                    size_t *slot)
{
    size_t found = 0;
    while (found < workspace->count && workspace->slots[found].layer != layer)
        found++;
    if (found == workspace->count)
        return mfi_fail(MF_STATUS_STALE, "the workspace was not made for this layer");
    MFI_TRY(check_list(workspace));
    MFI_TRY(check_slot(workspace, found));
    *slot = found;
    return check_purpose(workspace, training);
}
