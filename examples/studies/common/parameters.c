/* SPDX-License-Identifier: MIT */
#include "parameters.h"

#include "bytes.h"
#include "complain.h"

#include <stdlib.h>
#include <string.h>

/* Calls `visit` for every parameter of every layer, in order. */
static bool visit_parameters(mf_layer *const *layers, size_t layer_count,
                             bool (*visit)(const mf_layer *layer, const mf_parameter_info *info, void *user),
                             void *user)
{
    for (size_t i = 0; i < layer_count; i++) {
        size_t count = 0;
        if (!library_ok(mf_layer_parameter_count(layers[i], &count)))
            return false;
        for (size_t p = 0; p < count; p++) {
            mf_parameter_info info = {.struct_size = sizeof info};
            if (!library_ok(mf_layer_parameter_info(layers[i], p, &info)) || !visit(layers[i], &info, user))
                return false;
        }
    }
    return true;
}

bool parameter_is_projection(const char *name)
{
    return strcmp(name, "projection") == 0 || strcmp(name, "head.projection") == 0;
}

static bool add_to_counts(const mf_layer *layer, const mf_parameter_info *info, void *user)
{
    struct parameter_counts *counts = user;
    (void)layer;
    counts->all += info->count;
    if (parameter_is_projection(info->name))
        counts->projections += info->count;
    return true;
}

bool parameters_count(mf_layer *const *layers, size_t layer_count, struct parameter_counts *counts)
{
    *counts = (struct parameter_counts){0};
    return visit_parameters(layers, layer_count, add_to_counts, counts);
}

static bool add_to_hash(const mf_layer *layer, const mf_parameter_info *info, void *user)
{
    uint64_t *hash = user;
    float *values = malloc(info->count * sizeof *values);
    if (values == NULL)
        return complain("no memory for a copy of the parameters");
    bool good = library_ok(mf_layer_get_parameter(layer, info->name, values, info->count));
    if (good)
        *hash = bytes_hash(*hash, values, info->count * sizeof *values);
    free(values);
    return good;
}

bool parameters_hash(mf_layer *const *layers, size_t layer_count, uint64_t *hash)
{
    *hash = HASH_START;
    return visit_parameters(layers, layer_count, add_to_hash, hash);
}
