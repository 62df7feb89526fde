/* What a stranger's bytes do to the import of ONNX models: LLVMFuzzerTestOneInput() for libFuzzer, and for
 * drive.c. Memory stays below the file and 64 MiB; what is planned is imported; what is imported is exported,
 * imported again, and has the same bytes then. SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_common.h"
#include "fuzz_model.h"

static void check_again(const mf_network *network)
{
    mf_onnx_spec spec;
    mf_network *again = NULL;
    size_t bytes = 0, second = 0;
    char *one, *other;

    if (mf_network_export_onnx_size(network, &bytes) != MF_STATUS_OK || bytes > 1 << 20)
        return;
    one = malloc(bytes);
    fuzz_require(one != NULL);
    fuzz_require(mf_network_export_onnx_buffer(network, one, bytes, NULL) == MF_STATUS_OK);
    fuzz_require(mf_onnx_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.buffer = one;
    spec.bytes = bytes;
    fuzz_require(mf_network_import_onnx(&spec, &again) == MF_STATUS_OK);
    fuzz_require(mf_network_export_onnx_size(again, &second) == MF_STATUS_OK && second == bytes);
    other = malloc(bytes);
    fuzz_require(other != NULL);
    fuzz_require(mf_network_export_onnx_buffer(again, other, bytes, NULL) == MF_STATUS_OK);
    fuzz_require(memcmp(one, other, bytes) == 0);
    mf_network_free(again);
    free(one);
    free(other);
}

/* As a network, up to a layer that computes features, and with all layers frozen. */
enum { WAYS = 3 };

static mf_onnx_spec spec_of(int way, const uint8_t *data, size_t size, const mf_allocator *allocator)
{
    mf_onnx_spec spec;

    fuzz_require(mf_onnx_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.buffer = data;
    spec.bytes = size;
    spec.classes = way == 0 ? 0 : 3;
    spec.features = way == 1;
    spec.frozen = way == 2 ? SIZE_MAX : 0;
    spec.pool_size = way == 2 ? 0 : 1;
    spec.allocator = allocator;
    return spec;
}

/* The plan is refused as the import is, but for values and the network's memory; its text here is short. */
static int agree(mf_status planned, mf_status status)
{
    return planned == status || status == MF_STATUS_FORMAT || status == MF_STATUS_MEMORY ||
           (planned == MF_STATUS_CAPACITY && status == MF_STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_budget budget = {.most = size + ((size_t)64 << 20)};
    const mf_allocator allocator = fuzz_allocator(&budget);
    mf_network *network = NULL;
    char text[300];

    for (int way = 0; way < WAYS; way++) {
        mf_onnx_spec spec = spec_of(way, data, size, &allocator);
        mf_status planned = mf_onnx_plan(&spec, text, sizeof text, NULL);
        mf_status status = mf_network_import_onnx(&spec, &network);
        fuzz_require(memchr(text, 0, sizeof text) != NULL);
        fuzz_require(agree(planned, status));
        fuzz_require((status == MF_STATUS_OK) == (network != NULL));
        if (network != NULL) {
            check_again(network);
            fuzz_use(network, 0);
        }
        mf_network_free(network);
        network = NULL;
        fuzz_require(budget.used == 0);
    }
    return 0;
}

int fuzz_seed_loads(const uint8_t *data, size_t size)
{
    int loads = 0;

    for (int way = 0; way < WAYS; way++) {
        mf_onnx_spec spec = spec_of(way, data, size, NULL);
        mf_network *network = NULL;

        loads |= mf_network_import_onnx(&spec, &network) == MF_STATUS_OK;
        mf_network_free(network);
    }
    return loads;
}

/* ---- mutations of a single node ---- */

static size_t get_varint(const uint8_t *data, size_t size, size_t *value)
{
    size_t at = 0;

    for (*value = 0; at < size && at < 5; at++) {
        *value |= (size_t)(data[at] & 0x7F) << 7 * at;
        if (data[at] < 0x80)
            return at + 1;
    }
    return 0;
}

static size_t put_varint(uint8_t *data, size_t value)
{
    size_t at = 0;

    for (; value >= 0x80; value >>= 7)
        data[at++] = (uint8_t)(value | 0x80);
    data[at++] = (uint8_t)value;
    return at;
}

/* Where the bytes of the `skip`-th field of that tag begin, of those with a length; 0 if there is none. */
static size_t find_field(const uint8_t *data, size_t size, uint8_t tag, size_t skip, size_t *head,
                         size_t *length)
{
    for (size_t at = 0; at + 1 < size;) {
        size_t value, used = get_varint(data + at + 1, size - at - 1, &value);

        if (used == 0)
            return 0;
        if ((data[at] & 7) == 0) {
            at += 1 + used;
            continue;
        }
        if ((data[at] & 7) != 2 || value > size - at - 1 - used)
            return 0;
        if (data[at] == tag && skip-- == 0) {
            *head = at + 1;
            *length = value;
            return at + 1 + used;
        }
        at += 1 + used + value;
    }
    return 0;
}

/* Of a node or, once in a while, of another message of the graph, with the lengths of both set anew. */
size_t fuzz_mutate_header(uint8_t *data, size_t size, size_t room, fuzz_mutator *mutate, void *user)
{
    enum {
        MODEL_GRAPH = 7 << 3 | 2,
        GRAPH_NODE = 1 << 3 | 2,
        GRAPH_CONSTANT = 5 << 3 | 2,
        GRAPH_INPUT = 11 << 3 | 2
    };
    static unsigned count;
    const uint8_t tag = count % 8 == 6 ? GRAPH_CONSTANT : count % 8 == 7 ? GRAPH_INPUT : GRAPH_NODE;
    size_t graph_head, graph_length, head, length,
        graph = find_field(data, size, MODEL_GRAPH, 0, &graph_head, &graph_length), field = 0;
    uint8_t *node, *made;

    for (size_t skip = ++count * 7 % 64; graph > 0 && field == 0; skip /= 2) {
        field = find_field(data + graph, graph_length, tag, skip, &head, &length);
        if (skip == 0)
            break;
    }
    if (field == 0 || size + 256 > room || length > 100000)
        return mutate(user, data, size, room);
    node = malloc(length + 256);
    made = malloc(size + 600);
    fuzz_require(node != NULL && made != NULL);
    memcpy(node, data + graph + field, length);
    size_t now = mutate(user, node, length, length + 200), at = graph_head;
    uint8_t numbers[10];
    size_t digits = put_varint(numbers, now), inner = graph_length - (field - head) - length + digits + now;
    memcpy(made, data, at);
    at += put_varint(made + at, inner);
    memcpy(made + at, data + graph, head);
    at += head;
    memcpy(made + at, numbers, digits);
    at += digits;
    memcpy(made + at, node, now);
    at += now;
    memcpy(made + at, data + graph + field + length, size - (graph + field + length));
    at += size - (graph + field + length);
    free(node);
    if (at <= room)
        memcpy(data, made, at);
    free(made);
    return at <= room ? at : size;
}
