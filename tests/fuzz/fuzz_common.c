/* What the targets for files share. SPDX-License-Identifier: MIT */
#include "fuzz_common.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_complain(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not true: %s (%s)\n", file, line, what, mf_last_message());
    abort();
}

static void *take(void *user, size_t bytes, size_t alignment)
{
    fuzz_budget *budget = user;

    budget->used += bytes;
    fuzz_require(budget->used <= budget->most);
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void give_back(void *user, void *pointer, size_t bytes)
{
    ((fuzz_budget *)user)->used -= bytes;
    free(pointer);
}

mf_allocator fuzz_allocator(fuzz_budget *budget)
{
    return (mf_allocator){.alloc = take, .free = give_back, .user = budget};
}

int fuzz_use(mf_network *network, int training)
{
    mf_layer *first = NULL;
    mf_workspace *workspace = NULL;
    mf_workspace_spec spec;
    mf_layer_spec layer = {.struct_size = sizeof layer};
    mf_shape goodness = {.struct_size = sizeof goodness};
    int32_t *labels;
    mf_status status;
    float *x;

    if (mf_network_layer(network, 0, &first, NULL) != MF_STATUS_OK)
        return 0;
    fuzz_require(mf_layer_describe(first, &layer) == MF_STATUS_OK);
    fuzz_require(mf_workspace_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.network = network;
    spec.max_batch = 2;
    fuzz_require(mf_layer_goodness_shape(first, &goodness) == MF_STATUS_OK);
    if (layer.inputs > 4096 || goodness.dims[0] > 4096 ||
        mf_workspace_create(&spec, &workspace) != MF_STATUS_OK)
        return 0;
    x = calloc(2 * layer.inputs, sizeof *x);
    labels = calloc(goodness.rank == 2 ? 2 * goodness.dims[0] : 2, sizeof *labels);
    fuzz_require(x != NULL && labels != NULL);
    x[0] = 1.0f;
    status = mf_network_predict(network, workspace, MF_PREDICT_SUM, 2, x, labels);
    labels[0] = 0;
    labels[1] = 1;
    if (training)
        status = mf_network_step(network, workspace, 2, x, labels);
    free(x);
    free(labels);
    mf_workspace_free(workspace);
    return status == MF_STATUS_OK;
}

void fuzz_exact_values(uint8_t *to, size_t count)
{
    /* The upper halves of 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75. */
    static const uint16_t upper[] = {0x3E80, 0x3F00, 0x3F40, 0x3F80, 0x3FA0, 0x3FC0, 0x3FE0};

    for (size_t i = 0; i < count; i++, to += 4) {
        to[0] = to[1] = 0;
        to[2] = (uint8_t)upper[i % 7];
        to[3] = (uint8_t)(upper[i % 7] >> 8);
    }
}
