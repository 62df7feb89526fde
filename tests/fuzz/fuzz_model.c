/* What a stranger's bytes do to the loader and, by fuzz_snapshot.c, to snapshots: LLVMFuzzerTestOneInput()
 * for libFuzzer, and for drive.c, which replays a corpus without it. Whatever loads must be a network that
 * can be saved, loaded again and used. SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_common.h"
#include "fuzz_model.h"
#include "fuzz_snapshot.h"

/* ---- model files ---- */

/* What was loaded saves to something that loads and saves to the same. */
static void check_round_trip(const mf_network *network, int32_t contents)
{
    mf_load_spec spec;
    mf_network *again = NULL;
    size_t bytes = 0, second = 0;
    char *one, *other;

    fuzz_require(mf_network_save_size(network, contents, &bytes) == MF_STATUS_OK);
    one = malloc(bytes);
    other = malloc(bytes);
    fuzz_require(one != NULL && other != NULL);
    fuzz_require(mf_network_save_buffer(network, contents, one, bytes, NULL) == MF_STATUS_OK);
    fuzz_require(mf_load_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.contents = contents;
    fuzz_require(mf_network_load_buffer(&spec, one, bytes, &again) == MF_STATUS_OK);
    fuzz_require(mf_network_save_buffer(again, contents, other, bytes, &second) == MF_STATUS_OK);
    fuzz_require(second == bytes && memcmp(one, other, bytes) == 0);
    mf_network_free(again);
    free(one);
    free(other);
}

/* The node of a layer's output, by what the header says of the default. */
static int32_t output_node(const mf_head_spec *head, int32_t units)
{
    if (head->output_node != MF_NODE_PREVIOUS)
        return head->output_node;
    if (head->input_node != MF_NODE_PREVIOUS)
        return head->input_node;
    return head->similarity > 0.0f ? units - 1 : units;
}

/* A builder that is told what the layer tells of itself makes a layer of the same shape. */
static void build_again(const mf_layer *layer)
{
    mf_builder_spec spec;
    mf_builder *builder = NULL;
    mf_layer *again = NULL;
    mf_shape input = {.struct_size = sizeof input}, output = input, found = input;
    mf_layer_spec described = {.struct_size = sizeof described};
    mf_head_spec head = {.struct_size = sizeof head};
    size_t units = 0, count = 0;

    fuzz_require(mf_layer_unit_count(layer, &units) == MF_STATUS_OK);
    fuzz_require(mf_layer_shape(layer, &input, &output) == MF_STATUS_OK);
    fuzz_require(mf_layer_describe(layer, &described) == MF_STATUS_OK);
    fuzz_require(mf_layer_head(layer, &head) == MF_STATUS_OK);
    fuzz_require(mf_builder_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.input = &input;
    spec.dropout = described.dropout;
    spec.precision = described.precision;
    spec.seed = described.seed;
    fuzz_require(mf_builder_create(&spec, &builder) == MF_STATUS_OK);
    for (size_t node = 1; node <= units; node++) {
        mf_unit_spec unit = {.struct_size = sizeof unit};

        fuzz_require(mf_layer_unit(layer, (int32_t)node, &unit, &found) == MF_STATUS_OK);
        fuzz_require(mf_builder_unit(builder, &unit, NULL) == MF_STATUS_OK);
        fuzz_require(mf_builder_shape(builder, (int32_t)node, &input) == MF_STATUS_OK);
        fuzz_require(memcmp(&input, &found, sizeof input) == 0);
    }
    fuzz_require(units > 0);
    fuzz_require(mf_builder_shape(builder, output_node(&head, (int32_t)units), &found) == MF_STATUS_OK);
    fuzz_require(memcmp(&found, &output, sizeof found) == 0);
    fuzz_require(mf_builder_head(builder, &head) == MF_STATUS_OK);
    fuzz_require(mf_layer_build(builder, &again) == MF_STATUS_OK);
    fuzz_require(mf_layer_parameter_count(again, &units) == MF_STATUS_OK);
    fuzz_require(mf_layer_parameter_count(layer, &count) == MF_STATUS_OK && units == count);
    mf_layer_free(again);
    mf_builder_free(builder);
}

/* All that can be asked. */
static void describe(const mf_network *network)
{
    char text[300];
    size_t size = 0, needed = 0, bytes = 0;
    mf_status status = mf_network_summary(network, 2, text, sizeof text, &needed);

    fuzz_require(status == MF_STATUS_OVERFLOW || (status == MF_STATUS_CAPACITY) == (needed > sizeof text));
    fuzz_require(memchr(text, 0, sizeof text) != NULL);
    fuzz_require(mf_network_snapshot_size(network, &bytes) == MF_STATUS_OK);
    fuzz_require(mf_network_size(network, &size) == MF_STATUS_OK);
    if (mf_network_export_onnx_size(network, &bytes) == MF_STATUS_OK) {
        char *model = malloc(bytes);

        fuzz_require(model != NULL);
        fuzz_require(mf_network_export_onnx_buffer(network, model, bytes, NULL) == MF_STATUS_OK);
        free(model);
    }
    for (size_t i = 0; i < size; i++) {
        mf_layer *layer = NULL;

        fuzz_require(mf_network_layer(network, i, &layer, NULL) == MF_STATUS_OK);
        build_again(layer);
    }
}

static void try_model(const uint8_t *data, size_t size, int32_t contents)
{
    /* Twice what the file holds, and the handles and tables beside it: most for units, of which one of 19
     * bytes becomes two entries in the list of a builder and of a layer. */
    fuzz_budget b = {.most = 60 * size + 100000};
    mf_allocator allocator = fuzz_allocator(&b);
    mf_load_spec spec;
    mf_network *network = (mf_network *)&spec;
    mf_status status;

    fuzz_require(mf_load_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.contents = contents;
    spec.allocator = &allocator;
    status = mf_network_load_buffer(&spec, data, size, &network);
    fuzz_require((status == MF_STATUS_OK) == (network != NULL));
    if (network != NULL) {
        check_round_trip(network, contents);
        b.most = (size_t)-1;
        describe(network);
        fuzz_use(network, contents == MF_CONTENTS_TRAINING);
    }
    mf_network_free(network);
    fuzz_require(b.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fuzz_is_snapshot(data, size)) {
        fuzz_try_snapshot(data, size);
        return 0;
    }
    try_model(data, size, MF_CONTENTS_MODEL);
    try_model(data, size, MF_CONTENTS_TRAINING);
    return 0;
}

int fuzz_seed_loads(const uint8_t *data, size_t size)
{
    mf_load_spec spec;
    mf_network *network = NULL;
    mf_status status;

    if (fuzz_is_snapshot(data, size))
        return fuzz_snapshot_loads(data, size);
    fuzz_require(mf_load_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    status = mf_network_load_buffer(&spec, data, size, &network);
    mf_network_free(network);
    return status == MF_STATUS_OK;
}

/* ---- mutations that keep the frame whole, so that they reach what is inside ---- */

static size_t header_bytes(const uint8_t *data, size_t size)
{
    uint64_t length = 0;

    for (size_t i = 0; i < 8 && size >= 8; i++)
        length |= (uint64_t)data[i] << 8 * i;
    return size >= 8 && length <= size - 8 ? (size_t)length : 0;
}

size_t fuzz_mutate_header(uint8_t *data, size_t size, size_t room, fuzz_mutator *mutate, void *user)
{
    size_t header = header_bytes(data, size), tail = size - 8 - header, most, now;
    uint8_t *rest;

    if (fuzz_is_snapshot(data, size))
        return fuzz_mutate_snapshot(data, size, room, mutate, user);
    if (header == 0 || room < size)
        return mutate(user, data, size, room);
    rest = malloc(tail ? tail : 1);
    fuzz_require(rest != NULL);
    memcpy(rest, data + 8 + header, tail);
    most = room - 8 - tail;
    now = mutate(user, data + 8, header, most);
    memcpy(data + 8 + now, rest, tail);
    for (size_t i = 0; i < 8; i++)
        data[i] = (uint8_t)((uint64_t)now >> 8 * i);
    free(rest);
    return 8 + now + tail;
}
