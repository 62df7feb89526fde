/* Owns: which layers a stage gets, and whether networks of ranks are the same. */
#include "split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

/* ---- are networks the same? ---- */

static int32_t add_to_hash(void *user, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    uint64_t hash = *(uint64_t *)user;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    *(uint64_t *)user = hash;
    return 0;
}

mf_status mfm_check_same_network(MPI_Comm all, MPI_Comm same, uint32_t rank, const mf_network *network)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325), first;
    MPI_Request request;
    mf_output output = {.struct_size = sizeof output, .write = add_to_hash, .user = &hash};
    MFM_TRY(mfm_agree(all, mfm_core(mf_network_save_to(network, MF_CONTENTS_TRAINING, &output))));
    first = hash;
    MFM_TRY(mfm_wait(MPI_Ibcast(&first, 1, MPI_UINT64_T, 0, same, &request), &request));
    return mfm_agree(all, first == hash ? MF_STATUS_OK
                                        : mfm_fail(MF_STATUS_SHAPE,
                                                   "the network is not that of rank %u: layers, options, "
                                                   "parameters or optimizers differ",
                                                   (unsigned)rank));
}

/* ---- the cost of a layer: multiplications of a step, for each row ---- */

static double values_of(const mf_shape *shape)
{
    double values = 1;
    for (int32_t i = 0; i < shape->rank; i++)
        values *= (double)shape->dims[i];
    return values;
}

static mf_status node_shape(const mf_layer *layer, int32_t node, mf_shape *shape)
{
    return mfm_core(node == 0 ? mf_layer_shape(layer, shape, NULL) : mf_layer_unit(layer, node, NULL, shape));
}

/* A product is computed three times: forward, for dW, and for dx unless it reads the layer's input. */
static mf_status add_unit_cost(const mf_layer *layer, int32_t node, double *cost)
{
    mf_unit_spec unit = {.struct_size = sizeof unit};
    mf_shape input = {.struct_size = sizeof input}, output = {.struct_size = sizeof output};
    MFM_TRY(mfm_core(mf_layer_unit(layer, node, &unit, &output)));
    MFM_TRY(node_shape(layer, unit.inputs[0], &input));
    double times = unit.inputs[0] == 0 ? 2 : 3;
    if (unit.kind == MF_UNIT_DENSE)
        *cost += times * values_of(&input) * (double)unit.outputs;
    else if (unit.kind == MF_UNIT_CONV2D)
        *cost += times * values_of(&output) * (double)(input.dims[0] * unit.kernel[0] * unit.kernel[1]) /
                 (double)(unit.groups ? unit.groups : 1);
    else if (unit.kind == MF_UNIT_ATTENTION)
        *cost += 3 * 2 * values_of(&output) * (double)output.dims[0];
    else
        *cost += values_of(&output);
    return MF_STATUS_OK;
}

/* How often a product reads M for a row of the batch: once for each position. A head that samples reads the
 * rows of candidates and labels alone. */
static double count_reads(const mf_head_spec *head, const mf_shape *goodness)
{
    double positions = goodness->rank == 2 ? (double)goodness->dims[0] : 1;
    double read = (double)head->candidates + positions, classes = (double)head->classes;
    return head->sampling == MF_SAMPLING_NONE ? positions : positions * fmin(read / classes, 1);
}

/* The head's product with M: three of them, or two with the columns that it does not learn. */
static mf_status add_head_cost(const mf_layer *layer, double *cost)
{
    size_t parameters = 0, rows = 0, columns = 0;
    mf_head_spec head = {.struct_size = sizeof head};
    mf_parameter_info info = {.struct_size = sizeof info};
    mf_shape goodness = {.struct_size = sizeof goodness};
    MFM_TRY(mfm_core(mf_layer_goodness_shape(layer, &goodness)));
    MFM_TRY(mfm_core(mf_layer_parameter_count(layer, &parameters)));
    MFM_TRY(mfm_core(mf_layer_head(layer, &head)));
    if (head.shared)
        MFM_TRY(mfm_core(mf_matrix_size(head.shared, &rows, &columns)));
    double reads = count_reads(&head, &goodness);
    *cost += 2 * (double)rows * (double)columns * reads;
    for (size_t i = 0; i < parameters; i++) {
        MFM_TRY(mfm_core(mf_layer_parameter_info(layer, i, &info)));
        if (strstr(info.name, "projection"))
            *cost += 3 * (double)info.count * reads;
    }
    return MF_STATUS_OK;
}

static mf_status layer_cost(const mf_layer *layer, double *cost)
{
    size_t units = 0;
    *cost = 0;
    MFM_TRY(mfm_core(mf_layer_unit_count(layer, &units)));
    for (size_t node = 1; node <= units; node++)
        MFM_TRY(add_unit_cost(layer, (int32_t)node, cost));
    return add_head_cost(layer, cost);
}

/* ---- the cut ---- */

/* Fills stage after stage up to `limit`; each gets a layer at least, the last one the rest. Writes the first
 * layer of each stage; false if the last one costs more than the limit. */
static bool fill_stages(const double *costs, size_t layers, double limit, size_t *firsts, size_t stages)
{
    size_t layer = 0;
    double sum = 0;
    for (size_t stage = 0; stage < stages; stage++) {
        size_t behind = stages - stage - 1;
        firsts[stage] = layer;
        sum = costs[layer++];
        while (layer < layers - behind && (behind == 0 || sum + costs[layer] <= limit))
            sum += costs[layer++];
    }
    firsts[stages] = layers;
    return sum <= limit;
}

/* So that the most expensive stage costs as little as possible. */
static void cut_stages(const double *costs, size_t layers, size_t *firsts, size_t stages)
{
    enum { BISECTIONS = 60 };
    double low = 0, high = 0;
    for (size_t i = 0; i < layers; i++) {
        low = costs[i] > low ? costs[i] : low;
        high += costs[i];
    }
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = low + 0.5 * (high - low);
        if (fill_stages(costs, layers, middle, firsts, stages))
            high = middle;
        else
            low = middle;
    }
    fill_stages(costs, layers, high, firsts, stages);
}

/* Given costs are made smaller, so that their sums are finite. */
static mf_status read_costs(const mf_network *network, const double *given, size_t layers, double *costs)
{
    for (size_t i = 0; i < layers; i++) {
        mf_layer *layer = NULL;
        MFM_TRY(mfm_core(mf_network_layer(network, i, &layer, NULL)));
        if (!given)
            MFM_TRY(layer_cost(layer, &costs[i]));
        else if (isfinite(given[i]) && given[i] >= 0)
            costs[i] = given[i] * 0x1p-64;
        else
            return mfm_fail(MF_STATUS_ARGUMENT, "layer %zu costs %g, it must be 0 or more", i, given[i]);
    }
    return MF_STATUS_OK;
}

static mf_status check_same_costs(MPI_Comm comm, const double *costs, size_t layers)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    add_to_hash(&hash, costs, layers * sizeof *costs);
    return mfm_agree_value(comm, hash, "the hash of the costs of the layers");
}

mf_status mfm_take_scaling(const mf_network *network, mf_network *part)
{
    size_t count = 0;
    MFM_TRY(mfm_core(mf_network_input_scaling(network, NULL, NULL, 0, &count)));
    float *numbers = count > 0 ? malloc(2 * count * sizeof *numbers) : NULL;
    if (count > 0 && !numbers)
        return mfm_fail(MF_STATUS_MEMORY, "no memory for %zu numbers that scale inputs", count);
    mf_status status =
        mf_network_input_scaling(network, numbers, numbers ? numbers + count : NULL, count, &count);
    if (status == MF_STATUS_OK && count > 0)
        status = mf_network_set_input_scaling(part, numbers, numbers + count, count);
    free(numbers);
    return mfm_core(status);
}

static mf_status take_layers(const mf_network *network, size_t first, size_t end, mf_network **part)
{
    MFM_TRY(mfm_core(mf_network_create(NULL, part)));
    if (first == 0)
        MFM_TRY(mfm_take_scaling(network, *part));
    for (size_t i = first; i < end; i++) {
        mf_layer *layer = NULL;
        MFM_TRY(mfm_core(mf_network_layer(network, i, &layer, NULL)));
        MFM_TRY(mfm_core(mf_network_append(*part, layer, NULL)));
    }
    return MF_STATUS_OK;
}

static mf_status split(const mf_mpi_grid *grid, const mf_network *network, const double *given, size_t layers,
                       double *costs, size_t *firsts, mf_network **part)
{
    const mf_mpi_place *place = &grid->place;
    if (costs && firsts)
        MFM_TRY(mfm_agree(grid->comm, read_costs(network, given, layers, costs)));
    else
        return mfm_agree(grid->comm, mfm_fail(MF_STATUS_MEMORY, "no memory to split %zu layers", layers));
    MFM_TRY(check_same_costs(grid->comm, costs, layers));
    cut_stages(costs, layers, firsts, place->stages);
    return mfm_agree(grid->comm, take_layers(network, firsts[place->stage], firsts[place->stage + 1], part));
}

static mf_status check_layers(const mf_mpi_grid *grid, const mf_network *network, size_t *layers)
{
    MFM_TRY(mfm_core(mf_network_size(network, layers)));
    if (*layers < grid->place.stages)
        return mfm_fail(MF_STATUS_SHAPE, "%zu layers are too few for %u stages", *layers,
                        (unsigned)grid->place.stages);
    return MF_STATUS_OK;
}

mf_status mf_mpi_split(const mf_mpi_grid *grid, const mf_network *network, const double *costs,
                       mf_network **part, size_t *first)
{
    size_t layers = 0;
    if (part)
        *part = NULL;
    MFM_TRY(mfm_grid_check(grid));
    MFM_TRY(mfm_agree(grid->comm, part
                                      ? check_layers(grid, network, &layers)
                                      : mfm_fail(MF_STATUS_ARGUMENT, "the out-pointer of the part is NULL")));
    MFM_TRY(mfm_check_same_network(grid->comm, grid->comm, 0, network));
    double *all = malloc(layers * sizeof *all);
    size_t *firsts = malloc((grid->place.stages + 1) * sizeof *firsts);
    fenv_t host;
    mfm_calm(&host);
    mf_status status = split(grid, network, costs, layers, all, firsts, part);
    mfm_uncalm(&host);
    if (status == MF_STATUS_OK && first)
        *first = firsts[grid->place.stage];
    if (status != MF_STATUS_OK) {
        mf_network_free(*part);
        *part = NULL;
    }
    free(all);
    free(firsts);
    return status;
}
