/* Owns: making a trainer, freeing it, and asking it. */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

#include "interface.h"
#include "rows.h"
#include "split.h"

mf_status mfm_trainer_check(const mf_mpi_trainer *trainer)
{
    if (!trainer || trainer->kind != MFM_KIND_TRAINER)
        return mfm_fail(MF_STATUS_HANDLE, trainer ? "the handle is no trainer" : "the trainer is NULL");
    return MF_STATUS_OK;
}

mf_status mfm_trainer_check_classes(const mf_mpi_trainer *trainer)
{
    for (size_t i = 0; i < trainer->layers; i++) {
        mf_shape goodness = {.struct_size = sizeof goodness};
        MFM_TRY(mfm_core(mf_layer_goodness_shape(trainer->members[i].layer, &goodness)));
        size_t classes = goodness.dims[goodness.rank - 1];
        if (classes != trainer->classes)
            return mfm_fail(MF_STATUS_STALE,
                            "layer %zu of the network has %zu classes, the trainer was made for %zu",
                            trainer->first + i, classes, trainer->classes);
    }
    return MF_STATUS_OK;
}

bool mfm_trainer_averages(const mf_mpi_trainer *trainer)
{
    return trainer->average.replicas > 1 && !trainer->spec.local;
}

mf_status mf_mpi_trainer_spec_init(mf_mpi_trainer_spec *spec, size_t size)
{
    const mf_mpi_trainer_spec defaults = {.wire = MF_MPI_WIRE_FLOAT32};
    return mfm_struct_write(spec, size, &defaults, sizeof defaults, "mf_mpi_trainer_spec");
}

mf_status mf_mpi_traffic_init(mf_mpi_traffic *traffic, size_t size)
{
    const mf_mpi_traffic zeros = {0};
    return mfm_struct_write(traffic, size, &zeros, sizeof zeros, "mf_mpi_traffic");
}

/* ---- the spec ---- */

static mf_status read_spec(mf_mpi_trainer *trainer, const mf_mpi_trainer_spec *source)
{
    mf_mpi_trainer_spec *spec = &trainer->spec;
    int level = MPI_THREAD_SINGLE;
    MFM_TRY(mfm_struct_read(spec, sizeof *spec, source, "mf_mpi_trainer_spec"));
    if (spec->wire != MF_MPI_WIRE_FLOAT32 && spec->wire != MF_MPI_WIRE_BF16)
        return mfm_fail(MF_STATUS_ARGUMENT, "wire is %d, no MF_MPI_WIRE_ constant", (int)spec->wire);
    if (spec->local != 0 && spec->local != 1)
        return mfm_fail(MF_STATUS_ARGUMENT, "local must be 0 or 1, got %d", (int)spec->local);
    if (spec->convert != 0 && spec->convert != 1)
        return mfm_fail(MF_STATUS_ARGUMENT, "convert must be 0 or 1, got %d", (int)spec->convert);
    if (spec->max_batch == 0)
        return mfm_fail(MF_STATUS_ARGUMENT, "max_batch must be 1 or more");
    if (spec->depth > 1024)
        return mfm_fail(MF_STATUS_ARGUMENT, "depth must be at most 1024, got %zu", spec->depth);
    if (spec->depth == 0)
        spec->depth = 2;
    MFM_TRY(mfm_mpi(MPI_Query_thread(&level)));
    if (spec->pool && level < MPI_THREAD_FUNNELED)
        return mfm_fail(MF_STATUS_STATE, "a pool needs MPI_Init_thread() with MPI_THREAD_FUNNELED");
    return MF_STATUS_OK;
}

static mf_status agree_on_spec(MPI_Comm comm, const mf_mpi_trainer_spec *spec)
{
    MFM_TRY(mfm_agree_value(comm, (uint64_t)spec->wire, "wire"));
    MFM_TRY(mfm_agree_value(comm, (uint64_t)spec->local, "local"));
    MFM_TRY(mfm_agree_value(comm, spec->depth, "depth"));
    return mfm_agree_value(comm, spec->max_batch, "max_batch");
}

/* ---- layers ---- */

static bool is_statistic(const char *name)
{
    const char *dot = strrchr(name, '.'), *role = dot ? dot + 1 : name;
    return strcmp(role, "mean") == 0 || strcmp(role, "variance") == 0;
}

static mf_status add_statistic(mfm_member *member, const mf_parameter_info *info)
{
    mfm_statistic *now = realloc(member->statistic, (member->statistics + 1) * sizeof *now);
    if (now) {
        member->statistic = now;
        now += member->statistics++;
        *now = (mfm_statistic){info->name, member->values, info->count, malloc(info->count * sizeof(float))};
    }
    return now && now->before ? MF_STATUS_OK
                              : mfm_fail(MF_STATUS_MEMORY, "no memory for a running mean or variance");
}

static mf_status read_member(mfm_member *member, size_t position)
{
    size_t parameters = 0;
    mf_optimizer *optimizer = NULL;
    MFM_TRY(mfm_core(mf_layer_optimizer(member->layer, &optimizer)));
    if (!optimizer)
        return mfm_fail(MF_STATUS_STATE, "layer %zu of this rank has no optimizer", position);
    MFM_TRY(mfm_core(mf_layer_parameter_count(member->layer, &parameters)));
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};
        MFM_TRY(mfm_core(mf_layer_parameter_info(member->layer, i, &info)));
        if (is_statistic(info.name))
            MFM_TRY(add_statistic(member, &info));
        member->values += info.count;
    }
    return MF_STATUS_OK;
}

/* References of its own, so that layers stay, whatever the host does to its network. */
static mf_status take_layers_of(mf_mpi_trainer *trainer)
{
    MFM_TRY(mfm_core(mf_network_size(trainer->spec.network, &trainer->layers)));
    if (trainer->layers == 0)
        return mfm_fail(MF_STATUS_STATE, "the network has no layers");
    MFM_TRY(mfm_core(mf_network_create(NULL, &trainer->network)));
    MFM_TRY(mfm_take_scaling(trainer->spec.network, trainer->network));
    trainer->members = calloc(trainer->layers, sizeof *trainer->members);
    if (!trainer->members)
        return mfm_fail(MF_STATUS_MEMORY, "no memory for a trainer of %zu layers", trainer->layers);
    for (size_t i = 0; i < trainer->layers; i++) {
        mfm_member *member = &trainer->members[i];
        MFM_TRY(mfm_core(mf_network_layer(trainer->spec.network, i, &member->layer, NULL)));
        MFM_TRY(mfm_core(mf_network_append(trainer->network, member->layer, NULL)));
        MFM_TRY(read_member(member, i));
    }
    return MF_STATUS_OK;
}

/* Zeros to the layers, once the network has scaled its inputs: a token that there is, and values that do not
 * overflow. Numbers of the scaling lie as in mf_network_set_input_scaling(). */
static mf_status fill_blank(mf_mpi_trainer *trainer)
{
    mf_shape input = {.struct_size = sizeof input};
    size_t count = 0;
    MFM_TRY(mfm_core(mf_layer_shape(trainer->members[0].layer, &input, NULL)));
    size_t values = mfm_shape_values(&input), part = input.rank == 2 ? input.dims[1] : values;
    MFM_TRY(mfm_core(mf_network_input_scaling(trainer->network, trainer->blank, NULL, values, &count)));
    for (size_t j = values; count > 0 && j-- > 0;) /* from the end, as the numbers lie at the beginning */
        trainer->blank[j] = -trainer->blank[j % part / (part / count)];
    return MF_STATUS_OK;
}

static mf_status make_scratch(mf_mpi_trainer *trainer)
{
    const mf_mpi_trainer_spec *spec = &trainer->spec;
    bool converts = trainer->place.stage == 0 ? spec->convert : spec->wire == MF_MPI_WIRE_BF16;
    mf_workspace_spec workspace = {.struct_size = sizeof workspace};
    size_t widest = 1, widest_input = 1;
    MFM_TRY(mfm_core(mf_workspace_spec_init(&workspace, sizeof workspace)));
    workspace.purpose = MF_WORKSPACE_TRAINING + (converts ? MF_WORKSPACE_CONVERT : 0);
    workspace.network = trainer->network;
    workspace.max_batch = spec->max_batch;
    workspace.pool = spec->pool;
    MFM_TRY(mfm_core(mf_workspace_create(&workspace, &trainer->workspace)));
    for (size_t i = 0; i < trainer->layers; i++) {
        mf_shape input = {.struct_size = sizeof input}, output = input;
        MFM_TRY(mfm_core(mf_layer_shape(trainer->members[i].layer, &input, &output)));
        widest = mfm_shape_values(&output) > widest ? mfm_shape_values(&output) : widest;
        widest_input = mfm_shape_values(&input) > widest_input ? mfm_shape_values(&input) : widest_input;
    }
    trainer->blank = calloc(widest_input, sizeof *trainer->blank);
    for (int i = 0; i < 2; i++) /* a workspace of that size fits in memory, so this product does */
        if (!(trainer->activations[i] = malloc(spec->max_batch * widest * sizeof(float))) || !trainer->blank)
            return mfm_fail(MF_STATUS_MEMORY, "no memory for activations of %zu rows", spec->max_batch);
    return fill_blank(trainer);
}

/* ---- neighbours ---- */

static mf_status read_interface(mf_mpi_trainer *trainer, mfm_interface *own)
{
    MFM_TRY(mfm_interface_read(trainer->members[0].layer, trainer->members[trainer->layers - 1].layer,
                               trainer->layers, own));
    trainer->ignores = own->goodness.rank == 2;
    trainer->labels = trainer->ignores ? own->goodness.dims[0] : 1;
    trainer->classes = own->goodness.dims[own->goodness.rank - 1];
    return MF_STATUS_OK;
}

static mf_status meet(mf_mpi_trainer *trainer, const mfm_interface *own, mfm_interface *before)
{
    int previous = trainer->wire.stage > 0 ? trainer->wire.stage - 1 : MPI_PROC_NULL;
    int next = trainer->wire.stage + 1 < trainer->wire.stages ? trainer->wire.stage + 1 : MPI_PROC_NULL;
    uint64_t behind[2] = {own->layers, 0}, all = 0; /* layers up to this stage */
    MFM_TRY(mfm_mpi(MPI_Sendrecv(own, sizeof *own, MPI_BYTE, next, 0, before, sizeof *before, MPI_BYTE,
                                 previous, 0, trainer->wire.line, MPI_STATUS_IGNORE)));
    MFM_TRY(mfm_mpi(MPI_Scan(&own->layers, &behind[1], 1, MPI_UINT64_T, MPI_SUM, trainer->wire.line)));
    MFM_TRY(mfm_mpi(MPI_Allreduce(&own->layers, &all, 1, MPI_UINT64_T, MPI_SUM, trainer->wire.line)));
    trainer->first = (size_t)(behind[1] - behind[0]);
    trainer->whole = (size_t)all;
    trainer->needs_rows = malloc(trainer->whole);
    MFM_TRY(mfm_agree(trainer->all,
                      trainer->needs_rows
                          ? MF_STATUS_OK
                          : mfm_fail(MF_STATUS_MEMORY, "no memory for %zu layers", trainer->whole)));
    return mfm_rows_agree(trainer);
}

static mf_status open_wire(mf_mpi_trainer *trainer, const mfm_interface *own)
{
    mfm_wire *wire = &trainer->wire;
    wire->depth = trainer->spec.depth;
    wire->to_next = (mfm_format){trainer->labels, mfm_shape_values(&own->output), trainer->spec.max_batch,
                                 trainer->spec.wire};
    wire->from_previous = wire->to_next;
    wire->from_previous.outputs = mfm_shape_values(&own->input);
    return mfm_wire_open(wire);
}

/* ---- putting it together: after each part that may fail on one rank alone, all agree ---- */

static mf_status connect(mf_mpi_trainer *trainer)
{
    mfm_interface own = {0}, before = {0};
    MFM_TRY(mfm_mpi(MPI_Comm_split(trainer->all, (int)trainer->place.replica, (int)trainer->place.stage,
                                   &trainer->wire.line)));
    trainer->wire.stage = (int)trainer->place.stage;
    trainer->wire.stages = (int)trainer->place.stages;
    MFM_TRY(mfm_agree(trainer->all, read_interface(trainer, &own)));
    MFM_TRY(meet(trainer, &own, &before));
    MFM_TRY(mfm_agree(trainer->all, trainer->place.stage == 0
                                        ? MF_STATUS_OK
                                        : mfm_interface_check(&before, &own, trainer->place.stage)));
    return mfm_agree(trainer->all, open_wire(trainer, &own));
}

static mf_status size_averages(mf_mpi_trainer *trainer)
{
    for (size_t i = 0; trainer->average.replicas > 1 && i < trainer->layers; i++)
        MFM_TRY(mfm_average_size(&trainer->average, i, trainer->members[i].values));
    return MF_STATUS_OK;
}

static mf_status join_replicas(mf_mpi_trainer *trainer)
{
    mf_status status = mfm_average_open(&trainer->average, trainer->all, (int)trainer->place.stage,
                                        (int)trainer->place.replica, trainer->layers);
    MFM_TRY(mfm_agree(trainer->all, status));
    MFM_TRY(mfm_check_same_network(trainer->all, trainer->average.peers,
                                   trainer->place.stage * trainer->place.replicas, trainer->network));
    return mfm_agree(trainer->all, size_averages(trainer));
}

static mf_status fill_trainer(mf_mpi_trainer *trainer, const mf_mpi_trainer_spec *spec)
{
    MFM_TRY(mfm_mpi(MPI_Comm_set_errhandler(trainer->all, MPI_ERRORS_RETURN)));
    MFM_TRY(mfm_agree(trainer->all, read_spec(trainer, spec)));
    MFM_TRY(agree_on_spec(trainer->all, &trainer->spec));
    MFM_TRY(mfm_agree(trainer->all, take_layers_of(trainer)));
    MFM_TRY(mfm_agree(trainer->all, make_scratch(trainer)));
    MFM_TRY(join_replicas(trainer));
    return connect(trainer);
}

static void let_go(mf_mpi_trainer *trainer)
{
    MPI_Comm line = trainer->wire.line;
    mfm_wire_close(&trainer->wire);
    mfm_average_close(&trainer->average);
    if (line != MPI_COMM_NULL)
        MPI_Comm_free(&line);
    if (trainer->all != MPI_COMM_NULL)
        MPI_Comm_free(&trainer->all);
    mf_workspace_free(trainer->workspace);
    for (size_t i = 0; trainer->members && i < trainer->layers; i++) {
        for (size_t s = 0; s < trainer->members[i].statistics; s++)
            free(trainer->members[i].statistic[s].before);
        free(trainer->members[i].statistic);
    }
    free(trainer->members);
    free(trainer->needs_rows);
    mf_network_free(trainer->network);
    free(trainer->activations[0]);
    free(trainer->activations[1]);
    free(trainer->blank);
    trainer->kind = 0;
    free(trainer);
}

mf_status mf_mpi_trainer_create(const mf_mpi_grid *grid, const mf_mpi_trainer_spec *spec,
                                mf_mpi_trainer **trainer)
{
    if (trainer)
        *trainer = NULL;
    MFM_TRY(mfm_grid_check(grid));
    MFM_TRY(mfm_agree(grid->comm,
                      trainer ? MF_STATUS_OK
                              : mfm_fail(MF_STATUS_ARGUMENT, "the out-pointer of the trainer is NULL")));
    mf_mpi_trainer *made = calloc(1, sizeof *made);
    mf_status status =
        mfm_agree(grid->comm, made ? MF_STATUS_OK : mfm_fail(MF_STATUS_MEMORY, "no memory for a trainer"));
    if (status != MF_STATUS_OK) {
        free(made);
        return status;
    }
    made->kind = MFM_KIND_TRAINER;
    made->place = grid->place;
    made->all = made->wire.line = MPI_COMM_NULL;
    made->average.peers = made->average.scattering = made->average.collecting = MPI_COMM_NULL;
    made->wire.notified = made->wire.notifying = made->wire.hearing = MPI_REQUEST_NULL;
    status = mfm_mpi(MPI_Comm_dup(grid->comm, &made->all));
    if (status == MF_STATUS_OK)
        status = fill_trainer(made, spec);
    if (status != MF_STATUS_OK) {
        let_go(made);
        return status;
    }
    *trainer = made;
    return MF_STATUS_OK;
}

void mf_mpi_trainer_free(mf_mpi_trainer *trainer)
{
    if (mfm_trainer_check(trainer) != MF_STATUS_OK)
        return;
    mfm_wire_drain(&trainer->wire);
    let_go(trainer);
}

/* ---- at rest ---- */

static mf_status check_steps(const mf_mpi_trainer *trainer)
{
    uint64_t first = trainer->steps;
    MPI_Request request;
    MFM_TRY(mfm_wait(MPI_Ibcast(&first, 1, MPI_UINT64_T, 0, trainer->all, &request), &request));
    return first == trainer->steps || trainer->over
               ? MF_STATUS_OK
               : mfm_fail(MF_STATUS_STATE, "%llu steps have been made here and %llu on rank 0",
                          (unsigned long long)trainer->steps, (unsigned long long)first);
}

mf_status mfm_trainer_rest(mf_mpi_trainer *trainer)
{
    MFM_TRY(mfm_wire_drain(&trainer->wire));
    mfm_outcome outcome = trainer->failure;
    mf_status status = mfm_agree_on(trainer->all, &outcome);
    if (status == MF_STATUS_OK)
        status = mfm_agree(trainer->all, check_steps(trainer));
    if (status == MF_STATUS_OK)
        status = mfm_rows_agree(trainer);
    if (status != MF_STATUS_OK) {
        trainer->over = true;
        trainer->failure = outcome.status != MF_STATUS_OK ? outcome : mfm_outcome_of(status);
    }
    return status;
}

mf_status mf_mpi_flush(mf_mpi_trainer *trainer)
{
    MFM_TRY(mfm_trainer_check(trainer));
    return mfm_trainer_rest(trainer);
}

mf_status mf_mpi_report(const mf_mpi_trainer *trainer, size_t position, mf_report *report)
{
    MFM_TRY(mfm_trainer_check(trainer));
    return mfm_core(mf_workspace_report(trainer->workspace, position, report));
}

mf_status mf_mpi_sent(const mf_mpi_trainer *trainer, mf_mpi_traffic *traffic)
{
    MFM_TRY(mfm_trainer_check(trainer));
    const mf_mpi_traffic sent = {.messages = trainer->wire.sent,
                                 .activation_bytes = trainer->wire.bytes,
                                 .average_bytes = trainer->average.bytes};
    return mfm_struct_fill(traffic, &sent, sizeof sent, "mf_mpi_traffic");
}
