/* What a stranger's bytes do to snapshots, and mutations that mend the checksum, without which none would get
 * behind it. SPDX-License-Identifier: MIT */
#include "fuzz_snapshot.h"

#include <string.h>

#include "fuzz_common.h"

/* Where the head of a snapshot has its size and the sum of what follows. */
enum { TOTAL_AT = 16, SUM_AT = 32, HEADER = 40, MOST = 4096 };

static uint64_t get_u64(const uint8_t *from)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | from[i];
    return value;
}

static void put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++, value >>= 8)
        to[i] = (uint8_t)value;
}

/* FNV-1a of words of 32 bits, the upper bits of the hash brought down after each. */
static uint64_t sum_of(const uint8_t *bytes, size_t count)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (; count >= 4; bytes += 4, count -= 4) {
        uint32_t word =
            bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;

        hash = (hash ^ word) * UINT64_C(0x100000001B3);
        hash ^= hash >> 29;
    }
    return hash;
}

static void repair(uint8_t *data, size_t size)
{
    put_u64(data + TOTAL_AT, size);
    put_u64(data + SUM_AT, sum_of(data + HEADER, size - HEADER));
}

/* ---- the network that they are snapshots of ---- */

/* A sum around a normalisation, of 3 values. */
static mf_layer *small_block(void)
{
    const int32_t kinds[] = {MF_UNIT_DENSE, MF_UNIT_BATCH_NORM, MF_UNIT_DROPOUT, MF_UNIT_ADD};
    mf_shape input = {.struct_size = sizeof input, .rank = 1, .dims = {3, 1, 1, 1}};
    mf_builder_spec spec;
    mf_head_spec head;
    mf_builder *builder = NULL;
    mf_layer *layer = NULL;

    fuzz_require(mf_builder_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    fuzz_require(mf_head_spec_init(&head, sizeof head) == MF_STATUS_OK);
    spec.input = &input;
    spec.seed = 3;
    head.classes = 2;
    fuzz_require(mf_builder_create(&spec, &builder) == MF_STATUS_OK);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        mf_unit_spec unit;

        fuzz_require(mf_unit_spec_init(&unit, sizeof unit) == MF_STATUS_OK);
        unit.kind = kinds[i];
        unit.outputs = 3;
        unit.dropout = 0.25f;
        mf_builder_unit(builder, &unit, NULL);
    }
    mf_builder_head(builder, &head);
    fuzz_require(mf_layer_build(builder, &layer) == MF_STATUS_OK);
    mf_builder_free(builder);
    return layer;
}

static void set_optimizer(mf_network *network)
{
    mf_optimizer_spec how;
    mf_optimizer *optimizer = NULL;

    fuzz_require(mf_optimizer_spec_init(&how, sizeof how) == MF_STATUS_OK);
    fuzz_require(mf_optimizer_create(&how, &optimizer) == MF_STATUS_OK);
    fuzz_require(mf_network_set_optimizer(network, optimizer) == MF_STATUS_OK);
    mf_optimizer_free(optimizer);
}

/* Without an optimizer it is the network of a host that only serves. */
static mf_network *small_network(int optimizer)
{
    mf_network *network = NULL;
    mf_layer *block = small_block();

    fuzz_require(mf_network_create(NULL, &network) == MF_STATUS_OK);
    for (uint64_t i = 0; i < 2; i++) {
        mf_layer_spec spec;
        mf_layer *layer = NULL;

        fuzz_require(mf_layer_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
        spec.inputs = spec.outputs = 3;
        spec.classes = 2;
        spec.seed = i + 1;
        spec.normalization = i == 0 ? MF_NORMALIZATION_BATCH : MF_NORMALIZATION_NONE;
        fuzz_require(mf_layer_create(&spec, &layer) == MF_STATUS_OK);
        fuzz_require(mf_network_append(network, layer, NULL) == MF_STATUS_OK);
        mf_layer_free(layer);
    }
    fuzz_require(mf_network_append(network, block, NULL) == MF_STATUS_OK);
    mf_layer_free(block);
    if (optimizer)
        set_optimizer(network);
    return network;
}

/* Of the numbers between the head and the values: four of each layer, and one of each parameter. */
static size_t number_of_counts(const mf_network *network)
{
    size_t size = 0, counts = 0, parameters = 0;
    mf_layer *layer = NULL;

    fuzz_require(mf_network_size(network, &size) == MF_STATUS_OK);
    for (size_t i = 0; i < size; i++) {
        fuzz_require(mf_network_layer(network, i, &layer, NULL) == MF_STATUS_OK);
        fuzz_require(mf_layer_parameter_count(layer, &parameters) == MF_STATUS_OK);
        counts += 4 + parameters;
    }
    return counts;
}

static size_t take(const mf_network *network, uint8_t *buffer, size_t room)
{
    size_t bytes = 0;

    fuzz_require(mf_network_snapshot_size(network, &bytes) == MF_STATUS_OK && bytes <= room);
    fuzz_require(mf_network_snapshot_save(network, buffer, bytes) == MF_STATUS_OK);
    return bytes;
}

size_t fuzz_snapshot(uint8_t *buffer, size_t room, int optimizer)
{
    mf_network *network = small_network(optimizer);
    size_t bytes, values = HEADER + 8 * number_of_counts(network);

    fuzz_require(fuzz_use(network, optimizer));
    bytes = take(network, buffer, room);
    fuzz_exact_values(buffer + values, (bytes - values) / 4);
    repair(buffer, bytes);
    mf_network_free(network);
    return bytes;
}

/* ---- the target ---- */

int fuzz_is_snapshot(const uint8_t *data, size_t size)
{
    return size >= 8 && memcmp(data, "MFstate\n", 8) == 0;
}

int fuzz_snapshot_loads(const uint8_t *data, size_t size)
{
    mf_network *network = small_network(1);
    mf_status status = mf_network_snapshot_load(network, data, size);

    mf_network_free(network);
    return status == MF_STATUS_OK;
}

/* What a network with optimizers has taken it gives again, if the snapshot has state of all of them; counts
 * are so small that training on never brings them to 0. */
static void check_taken(mf_network *network, int optimizer, const uint8_t *data, const uint8_t *after,
                        size_t bytes)
{
    uint8_t again[MOST];
    size_t counts = number_of_counts(network);

    for (size_t i = 0; i < counts; i++)
        fuzz_require(get_u64(after + HEADER + 8 * i) < UINT64_MAX / 2);
    if (optimizer && get_u64(data + TOTAL_AT) == bytes)
        fuzz_require(memcmp(data, after, bytes) == 0);
    fuzz_require(mf_network_snapshot_load(network, after, bytes) == MF_STATUS_OK);
    fuzz_require(take(network, again, sizeof again) == bytes && memcmp(after, again, bytes) == 0);
}

/* A network without an optimizer takes only parameters from a snapshot that has more. */
static void try_network(const uint8_t *data, size_t size, int optimizer)
{
    mf_network *network = small_network(optimizer);
    uint8_t before[MOST], after[MOST];
    size_t bytes = take(network, before, sizeof before);
    mf_status status = mf_network_snapshot_load(network, data, size);

    fuzz_require(take(network, after, sizeof after) == bytes);
    if (status == MF_STATUS_OK) {
        check_taken(network, optimizer, data, after, bytes);
        fuzz_use(network, optimizer);
    } else {
        fuzz_require(memcmp(before, after, bytes) == 0);
    }
    mf_network_free(network);
}

void fuzz_try_snapshot(const uint8_t *data, size_t size)
{
    try_network(data, size, 0);
    try_network(data, size, 1);
}

size_t fuzz_mutate_snapshot(uint8_t *data, size_t size, size_t room, fuzz_mutator *mutate, void *user)
{
    size_t now;

    if (size < HEADER || room < size)
        return mutate(user, data, size, room);
    now = HEADER + mutate(user, data + HEADER, size - HEADER, room - HEADER);
    repair(data, now);
    return now;
}
