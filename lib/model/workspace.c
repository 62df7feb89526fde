/* Owns: scratch memory for one network or one layer and a largest batch, and the reports of each layer. */
#include "model/workspace.h"

#include "base/memory.h"
#include "base/status.h"

/* What the block of a workspace holds besides scratch, in this order, as counts of floats. */
enum { EVEN, ODD, GOODNESS, TOTAL, RUNNING, FEATURES, AREAS };

typedef struct workspace_layout {
    size_t counts[AREAS], offsets[AREAS];
    mfi_scratch_size scratch_size;
    size_t scratch, own_scratch; /* of the call, and of each thread */
    size_t served, bytes;
} workspace_layout;

mf_status mfi_count_shared(const mfi_layer_list *layers, size_t rows, bool training, size_t activations[2],
                           mfi_scratch_size *scratch)
{
    *scratch = (mfi_scratch_size){0};
    activations[0] = activations[1] = 0;
    for (size_t i = 0; i < layers->count; i++) {
        const mfi_plan *plan = NULL;
        size_t outputs, *widest = &activations[i % 2];
        mfi_scratch_size size;
        MFI_TRY(layers->at(layers, i, &plan));
        if (!mfi_scratch_bytes(plan, rows, training, &size) || !mfi_multiply(rows, plan->outputs, &outputs))
            return mfi_fail(MF_STATUS_OVERFLOW,
                            "the scratch of layer %zu for %zu rows does not fit in memory", i, rows);
        *widest = outputs > *widest ? outputs : *widest;
        scratch->common = size.common > scratch->common ? size.common : scratch->common;
        scratch->own = size.own > scratch->own ? size.own : scratch->own;
    }
    return MF_STATUS_OK;
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
    char one[MFI_SCORED_NAME], other[MFI_SCORED_NAME];
    const mfi_plan *first = NULL, *plan = NULL;
    MFI_TRY(layers->at(layers, 0, &first));
    for (size_t i = 1; i < layers->count; i++) {
        MFI_TRY(layers->at(layers, i, &plan));
        if (plan->head.classes != first->head.classes)
            return mfi_fail(MF_STATUS_SHAPE, "layer %zu has %zu classes, layer 0 has %zu", i,
                            plan->head.classes, first->head.classes);
        if (!mfi_plan_same_scores(plan, first))
            return mfi_fail(MF_STATUS_SHAPE, "layer %zu has goodness for %s, layer 0 for %s", i,
                            mfi_plan_scored_name(plan, one), mfi_plan_scored_name(first, other));
    }
    return MF_STATUS_OK;
}

static mf_status check_purpose_known(int32_t purpose)
{
    if (purpose < 0 || purpose > (MF_WORKSPACE_INFERENCE | MF_WORKSPACE_CONVERT))
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown workspace purpose %d", (int)purpose);
    return MF_STATUS_OK;
}

static bool trains(int32_t purpose)
{
    return (purpose & ~MF_WORKSPACE_CONVERT) == MF_WORKSPACE_TRAINING;
}

static bool converts(int32_t purpose)
{
    return (purpose & MF_WORKSPACE_CONVERT) != 0;
}

/* The inputs of the first layer as floats, too, fit into the activation of the odd layers. For those of any
 * other layer the activation that it does not write is wide enough: the layer before it writes there. */
static mf_status widen_for_inputs(const mfi_layer_list *layers, size_t rows, size_t *odd)
{
    const mfi_plan *plan = NULL;
    size_t inputs;
    MFI_TRY(layers->at(layers, 0, &plan));
    if (!mfi_multiply(rows, plan->inputs, &inputs))
        return mfi_fail(MF_STATUS_OVERFLOW, "%zu inputs for %zu rows do not fit in memory", plan->inputs,
                        rows);
    *odd = inputs > *odd ? inputs : *odd;
    return MF_STATUS_OK;
}

/* Of rows with `scored` goodness each. */
static bool count_scores(const mfi_layer_list *layers, size_t rows, size_t scored, size_t classes,
                         size_t counts[AREAS])
{
    size_t block = classes < MFI_CLASS_BLOCK ? classes : MFI_CLASS_BLOCK;
    size_t runs = classes > MFI_CLASS_BLOCK ? layers->count + 1 : 1;
    if (!layers->network)
        return true;
    bool fits = mfi_multiply(rows, scored, &rows) && mfi_multiply(rows, block, &counts[GOODNESS]) &&
                mfi_multiply(rows, runs * (sizeof(mfi_running) / sizeof(float)), &counts[RUNNING]);
    counts[TOTAL] = counts[GOODNESS];
    return fits;
}

/* What all layers give to M, one behind the other. */
static mf_status count_features(const mfi_layer_list *layers, size_t rows, size_t *count)
{
    *count = 0;
    for (size_t i = 0; layers->network && i < layers->count; i++) {
        const mfi_plan *plan = NULL;
        size_t more = 0;
        MFI_TRY(layers->at(layers, i, &plan));
        if (mfi_many_classes(plan) &&
            (!mfi_multiply(rows, plan->scored * plan->features, &more) || more > SIZE_MAX - *count))
            return mfi_fail(MF_STATUS_OVERFLOW, "what %zu heads read of %zu rows does not fit in memory",
                            layers->count, rows);
        *count += more;
    }
    return MF_STATUS_OK;
}

static mf_status lay_out_workspace(const mfi_layer_list *layers, int32_t purpose, size_t max_batch,
                                   size_t threads, workspace_layout *plan)
{
    size_t head;
    const mfi_plan *first = NULL;
    *plan = (workspace_layout){0};
    MFI_TRY(check_purpose_known(purpose));
    MFI_TRY(mfi_check_layers(layers, max_batch));
    MFI_TRY(mfi_count_shared(layers, max_batch, trains(purpose), &plan->counts[EVEN], &plan->scratch_size));
    if (converts(purpose))
        MFI_TRY(widen_for_inputs(layers, max_batch, &plan->counts[ODD]));
    MFI_TRY(layers->at(layers, 0, &first));
    MFI_TRY(count_features(layers, max_batch, &plan->counts[FEATURES]));
    bool fits = count_scores(layers, max_batch, first->scored, first->head.classes, plan->counts) &&
                mfi_reserve(&plan->bytes, 1, sizeof(mf_workspace), &head) &&
                mfi_reserve(&plan->bytes, layers->count, sizeof(mfi_served), &plan->served) &&
                mfi_reserve(&plan->bytes, 1, plan->scratch_size.common, &plan->scratch) &&
                mfi_reserve(&plan->bytes, threads, plan->scratch_size.own, &plan->own_scratch);
    for (size_t area = 0; fits && area < AREAS; area++)
        fits = mfi_reserve(&plan->bytes, plan->counts[area], sizeof(float), &plan->offsets[area]);
    if (!fits)
        return mfi_fail(MF_STATUS_OVERFLOW, "a workspace for %zu rows does not fit in memory", max_batch);
    return MF_STATUS_OK;
}

mf_status mfi_workspace_bytes(const mfi_layer_list *layers, int32_t purpose, size_t max_batch, size_t threads,
                              size_t *bytes)
{
    workspace_layout plan;
    MFI_TRY(lay_out_workspace(layers, purpose, max_batch, threads, &plan));
    *bytes = plan.bytes;
    return MF_STATUS_OK;
}

static float *area(mf_workspace *workspace, const workspace_layout *plan, size_t index)
{
    return plan->counts[index] ? (float *)((char *)workspace + plan->offsets[index]) : NULL;
}

static void carve(mf_workspace *workspace, const workspace_layout *plan)
{
    workspace->served = (mfi_served *)((char *)workspace + plan->served);
    workspace->activations[0] = area(workspace, plan, EVEN);
    workspace->activations[1] = area(workspace, plan, ODD);
    workspace->goodness = area(workspace, plan, GOODNESS);
    workspace->total = area(workspace, plan, TOTAL);
    workspace->running = (mfi_running *)area(workspace, plan, RUNNING);
    workspace->place = (mfi_workplace){
        .common = (char *)workspace + plan->scratch,
        .own = (char *)workspace + plan->own_scratch,
        .own_bytes = plan->scratch_size.own,
        .team = &workspace->team,
    };
}

static mf_layer *layer_of(const mf_workspace_spec *spec, size_t position)
{
    return spec->network ? spec->network->entries[position].layer : spec->layer;
}

static mf_status plan_in_network(const mfi_layer_list *layers, size_t position, const mfi_plan **plan)
{
    *plan = &((const mf_network *)layers->source)->entries[position].layer->plan;
    return MF_STATUS_OK;
}

static mf_status plan_alone(const mfi_layer_list *layers, size_t position, const mfi_plan **plan)
{
    (void)position;
    *plan = &((const mf_layer *)layers->source)->plan;
    return MF_STATUS_OK;
}

mfi_layer_list mfi_list_network(const mf_network *network)
{
    return (mfi_layer_list){
        .source = network, .at = plan_in_network, .count = network->count, .network = true};
}

static mfi_layer_list list_layer(const mf_layer *layer)
{
    return (mfi_layer_list){.source = layer, .at = plan_alone, .count = 1, .network = false};
}

int32_t mfi_workspace_purpose(const mf_network *network, int32_t purpose)
{
    bool known = purpose == MF_WORKSPACE_TRAINING || purpose == MF_WORKSPACE_INFERENCE;
    return known && network && network->scaled > 0 ? purpose | MF_WORKSPACE_CONVERT : purpose;
}

mf_status mfi_workspace_create(const mf_workspace_spec *spec, const mfi_team *team, mf_workspace **workspace)
{
    workspace_layout plan;
    const mfi_layer_list layers = spec->network ? mfi_list_network(spec->network) : list_layer(spec->layer);
    int32_t purpose = mfi_workspace_purpose(spec->network, spec->purpose);
    MFI_TRY(lay_out_workspace(&layers, purpose, spec->max_batch, mfi_team_threads(team), &plan));
    mf_workspace *created = mfi_handle_create(MFI_KIND_WORKSPACE, spec->allocator, plan.bytes);
    if (!created)
        return MF_STATUS_MEMORY;
    carve(created, &plan);
    created->training = trains(purpose);
    created->converts = converts(purpose);
    created->max_batch = spec->max_batch;
    created->count = layers.count;
    created->network = spec->network;
    if (spec->network) {
        mfi_handle_retain(&spec->network->handle);
        created->revision = spec->network->revision;
    }
    float *features = area(created, &plan, FEATURES);
    for (size_t i = 0; i < created->count; i++) {
        mf_layer *layer = layer_of(spec, i);
        mfi_handle_retain(&layer->handle);
        created->served[i] = (mfi_served){.layer = layer, .revision = layer->revision, .features = features};
        if (features)
            features += spec->max_batch * layer->plan.scored * layer->plan.features;
        created->served[i].report.gradient_norm = -1.0;
    }
    created->sum.gradient_norm = -1.0;
    created->team = *team;
    created->team.owner = created;
    mfi_team_retain(&created->team);
    *workspace = created;
    return MF_STATUS_OK;
}

void mfi_workspace_release(mf_workspace *workspace)
{
    if (!workspace || !mfi_handle_drop(&workspace->handle))
        return;
    for (size_t i = 0; i < workspace->count; i++)
        mfi_layer_release(workspace->served[i].layer);
    mfi_network_release(workspace->network);
    mfi_team_release(&workspace->team);
    mfi_handle_destroy(&workspace->handle);
}

/* ---- checks ---- */

static mf_status check_purpose(const mf_workspace *workspace, bool training)
{
    if (training && !workspace->training)
        return mfi_fail(MF_STATUS_STATE,
                        "the workspace was made for inference, training needs one made for training");
    return MF_STATUS_OK;
}

static mf_status check_served(const mf_workspace *workspace, size_t index)
{
    const mfi_served *one = &workspace->served[index];
    if (one->revision != one->layer->revision)
        return mfi_fail(MF_STATUS_STALE,
                        "layer %zu has changed its number of classes since the workspace was made", index);
    return MF_STATUS_OK;
}

static mf_status check_list(const mf_workspace *workspace)
{
    if (workspace->network && workspace->revision != workspace->network->revision)
        return mfi_fail(
            MF_STATUS_STALE,
            "layers or the scaling of inputs have changed since the workspace was made: make another");
    return MF_STATUS_OK;
}

mf_status mfi_workspace_check_network(const mf_workspace *workspace, const mf_network *network, bool training)
{
    if (workspace->network != network)
        return mfi_fail(MF_STATUS_STALE, "the workspace was made for another network, or for a layer");
    MFI_TRY(check_list(workspace));
    for (size_t index = 0; index < workspace->count; index++)
        MFI_TRY(check_served(workspace, index));
    return check_purpose(workspace, training);
}

mf_status mfi_workspace_check_layer(const mf_workspace *workspace, const mf_layer *layer, bool training,
                                    size_t *index)
{
    size_t found = 0;
    while (found < workspace->count && workspace->served[found].layer != layer)
        found++;
    if (found == workspace->count)
        return mfi_fail(MF_STATUS_STALE, "the workspace was not made for this layer");
    MFI_TRY(check_list(workspace));
    MFI_TRY(check_served(workspace, found));
    *index = found;
    return check_purpose(workspace, training);
}

/* ---- inputs ---- */

static const char *name_of_inputs(const mfi_inputs *inputs)
{
    static const char *const names[] = {[MF_TYPE_FLOAT32] = "scaled", /* which floats are that get this far */
                                        [MF_TYPE_INT32] = "int32",
                                        [MF_TYPE_UINT8] = "bytes",
                                        [MF_TYPE_BF16] = "bf16"};
    return names[inputs->type];
}

mf_status mfi_workspace_take_inputs(mf_workspace *workspace, size_t index, const mfi_inputs *inputs,
                                    mfi_rows *rows)
{
    size_t columns = workspace->served[index].layer->plan.inputs;
    if (inputs->type == MF_TYPE_FLOAT32 && inputs->scaling.count == 0) {
        rows->x = inputs->values;
        rows->stride = inputs->stride;
        return MF_STATUS_OK;
    }
    if (!workspace->converts)
        return mfi_fail(MF_STATUS_STATE,
                        "inputs are %s, but the workspace has no room for their floats: add "
                        "MF_WORKSPACE_CONVERT to its purpose",
                        name_of_inputs(inputs));
    float *floats = workspace->activations[(index + 1) % 2];
    mfi_inputs_convert(inputs, rows->count, columns, floats);
    rows->x = floats;
    rows->stride = columns;
    return MF_STATUS_OK;
}
