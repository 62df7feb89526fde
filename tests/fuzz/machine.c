/* A host that calls functions in an order that bytes decide: what no test has thought of.
 * SPDX-License-Identifier: MIT */
#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monoforward.h"

#define require(what) ((what) ? (void)0 : complain(#what, __LINE__))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

unsigned long machine_calls, machine_successes;

static void complain(const char *what, int line)
{
    fprintf(stderr, "machine.c:%d: not true: %s (%s)\n", line, what, mf_last_message());
    abort();
}

/* ---- memory that knows what is out, refuses much, and fails when it is told to ---- */

enum { HEADER = 64, LARGEST = 1 << 20 };

typedef struct heap {
    size_t blocks, bytes, fail_in; /* allocations until one fails; 0: none */
} heap;

static void *take(void *user, size_t bytes, size_t alignment)
{
    heap *m = user;
    char *block;

    require(alignment <= HEADER && (alignment & (alignment - 1)) == 0);
    if (bytes > LARGEST || (m->fail_in > 0 && --m->fail_in == 0))
        return NULL;
    block = aligned_alloc(HEADER, HEADER + (bytes + HEADER - 1) / HEADER * HEADER);
    require(block != NULL);
    memcpy(block, &bytes, sizeof bytes);
    m->blocks++;
    m->bytes += bytes;
    return block + HEADER;
}

static void give_back(void *user, void *pointer, size_t bytes)
{
    heap *m = user;
    char *block = (char *)pointer - HEADER;

    require(pointer != NULL && memcmp(block, &bytes, sizeof bytes) == 0);
    memset(block, 0x5A, HEADER);
    m->blocks--;
    m->bytes -= bytes;
    free(block);
}

/* ---- the machine ---- */

enum { EACH = 3, ROWS = 4, VALUES = 1 << 15 };

typedef struct machine {
    const uint8_t *data;
    size_t size;
    heap memory;
    mf_allocator allocator;
    mf_builder *builders[EACH];
    mf_layer *layers[EACH];
    mf_network *networks[EACH];
    mf_workspace *workspaces[EACH];
    mf_pipeline *pipelines[EACH];
    mf_optimizer *optimizers[EACH];
} machine;

static float values[VALUES], results[VALUES];
static int32_t labels[VALUES], answers[VALUES];

static size_t pick(machine *m, size_t count)
{
    if (m->size == 0)
        return 0;
    m->size--;
    return *m->data++ % count;
}

/* True in one of `count` cases, and never when the bytes are at their end. */
static int rarely(machine *m, size_t count)
{
    return pick(m, count) == count - 1;
}

#define S(name) (1u << MF_STATUS_##name)

/* One of the statuses that `allowed` has, or success; a failure has a message. */
static mf_status check(machine *m, unsigned allowed, mf_status status, const char *call)
{
    machine_calls++;
    machine_successes += status == MF_STATUS_OK;
    m->memory.fail_in = 0;
    if (status == MF_STATUS_OK)
        return status;
    if (status < 0 || status > MF_STATUS_VERSION || !(allowed >> status & 1) || mf_last_message()[0] == 0) {
        fprintf(stderr, "%s gives %s: %s\n", call, mf_status_name(status), mf_last_message());
        abort();
    }
    return status;
}

#define call(allowed, what) check(m, (allowed), (what), #what)
/* A handle is there after success alone. */
#define create(allowed, what, place) require((call(allowed, what) == MF_STATUS_OK) == ((place) != NULL))

/* A handle of the right kind, or now and then NULL or one of another kind. */
static void *handle(machine *m, void *right)
{
    void *const others[] = {NULL,           m->builders[0],   m->layers[0],
                            m->networks[0], m->workspaces[0], m->optimizers[0],
                            m->pipelines[0]};

    return rarely(m, 40) ? others[pick(m, COUNT_OF(others))] : right;
}

#define BUILDER handle(m, m->builders[pick(m, EACH)])
#define LAYER handle(m, m->layers[pick(m, EACH)])
#define NETWORK handle(m, m->networks[pick(m, EACH)])
#define WORKSPACE handle(m, m->workspaces[pick(m, EACH)])
#define PIPELINE handle(m, m->pipelines[pick(m, EACH)])
#define OPTIMIZER handle(m, m->optimizers[pick(m, EACH)])

/* ---- values ---- */

static size_t any_size(machine *m)
{
    static const size_t sizes[] = {2, 3, 1, 4, 5, 2, 3, 1, 4, 6, 2, 3};
    static const size_t wrong[] = {0,        1u << 20,     (size_t)INT32_MAX, (size_t)INT32_MAX + 1,
                                   SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4 + 1,  (size_t)1 << 33,
                                   46341,    65536};

    return rarely(m, 24) ? wrong[pick(m, COUNT_OF(wrong))] : sizes[pick(m, COUNT_OF(sizes))];
}

static float any_float(machine *m, float good)
{
    const float wrong[] = {-1.0f, 1.0f, 2.0f, NAN, INFINITY, -INFINITY, 1e-40f, 1e30f, -0.0f, 0.99999999f};

    return rarely(m, 24) ? wrong[pick(m, COUNT_OF(wrong))] : good;
}

static int32_t any_constant(machine *m, int32_t last)
{
    static const int32_t wrong[] = {-1, 99, INT32_MIN, INT32_MAX, -1, -2};

    return rarely(m, 32) ? wrong[pick(m, COUNT_OF(wrong))] : (int32_t)pick(m, (size_t)last + 1);
}

/* Sometimes a size that no version had. */
static uint32_t any_struct_size(machine *m, size_t size)
{
    static const uint32_t wrong[] = {0, 4, UINT32_MAX, 5000};

    return rarely(m, 60) ? wrong[pick(m, COUNT_OF(wrong))] : (uint32_t)size;
}

static mf_shape any_shape(machine *m)
{
    mf_shape shape = {.struct_size = any_struct_size(m, sizeof shape), .rank = 1 + (int32_t)pick(m, 3)};

    for (int d = 0; d < 4; d++)
        shape.dims[d] = d < shape.rank ? any_size(m) : 1;
    if (rarely(m, 20))
        shape.rank = any_constant(m, 4);
    return shape;
}

static mf_unit_spec any_unit(machine *m)
{
    mf_unit_spec unit;

    require(mf_unit_spec_init(&unit, sizeof unit) == MF_STATUS_OK);
    unit.kind = any_constant(m, MF_UNIT_FLATTEN);
    if (pick(m, 4) == 0)
        unit.inputs[0] = any_constant(m, 8);
    if ((unit.kind == MF_UNIT_ADD || unit.kind == MF_UNIT_CONCAT) && pick(m, 2))
        unit.inputs[1] = any_constant(m, 8);
    unit.outputs = any_size(m);
    unit.bias = any_constant(m, 1);
    unit.weight_init = any_constant(m, MF_INIT_NORMAL);
    unit.weight_gain = any_float(m, 1.0f);
    unit.activation = any_constant(m, MF_ACTIVATION_SILU);
    unit.leak = any_float(m, 0.1f);
    unit.pool = any_constant(m, MF_POOL_MAX);
    unit.kernel[0] = pick(m, 2) ? 1 : any_size(m);
    unit.kernel[1] = pick(m, 2) ? 1 : any_size(m);
    unit.stride[pick(m, 2)] = pick(m, 2) ? 0 : any_size(m);
    unit.padding[pick(m, 2)] = pick(m, 3) ? 0 : any_size(m);
    unit.dropout = any_float(m, 0.25f);
    unit.dropout_maps = any_constant(m, 1);
    unit.normalization_rate = any_float(m, 0.1f);
    unit.normalization_epsilon = any_float(m, 1e-5f);
    unit.heads = pick(m, 2) ? 0 : any_size(m);
    unit.causal = any_constant(m, 1);
    unit.vocabulary = any_size(m);
    unit.groups = pick(m, 2) ? 0 : any_size(m);
    unit.loss_weight = rarely(m, 8) ? any_float(m, 0.3f) : 0.0f;
    unit.reserved3 = rarely(m, 60);
    unit.reserved4 = rarely(m, 60);
    unit.reserved = rarely(m, 60);
    unit.reserved2 = rarely(m, 60);
    unit.struct_size = any_struct_size(m, sizeof unit);
    return unit;
}

static mf_block_spec any_block(machine *m)
{
    mf_block_spec block;

    require(mf_block_spec_init(&block, sizeof block) == MF_STATUS_OK);
    block.kind = any_constant(m, MF_BLOCK_TRANSFORMER);
    if (pick(m, 4) == 0)
        block.input = any_constant(m, 8);
    if (pick(m, 2))
        block.activation = any_constant(m, MF_ACTIVATION_SILU);
    block.outputs = pick(m, 2) ? 0 : any_size(m);
    block.stride[pick(m, 2)] = pick(m, 2) ? 0 : any_size(m);
    block.hidden = pick(m, 2) ? 0 : any_size(m);
    block.token_hidden = pick(m, 2) ? 0 : any_size(m);
    block.heads = pick(m, 2) ? 0 : any_size(m);
    block.causal = any_constant(m, 1);
    block.reserved = rarely(m, 60);
    block.struct_size = any_struct_size(m, sizeof block);
    return block;
}

static mf_layer_spec any_layer(machine *m)
{
    mf_layer_spec spec;

    require(mf_layer_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.kind = any_constant(m, MF_LAYER_CONV2D);
    if (spec.kind == MF_LAYER_DENSE)
        spec.inputs = any_size(m), spec.outputs = any_size(m);
    spec.channels = any_size(m);
    spec.height = any_size(m);
    spec.width = any_size(m);
    spec.filters = any_size(m);
    spec.kernel[0] = spec.kernel[1] = pick(m, 2) ? 1 : any_size(m);
    spec.pool = any_constant(m, MF_POOL_MAX);
    spec.head_size = pick(m, 2) ? 0 : any_size(m);
    spec.classes = 2 + pick(m, 2);
    spec.activation = any_constant(m, MF_ACTIVATION_SILU);
    spec.normalization = any_constant(m, MF_NORMALIZATION_BATCH);
    spec.dropout = any_float(m, 0.1f);
    spec.allocator = &m->allocator;
    spec.struct_size = any_struct_size(m, sizeof spec);
    return spec;
}

/* ---- freeing ---- */

/* Every kind of handle has a free of its own. */
#define RELEASE(kind, list)                           \
    static void free_##kind(machine *m, size_t which) \
    {                                                 \
        mf_##kind##_free(m->list[which]);             \
        m->list[which] = NULL;                        \
    }
RELEASE(builder, builders)
RELEASE(layer, layers)
RELEASE(network, networks)
RELEASE(workspace, workspaces)
RELEASE(pipeline, pipelines)
RELEASE(optimizer, optimizers)

static void free_one(machine *m)
{
    void (*const how[])(machine *, size_t) = {free_builder,   free_layer,    free_network,
                                              free_workspace, free_pipeline, free_optimizer};

    how[pick(m, COUNT_OF(how))](m, pick(m, EACH));
}

static void free_all(machine *m)
{
    for (size_t i = 0; i < EACH; i++) {
        free_layer(m, i);
        free_builder(m, i);
        free_optimizer(m, i);
        free_network(m, i);
        free_pipeline(m, i);
        free_workspace(m, i);
    }
    require(m->memory.blocks == 0 && m->memory.bytes == 0);
}

/* ---- builders ---- */

static void create_builder(machine *m)
{
    size_t which = pick(m, EACH);
    mf_shape shape = any_shape(m);
    mf_builder_spec spec;

    free_builder(m, which);
    require(mf_builder_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.input = rarely(m, 60) ? NULL : &shape;
    spec.dropout = any_float(m, 0.25f);
    spec.dropout_maps = any_constant(m, 1);
    spec.precision = any_constant(m, MF_PRECISION_BF16);
    spec.seed = pick(m, 3);
    spec.allocator = &m->allocator;
    spec.struct_size = any_struct_size(m, sizeof spec);
    create(S(ARGUMENT) | S(OVERFLOW) | S(MEMORY), mf_builder_create(&spec, &m->builders[which]),
           m->builders[which]);
}

static void builder_from_spec(machine *m)
{
    size_t which = pick(m, EACH);
    mf_layer_spec spec = any_layer(m);

    free_builder(m, which);
    create(S(ARGUMENT) | S(SHAPE) | S(OVERFLOW) | S(MEMORY), mf_builder_from_spec(&spec, &m->builders[which]),
           m->builders[which]);
}

enum { FAILED = S(HANDLE) | S(ARGUMENT) | S(SHAPE) | S(OVERFLOW) | S(MEMORY) | S(STATE) };

static void add_unit(machine *m)
{
    mf_unit_spec unit = any_unit(m);
    int32_t node = -7;

    if (call(FAILED, mf_builder_unit(BUILDER, rarely(m, 60) ? NULL : &unit, &node)) == MF_STATUS_OK)
        require(node > 0);
    else
        require(node == -7);
}

static void add_block(machine *m)
{
    mf_block_spec block = any_block(m);
    int32_t node = -7;

    if (call(FAILED, mf_builder_block(BUILDER, rarely(m, 60) ? NULL : &block, &node)) == MF_STATUS_OK)
        require(node > 0);
    else
        require(node == -7);
}

static void set_head(machine *m)
{
    mf_head_spec head;

    require(mf_head_spec_init(&head, sizeof head) == MF_STATUS_OK);
    head.classes = rarely(m, 16) ? any_size(m) : 2;
    head.kind = any_constant(m, MF_HEAD_POSITIONS);
    head.pool_size = pick(m, 3) ? 0 : any_size(m);
    head.projection_init = any_constant(m, MF_INIT_NORMAL);
    head.projection_gain = any_float(m, 1.0f);
    head.label_smoothing = any_float(m, 0.1f);
    head.output_node = rarely(m, 8) ? (int32_t)pick(m, 12) - 2 : MF_NODE_PREVIOUS;
    head.input_node = rarely(m, 8) ? (int32_t)pick(m, 12) - 2 : MF_NODE_PREVIOUS;
    head.struct_size = any_struct_size(m, sizeof head);
    call(FAILED, mf_builder_head(BUILDER, rarely(m, 60) ? NULL : &head));
}

static void build(machine *m)
{
    size_t which = pick(m, EACH);

    free_layer(m, which);
    create(FAILED, mf_layer_build(BUILDER, &m->layers[which]), m->layers[which]);
}

static void create_layer(machine *m)
{
    size_t which = pick(m, EACH);
    mf_layer_spec spec = any_layer(m);

    free_layer(m, which);
    create(S(ARGUMENT) | S(SHAPE) | S(OVERFLOW) | S(MEMORY), mf_layer_create(&spec, &m->layers[which]),
           m->layers[which]);
}

/* A whole layer at once, so that there is often something to use: a block on maps or rows. */
static void build_block(machine *m)
{
    size_t which = pick(m, EACH), channels = 2 + pick(m, 2), units = 1 + pick(m, 6);
    mf_shape shape = {.struct_size = sizeof shape, .rank = 3, .dims = {channels, 3, 2, 1}};
    mf_builder_spec spec;
    mf_head_spec head;

    free_builder(m, which);
    free_layer(m, which);
    require(mf_builder_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    require(mf_head_spec_init(&head, sizeof head) == MF_STATUS_OK);
    spec.input = &shape;
    spec.allocator = &m->allocator;
    spec.dropout = pick(m, 2) ? 0.0f : 0.5f;
    head.classes = 2;
    head.pool_size = pick(m, 2);
    if (call(S(MEMORY), mf_builder_create(&spec, &m->builders[which])) != MF_STATUS_OK)
        return;
    for (size_t i = 0; i < units; i++) {
        mf_unit_spec unit;

        require(mf_unit_spec_init(&unit, sizeof unit) == MF_STATUS_OK);
        unit.kind = 1 + (int32_t)pick(m, MF_UNIT_ADD);
        unit.outputs = channels;
        unit.bias = (int32_t)pick(m, 2);
        unit.padding[0] = unit.padding[1] = unit.kind == MF_UNIT_CONV2D;
        unit.kernel[0] = unit.kernel[1] = unit.kind == MF_UNIT_POOL;
        unit.dropout = 0.25f;
        unit.activation = (int32_t)pick(m, MF_ACTIVATION_SILU + 1);
        if (unit.kind == MF_UNIT_ADD)
            unit.inputs[1] = (int32_t)pick(m, i + 1);
        if (unit.kind == MF_UNIT_CONV2D)
            unit.kernel[0] = unit.kernel[1] = 0;
        call(FAILED, mf_builder_unit(m->builders[which], &unit, NULL));
    }
    call(FAILED, mf_builder_head(m->builders[which], &head));
    create(FAILED, mf_layer_build(m->builders[which], &m->layers[which]), m->layers[which]);
}

static void ask_builder(machine *m)
{
    mf_shape shape = {.struct_size = any_struct_size(m, sizeof shape)};
    mf_memory memory = {.struct_size = any_struct_size(m, sizeof memory)};
    mf_builder *list[EACH];
    mf_optimizer_spec how;

    call(S(HANDLE) | S(ARGUMENT) | S(NOT_FOUND),
         mf_builder_shape(BUILDER, any_constant(m, 6), rarely(m, 60) ? NULL : &shape));
    for (size_t i = 0; i < EACH; i++)
        list[i] = BUILDER;
    require(mf_optimizer_spec_init(&how, sizeof how) == MF_STATUS_OK);
    how.learning_rate = any_float(m, 0.1f);
    call(FAILED, mf_network_memory_built(list, pick(m, EACH + 1), pick(m, 2) ? &how : NULL,
                                         any_constant(m, 1), any_size(m), &memory));
}

/* ---- layers ---- */

static void ask_layer(machine *m)
{
    mf_layer *layer = LAYER;
    mf_unit_spec unit = {.struct_size = any_struct_size(m, sizeof unit)};
    mf_head_spec head = {.struct_size = any_struct_size(m, sizeof head)};
    mf_shape one = {.struct_size = any_struct_size(m, sizeof one)}, other = {.struct_size = sizeof other};
    mf_layer_spec spec = {.struct_size = any_struct_size(m, sizeof spec)};
    size_t count = 0;
    double value;

    call(S(HANDLE), mf_layer_unit_count(layer, &count));
    call(S(HANDLE) | S(ARGUMENT) | S(NOT_FOUND),
         mf_layer_unit(layer, any_constant(m, 8), pick(m, 4) ? &unit : NULL, pick(m, 4) ? &one : NULL));
    call(S(HANDLE) | S(ARGUMENT), mf_layer_head(layer, &head));
    call(S(HANDLE) | S(ARGUMENT),
         mf_layer_shape(layer, pick(m, 4) ? &one : NULL, pick(m, 4) ? &other : NULL));
    call(S(HANDLE) | S(ARGUMENT), mf_layer_describe(layer, &spec));
    call(S(HANDLE) | S(ARGUMENT), mf_layer_get(layer, any_constant(m, 1), &value));
}

static void ask_parameters(machine *m)
{
    mf_layer *layer = LAYER;
    mf_parameter_info info = {.struct_size = any_struct_size(m, sizeof info)};
    size_t count = 0;

    call(S(HANDLE), mf_layer_parameter_count(layer, &count));
    if (call(S(HANDLE) | S(ARGUMENT) | S(NOT_FOUND),
             mf_layer_parameter_info(layer, pick(m, count + 1), &info)) != MF_STATUS_OK ||
        info.count > VALUES)
        return;
    if (rarely(m, 8))
        info.count = any_size(m);
    if (info.count <= VALUES)
        call(S(SHAPE), mf_layer_get_parameter(layer, info.name, results, info.count));
    if (info.count <= VALUES && pick(m, 2))
        call(S(SHAPE) | S(NUMERIC), mf_layer_set_parameter(layer, info.name, results, info.count));
    call(0, mf_layer_set_trainable(layer, info.name, (int32_t)pick(m, 2)));
    call(S(HANDLE) | S(NOT_FOUND), mf_layer_set_trainable(LAYER, "units.1.weight", (int32_t)pick(m, 2)));
}

static void change_layer(machine *m)
{
    if (pick(m, 2))
        call(S(HANDLE) | S(ARGUMENT), mf_layer_set(LAYER, any_constant(m, 1), (double)any_float(m, 0.25f)));
    else if (pick(m, 8))
        call(S(HANDLE) | S(OVERFLOW) | S(MEMORY), mf_layer_set_optimizer(LAYER, OPTIMIZER));
    else
        call(S(HANDLE) | S(ARGUMENT) | S(OVERFLOW) | S(MEMORY), mf_layer_set_classes(LAYER, any_size(m)));
}

static void create_optimizer(machine *m)
{
    size_t which = pick(m, EACH);
    mf_optimizer_spec spec;

    free_optimizer(m, which);
    require(mf_optimizer_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.kind = any_constant(m, MF_OPTIMIZER_RMSPROP);
    spec.clip_norm = pick(m, 2) ? 0.0f : 0.5f;
    spec.momentum = any_float(m, pick(m, 2) ? 0.0f : 0.5f);
    spec.learning_rate = any_float(m, 0.1f);
    spec.allocator = &m->allocator;
    create(S(ARGUMENT) | S(MEMORY), mf_optimizer_create(&spec, &m->optimizers[which]), m->optimizers[which]);
}

/* ---- networks ---- */

static void create_network(machine *m)
{
    size_t which = pick(m, EACH);
    mf_network_spec spec;

    free_network(m, which);
    require(mf_network_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.allocator = &m->allocator;
    create(S(MEMORY), mf_network_create(&spec, &m->networks[which]), m->networks[which]);
}

static void edit_network(machine *m)
{
    const unsigned misfit = S(HANDLE) | S(SHAPE) | S(ARGUMENT) | S(MEMORY);
    mf_network *network = NETWORK;
    uint64_t id = 0;

    switch (pick(m, 8)) {
    case 0:
        call(misfit | S(NOT_FOUND), mf_network_insert(network, pick(m, 4), LAYER, &id));
        break;
    case 1:
        call(S(HANDLE) | S(NOT_FOUND) | S(SHAPE), mf_network_remove(network, 1 + pick(m, 6)));
        break;
    case 2:
        call(misfit | S(NOT_FOUND), mf_network_replace(network, 1 + pick(m, 6), LAYER));
        break;
    case 3:
        call(S(HANDLE) | S(ARGUMENT) | S(OVERFLOW) | S(MEMORY), mf_network_set_classes(network, any_size(m)));
        break;
    case 4:
    case 5:
        call(S(HANDLE) | S(OVERFLOW) | S(MEMORY), mf_network_set_optimizer(network, OPTIMIZER));
        break;
    default:
        call(misfit, mf_network_append(network, LAYER, pick(m, 2) ? &id : NULL));
    }
}

/* A network that is loaded takes the place of another. */
static void save_and_load(machine *m)
{
    const unsigned wrong = S(HANDLE) | S(ARGUMENT) | S(NUMERIC) | S(CAPACITY);
    mf_network *network = NETWORK, *loaded = NULL;
    int32_t contents = (int32_t)pick(m, 2);
    size_t bytes = 0, which = pick(m, EACH);
    mf_load_spec spec;
    char *file;

    if (call(wrong, mf_network_save_size(network, contents, &bytes)) != MF_STATUS_OK)
        return;
    file = malloc(bytes);
    require(file != NULL && mf_load_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.contents = (int32_t)pick(m, 2);
    spec.allocator = &m->allocator;
    if (call(wrong, mf_network_save_buffer(network, contents, file, bytes - (size_t)rarely(m, 20), NULL)) ==
        MF_STATUS_OK) {
        if (rarely(m, 4))
            file[pick(m, 256) * bytes / 256] ^= (char)(1 + pick(m, 255));
        m->memory.fail_in = rarely(m, 6) ? 1 + pick(m, 20) : 0;
        create(S(MEMORY) | S(STATE) | S(FORMAT) | S(VERSION),
               mf_network_load_buffer(&spec, file, bytes, &loaded), loaded);
        if (loaded != NULL && pick(m, 2)) {
            free_network(m, which);
            m->networks[which] = loaded;
        } else {
            mf_network_free(loaded);
        }
    }
    free(file);
}

static void snapshot(machine *m)
{
    const unsigned wrong = S(HANDLE) | S(CAPACITY) | S(NUMERIC);
    mf_network *network = NETWORK;
    size_t bytes = 0;

    if (call(S(HANDLE), mf_network_snapshot_size(network, &bytes)) != MF_STATUS_OK || bytes > sizeof results)
        return;
    if (call(wrong, mf_network_snapshot_save(network, results, bytes)) == MF_STATUS_OK)
        call(S(HANDLE) | S(FORMAT) | S(SHAPE), mf_network_snapshot_load(NETWORK, results, bytes));
}

static void describe(machine *m)
{
    const unsigned wrong = S(HANDLE) | S(STATE) | S(SHAPE) | S(NUMERIC) | S(CAPACITY);
    mf_network *network = NETWORK;
    char text[1000];
    size_t needed = 0, size = pick(m, 250) * 4, bytes = 0;

    memset(text, 'x', sizeof text);
    if (call(S(HANDLE) | S(ARGUMENT) | S(OVERFLOW) | S(SHAPE) | S(CAPACITY),
             mf_network_summary(network, any_size(m), size ? text : NULL, size, &needed)) == MF_STATUS_OK)
        require(needed <= size && strlen(text) + 1 == needed);
    require(text[size] == 'x');
    if (call(wrong, mf_network_export_onnx_size(network, &bytes)) == MF_STATUS_OK && bytes <= sizeof results)
        call(wrong, mf_network_export_onnx_buffer(network, results, bytes, NULL));
}

/* ---- training and prediction ---- */

static void create_workspace(machine *m)
{
    static const size_t batches[] = {ROWS, 1, 2, ROWS, 0, SIZE_MAX, (size_t)1 << 60, ROWS};
    size_t which = pick(m, EACH);
    mf_workspace_spec spec;

    free_workspace(m, which);
    require(mf_workspace_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    if (pick(m, 3))
        spec.network = NETWORK;
    else
        spec.layer = LAYER;
    spec.purpose = any_constant(m, 5) == 1;
    if (pick(m, 2))
        spec.purpose += MF_WORKSPACE_CONVERT;
    spec.max_batch = batches[pick(m, COUNT_OF(batches))];
    spec.allocator = &m->allocator;
    create(S(HANDLE) | S(ARGUMENT) | S(STATE) | S(SHAPE) | S(OVERFLOW) | S(MEMORY),
           mf_workspace_create(&spec, &m->workspaces[which]), m->workspaces[which]);
}

/* Rows that a workspace may have been made for, or so many that none was. */
static size_t any_rows(machine *m)
{
    return rarely(m, 20) ? (size_t)1 << 40 : rarely(m, 20) ? 0 : 1 + pick(m, ROWS);
}

static void any_batch(machine *m)
{
    for (size_t i = 0; i < 2 * ROWS; i++)
        labels[i] = rarely(m, 40) ? any_constant(m, 9) : (int32_t)pick(m, 2);
    values[7] = any_float(m, 0.5f);
}

/* The same numbers as another type are other numbers, some of them NaN. */
static void any_type(machine *m, mf_batch *batch)
{
    batch->input_type = any_constant(m, 3);
    if (rarely(m, 4))
        batch->input_scale = any_float(m, 0.5f);
    if (rarely(m, 4))
        batch->input_shift = any_float(m, -1.0f);
}

enum {
    USE = S(HANDLE) | S(ARGUMENT) | S(CAPACITY) | S(NUMERIC) | S(STALE),
    LEARN = USE | S(LABEL) | S(STATE),
    TYPED = S(STATE) | S(UNSUPPORTED) /* what a batch of another type may add */
};

/* Values of a row of the layer's input, output or goodness; 0 if there is no such layer. */
static size_t largest_row(mf_layer *layer)
{
    mf_layer_spec spec = {.struct_size = sizeof spec};
    mf_shape goodness = {.struct_size = sizeof goodness};
    size_t largest;

    if (mf_layer_describe(layer, &spec) != MF_STATUS_OK)
        return 0;
    require(mf_layer_goodness_shape(layer, &goodness) == MF_STATUS_OK);
    largest = spec.inputs > spec.outputs ? spec.inputs : spec.outputs;
    return largest > goodness.dims[0] * goodness.dims[1] ? largest : goodness.dims[0] * goodness.dims[1];
}

static void use_gradients(machine *m, mf_layer *layer, mf_workspace *workspace, const mf_batch *batch)
{
    size_t count = 0, parameters = 0;

    if (layer == NULL || mf_layer_parameter_count(layer, &parameters) != MF_STATUS_OK)
        return;
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        require(mf_layer_parameter_info(layer, i, &info) == MF_STATUS_OK);
        count += info.count;
    }
    count += (size_t)rarely(m, 10);
    if (count <= VALUES && call(LEARN | TYPED | S(SHAPE), mf_layer_gradients(layer, workspace, batch, NULL,
                                                                             results, count)) == MF_STATUS_OK)
        call(S(HANDLE) | S(ARGUMENT) | S(SHAPE) | S(NUMERIC) | S(STATE),
             mf_layer_apply(layer, results, count));
}

static void use_layer(machine *m)
{
    mf_layer *layer = LAYER;
    mf_workspace *workspace = WORKSPACE;
    size_t rows = any_rows(m);
    mf_batch batch;

    if (largest_row(layer) > VALUES / ROWS)
        return;
    any_batch(m);
    require(mf_batch_init(&batch, sizeof batch) == MF_STATUS_OK);
    batch.rows = rows;
    batch.inputs = values;
    batch.targets = labels;
    any_type(m, &batch);
    switch (pick(m, 7)) {
    case 0:
        call(USE, mf_layer_forward(layer, workspace, rows, values, results));
        break;
    case 1:
        call(USE, mf_layer_goodness(layer, workspace, rows, values, results));
        break;
    case 2:
        use_gradients(m, layer, workspace, &batch);
        break;
    case 3:
        call(USE | TYPED, mf_layer_forward_batch(layer, workspace, &batch, results));
        break;
    case 4:
        call(LEARN | TYPED, mf_layer_step_batch(layer, workspace, &batch, pick(m, 2) ? results : NULL));
        break;
    default:
        call(LEARN, mf_layer_step(layer, workspace, rows, values, labels, pick(m, 2) ? results : NULL));
    }
}

static void use_network(machine *m)
{
    mf_network *network = NETWORK;
    mf_workspace *workspace = WORKSPACE;
    mf_layer *first = NULL;
    size_t rows = any_rows(m);
    mf_report report = {.struct_size = any_struct_size(m, sizeof report)};

    if (network != NULL && mf_network_layer(network, 0, &first, NULL) == MF_STATUS_OK &&
        largest_row(first) > VALUES / ROWS)
        return;
    any_batch(m);
    switch (pick(m, 8)) {
    case 0:
        call(LEARN, mf_network_evaluate(network, workspace, rows, values, labels));
        break;
    case 1:
        call(USE | S(STATE),
             mf_network_predict(network, workspace, any_constant(m, 1), rows, values, answers));
        break;
    case 2:
        call(LEARN | S(NOT_FOUND),
             mf_network_step_layer(network, workspace, pick(m, 3), rows, values, labels));
        break;
    case 3:
        call(S(HANDLE) | S(ARGUMENT) | S(NOT_FOUND), mf_workspace_report(workspace, pick(m, 3), &report));
        break;
    default:
        call(LEARN, mf_network_step(network, workspace, rows, values, labels));
    }
}

/* ---- pipelines: the works are empty whenever another function is called ---- */

static void create_pipeline(machine *m)
{
    size_t which = pick(m, EACH);
    mf_pipeline_spec spec;

    free_pipeline(m, which);
    require(mf_pipeline_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.network = NETWORK;
    spec.workers = (uint32_t)rarely(m, 60);
    spec.max_batch = rarely(m, 10) ? SIZE_MAX : ROWS;
    spec.depth = rarely(m, 10) ? SIZE_MAX / 3 : pick(m, 3);
    spec.allocator = &m->allocator;
    create(S(HANDLE) | S(ARGUMENT) | S(STATE) | S(SHAPE) | S(OVERFLOW) | S(MEMORY),
           mf_pipeline_create(&spec, &m->pipelines[which]), m->pipelines[which]);
}

static void use_pipeline(machine *m)
{
    mf_pipeline *pipeline = PIPELINE;
    mf_pipeline_report report = {.struct_size = any_struct_size(m, sizeof report)};
    mf_pipeline_progress_info progress = {.struct_size = any_struct_size(m, sizeof progress)};

    any_batch(m);
    switch (pick(m, 8)) {
    case 0:
        call(S(HANDLE), mf_pipeline_stop(pipeline));
        break;
    case 1:
        call(S(HANDLE) | S(ARGUMENT) | S(BUSY) | S(NOT_FOUND), mf_pipeline_poll(pipeline, &report));
        break;
    case 2:
        call(S(HANDLE) | S(ARGUMENT), mf_pipeline_progress(pipeline, &progress));
        break;
    case 3:
        call(LEARN, mf_pipeline_evaluate(pipeline, WORKSPACE, 1 + pick(m, ROWS), values, labels));
        break;
    default:
        call(LEARN | S(BUSY), pick(m, 2) ? mf_pipeline_submit(pipeline, any_rows(m), values, labels)
                                         : mf_pipeline_try_submit(pipeline, any_rows(m), values, labels));
        call(S(HANDLE) | S(NUMERIC) | S(STATE), mf_pipeline_flush(pipeline));
    }
}

/* ---- all of it ---- */

static void (*const steps[])(machine *m) = {
    build_block,
    build_block,
    build_block,
    create_builder,
    builder_from_spec,
    add_unit,
    add_unit,
    add_unit,
    add_unit,
    add_block,
    add_block,
    set_head,
    build,
    build,
    ask_builder,
    ask_layer,
    ask_parameters,
    change_layer,
    change_layer,
    create_layer,
    create_network,
    edit_network,
    edit_network,
    edit_network,
    create_optimizer,
    save_and_load,
    snapshot,
    describe,
    create_workspace,
    create_workspace,
    use_layer,
    use_layer,
    use_layer,
    use_network,
    use_network,
    use_network,
    create_pipeline,
    use_pipeline,
    use_pipeline,
    free_one,
};

void machine_run(const uint8_t *data, size_t size)
{
    static machine m;

    m = (machine){.data = data, .size = size};
    m.allocator = (mf_allocator){.alloc = take, .free = give_back, .user = &m.memory};
    for (size_t i = 0; i < VALUES; i++)
        values[i] = (float)(i % 7) / 4.0f - 0.75f;
    create_network(&m);
    create_optimizer(&m);
    build_block(&m);
    while (m.size > 0) {
        size_t which = pick(&m, COUNT_OF(steps));

        if (rarely(&m, 16))
            m.memory.fail_in = 1 + pick(&m, 8);
        steps[which](&m);
        m.memory.fail_in = 0;
    }
    free_all(&m);
}
