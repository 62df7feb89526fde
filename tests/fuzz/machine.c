/* A host that calls functions in an order that bytes decide: what no test has thought of.
 * SPDX-License-Identifier: MIT */
#include "machine.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monoforward.h"

#define require(what) ((what) ? (void)0 : complain(#what, __LINE__))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

unsigned long machine_calls, machine_successes;
void (*machine_tell)(const char *call, int32_t status);

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

enum { EACH = 3, ROWS = 4, TOKENS = 5, VALUES = 1 << 15 };

typedef struct machine {
    const uint8_t *data;
    size_t size, at; /* at: the place of most handles for a while */
    heap memory;
    mf_allocator allocator;
    mf_builder *builders[EACH];
    mf_layer *layers[EACH];
    mf_network *networks[EACH];
    mf_workspace *workspaces[EACH];
    mf_pipeline *pipelines[EACH];
    mf_optimizer *optimizers[EACH];
    mf_matrix *matrices[EACH];
    mf_pool *pools[EACH];
    mf_pipeline *called; /* that the callback is of; NULL once it has freed it */
    size_t edits[EACH];  /* of the networks, each of which makes older workspaces STALE */
    const mf_network *made_for[EACH];
    size_t made_at[EACH]; /* edits when the workspaces were made */
} machine;

static float values[VALUES], whole[VALUES], results[VALUES], chances[VALUES];
static int32_t tokens[VALUES], labels[VALUES], answers[VALUES];

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

/* Handles of one place belong together, so most calls take them from the same. */
static size_t place(machine *m)
{
    return rarely(m, 24) ? pick(m, EACH) : m->at;
}

#define S(name) (1u << MF_STATUS_##name)

/* The message of the last call, those of callbacks among them. */
static char told[1024];

/* What is asked beside the calls that are looked at. */
static int works(mf_status status)
{
    snprintf(told, sizeof told, "%s", mf_last_message());
    return status == MF_STATUS_OK;
}

/* One of the statuses that `allowed` has, or success; a failure has a message, and success leaves that of the
 * failure before. */
static mf_status check(machine *m, unsigned allowed, mf_status status, const char *call)
{
    machine_calls++;
    machine_successes += status == MF_STATUS_OK;
    m->memory.fail_in = 0;
    if (machine_tell != NULL)
        machine_tell(call, status);
    if (status == MF_STATUS_OK && strcmp(told, mf_last_message()) != 0) {
        fprintf(stderr, "%s succeeds and says: %s\n", call, mf_last_message());
        abort();
    }
    snprintf(told, sizeof told, "%s", mf_last_message());
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
    void *const others[] = {NULL,
                            m->builders[0],
                            m->layers[0],
                            m->networks[0],
                            m->workspaces[0],
                            m->optimizers[0],
                            m->pipelines[0],
                            m->matrices[0],
                            m->pools[0]};

    return rarely(m, 40) ? others[pick(m, COUNT_OF(others))] : right;
}

#define BUILDER handle(m, m->builders[place(m)])
#define LAYER handle(m, m->layers[place(m)])
#define NETWORK handle(m, m->networks[place(m)])
#define WORKSPACE handle(m, m->workspaces[place(m)])
#define PIPELINE handle(m, m->pipelines[place(m)])
#define OPTIMIZER handle(m, m->optimizers[place(m)])
#define MATRIX handle(m, m->matrices[place(m)])
#define POOL handle(m, m->pools[place(m)])

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
RELEASE(matrix, matrices)
RELEASE(pool, pools)

static void free_one(machine *m)
{
    void (*const how[])(machine *, size_t) = {free_builder,  free_layer,     free_network, free_workspace,
                                              free_pipeline, free_optimizer, free_matrix,  free_pool};

    how[pick(m, COUNT_OF(how))](m, pick(m, EACH));
}

static void free_all(machine *m)
{
    for (size_t i = 0; i < EACH; i++) {
        free_matrix(m, i);
        free_pool(m, i);
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
    size_t which = place(m);
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
    size_t which = place(m);
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
    head.sampling = pick(m, 3) ? MF_SAMPLING_NONE : any_constant(m, MF_SAMPLING_COUNTS);
    head.candidates = head.sampling == MF_SAMPLING_NONE ? (size_t)rarely(m, 24) : any_size(m);
    head.label_smoothing = head.sampling == MF_SAMPLING_NONE ? any_float(m, 0.1f) : 0.0f;
    head.similarity = pick(m, 4) ? 0.0f : any_float(m, 0.5f);
    head.shared = pick(m, 4) ? NULL : MATRIX;
    head.output_node = rarely(m, 8) ? (int32_t)pick(m, 12) - 2 : MF_NODE_PREVIOUS;
    head.input_node = rarely(m, 8) ? (int32_t)pick(m, 12) - 2 : MF_NODE_PREVIOUS;
    head.struct_size = any_struct_size(m, sizeof head);
    call(FAILED, mf_builder_head(BUILDER, rarely(m, 60) ? NULL : &head));
}

static void build(machine *m)
{
    size_t which = place(m);

    free_layer(m, which);
    create(FAILED, mf_layer_build(BUILDER, &m->layers[which]), m->layers[which]);
}

static void create_layer(machine *m)
{
    size_t which = place(m);
    mf_layer_spec spec = any_layer(m);

    free_layer(m, which);
    create(S(ARGUMENT) | S(SHAPE) | S(OVERFLOW) | S(MEMORY), mf_layer_create(&spec, &m->layers[which]),
           m->layers[which]);
}

/* ---- whole layers at once, so that there is often something to use ---- */

static bool begin_layer(machine *m, size_t which, const mf_shape *input)
{
    mf_builder_spec spec;

    free_builder(m, which);
    free_layer(m, which);
    require(mf_builder_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.input = input;
    spec.allocator = &m->allocator;
    spec.dropout = pick(m, 2) ? 0.0f : 0.5f;
    return call(S(MEMORY), mf_builder_create(&spec, &m->builders[which])) == MF_STATUS_OK;
}

/* A head with what heads may have: candidates, a map for similarity, few values to read, perhaps by way of
 * a matrix, an auxiliary head beside it. */
static void end_layer(machine *m, size_t which, bool similarity, int32_t kind, size_t pool_size)
{
    mf_builder *builder = m->builders[which];
    mf_matrix *matrix = m->matrices[place(m)];
    size_t columns = 0;
    mf_head_spec head;
    mf_unit_spec unit;

    require(mf_head_spec_init(&head, sizeof head) == MF_STATUS_OK);
    require(mf_unit_spec_init(&unit, sizeof unit) == MF_STATUS_OK);
    head.classes = 2;
    head.kind = kind;
    head.pool_size = pool_size;
    head.sampling = pick(m, 3) ? MF_SAMPLING_NONE : 1 + (int32_t)pick(m, MF_SAMPLING_COUNTS);
    head.candidates = head.sampling == MF_SAMPLING_NONE ? 0 : 1 + pick(m, 2);
    unit.outputs = 2 + pick(m, 3);
    unit.bias = 0;
    if (similarity) {
        head.similarity = 0.5f;
        call(FAILED, mf_builder_unit(builder, &unit, NULL));
    } else if (pick(m, 2)) {
        head.pool_size = 0;
        head.shared = pick(m, 2) ? matrix : NULL;
        if (head.shared != NULL && works(mf_matrix_size(matrix, NULL, &columns)))
            unit.outputs = columns + pick(m, 2);
        if (call(FAILED, mf_builder_unit(builder, &unit, &head.output_node)) == MF_STATUS_OK)
            head.output_node--; /* the unit is the head's */
    }
    if (!similarity && pick(m, 4) == 0) {
        unit.outputs = head.classes;
        unit.loss_weight = 0.5f;
        if (call(FAILED, mf_builder_unit(builder, &unit, &head.input_node)) == MF_STATUS_OK)
            head.input_node--;
    }
    call(FAILED, mf_builder_head(builder, &head));
    create(FAILED, mf_layer_build(builder, &m->layers[which]), m->layers[which]);
}

/* A block on maps or rows. */
static void build_block(machine *m)
{
    size_t which = place(m), channels = 2 + pick(m, 2), units = 1 + pick(m, 6);
    mf_shape shape = {.struct_size = sizeof shape, .rank = 3, .dims = {channels, 3, 2, 1}};

    if (!begin_layer(m, which, &shape))
        return;
    for (size_t i = 0; i < units; i++) {
        mf_unit_spec unit;

        require(mf_unit_spec_init(&unit, sizeof unit) == MF_STATUS_OK);
        unit.kind = 1 + (int32_t)pick(m, MF_UNIT_ADD);
        unit.outputs = channels;
        unit.bias = (int32_t)pick(m, 2);
        unit.padding[0] = unit.padding[1] = unit.kind == MF_UNIT_CONV2D;
        unit.kernel[0] = unit.kernel[1] = unit.kind == MF_UNIT_POOL;
        unit.groups = pick(m, 2) ? 0 : channels;
        unit.dropout = 0.25f;
        unit.activation = (int32_t)pick(m, MF_ACTIVATION_SILU + 1);
        if (unit.kind == MF_UNIT_ADD)
            unit.inputs[1] = (int32_t)pick(m, i + 1);
        call(FAILED, mf_builder_unit(m->builders[which], &unit, NULL));
    }
    end_layer(m, which, pick(m, 4) == 0, MF_HEAD_LINEAR, pick(m, 2));
}

static void add_to_sequence(machine *m, mf_builder *builder, int32_t kind, size_t outputs)
{
    mf_unit_spec unit;

    require(mf_unit_spec_init(&unit, sizeof unit) == MF_STATUS_OK);
    unit.kind = kind;
    unit.outputs = outputs;
    unit.vocabulary = TOKENS;
    unit.heads = 1 + pick(m, 2);
    unit.causal = (int32_t)pick(m, 2);
    call(FAILED, mf_builder_unit(builder, &unit, NULL));
}

/* Three positions of four values, or three tokens that become that. */
static void build_sequence(machine *m)
{
    enum { POSITIONS = 3, WIDTH = 4 };
    size_t which = place(m), parts = 1 + pick(m, 3);
    mf_shape shape = {.struct_size = sizeof shape, .rank = 2, .dims = {POSITIONS, WIDTH, 1, 1}};
    mf_block_spec block;

    if (pick(m, 2))
        shape.rank = 1, shape.dims[1] = 1;
    if (!begin_layer(m, which, &shape))
        return;
    if (shape.rank == 1)
        add_to_sequence(m, m->builders[which], MF_UNIT_EMBEDDING, WIDTH);
    for (size_t i = 0; i < parts; i++)
        switch (pick(m, 5)) {
        case 0:
            add_to_sequence(m, m->builders[which], MF_UNIT_POSITIONS, 0);
            break;
        case 1:
            add_to_sequence(m, m->builders[which], MF_UNIT_LAYER_NORM, 0);
            break;
        case 2:
            add_to_sequence(m, m->builders[which], MF_UNIT_DENSE, 3 * WIDTH);
            add_to_sequence(m, m->builders[which], MF_UNIT_ATTENTION, 0);
            break;
        default:
            require(mf_block_spec_init(&block, sizeof block) == MF_STATUS_OK);
            block.kind = MF_BLOCK_MIXER + (int32_t)pick(m, 2);
            block.causal = (int32_t)pick(m, 2);
            call(FAILED, mf_builder_block(m->builders[which], &block, NULL));
        }
    end_layer(m, which, false, pick(m, 3) ? MF_HEAD_POSITIONS : MF_HEAD_LINEAR, 0);
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

static void ask_memory(machine *m)
{
    mf_layer_spec one = any_layer(m), other = any_layer(m);
    const mf_layer_spec *const list[] = {&one, &other};
    mf_memory memory = {.struct_size = any_struct_size(m, sizeof memory)};
    mf_memory_spec spec;

    call(S(ARGUMENT) | S(SHAPE) | S(OVERFLOW), mf_layer_spec_follow(&other, &one));
    call(S(ARGUMENT) | S(SHAPE) | S(OVERFLOW) | S(STATE),
         mf_network_memory(list, pick(m, 3), NULL, any_constant(m, 3), any_size(m), &memory));
    require(mf_memory_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.layers = rarely(m, 20) ? NULL : list;
    spec.count = 1;
    spec.purpose = any_constant(m, 3);
    spec.max_batch = any_size(m);
    spec.threads = any_size(m);
    call(S(ARGUMENT) | S(SHAPE) | S(OVERFLOW) | S(STATE), mf_memory_query(&spec, &memory));
}

/* ---- matrices ---- */

/* Of two rows, which is how many classes most heads have, or of a layer's parameter. */
static void create_matrix(machine *m)
{
    size_t which = place(m);
    mf_matrix_spec spec;

    free_matrix(m, which);
    if (pick(m, 3) == 0) {
        const char *name = pick(m, 2) ? "head.projection" : "units.1.weight";
        create(S(HANDLE) | S(NOT_FOUND) | S(SHAPE) | S(NUMERIC) | S(MEMORY),
               mf_matrix_from_parameter(LAYER, name, &m->allocator, &m->matrices[which]), m->matrices[which]);
        return;
    }
    require(mf_matrix_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.rows = rarely(m, 8) ? any_size(m) : 2;
    spec.columns = any_size(m);
    spec.values = rarely(m, 60) ? NULL : values;
    spec.allocator = &m->allocator;
    if (spec.columns > 0 && spec.rows > VALUES / spec.columns && spec.rows <= LARGEST / spec.columns)
        return; /* there is memory for it, but there are not so many values */
    spec.struct_size = any_struct_size(m, sizeof spec);
    create(S(ARGUMENT) | S(NUMERIC) | S(OVERFLOW) | S(MEMORY), mf_matrix_create(&spec, &m->matrices[which]),
           m->matrices[which]);
}

static void ask_matrix(machine *m)
{
    mf_matrix *matrix = MATRIX;
    size_t rows = 0, columns = 0;

    if (call(S(HANDLE), mf_matrix_size(matrix, &rows, &columns)) == MF_STATUS_OK && rows * columns < VALUES)
        call(S(SHAPE), mf_matrix_values(matrix, results, rows * columns + (size_t)rarely(m, 10)));
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
        call(S(HANDLE) | S(ARGUMENT) | S(STATE) | S(OVERFLOW) | S(MEMORY),
             mf_layer_set_classes(LAYER, any_size(m)));
}

static void create_optimizer(machine *m)
{
    size_t which = place(m);
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

static void change_optimizer(machine *m)
{
    int32_t key = any_constant(m, MF_OPTIMIZER_CHECKED);
    mf_optimizer *optimizer = NULL;
    double value = 0, lowest = 0, highest = 0;

    call(S(HANDLE) | S(ARGUMENT) | S(STATE),
         mf_optimizer_set(OPTIMIZER, key, (double)any_float(m, pick(m, 2) ? 0.125f : 1.0f)));
    if (call(S(ARGUMENT), mf_optimizer_range(key, &lowest, &highest)) == MF_STATUS_OK &&
        call(S(HANDLE), mf_optimizer_get(OPTIMIZER, key, &value)) == MF_STATUS_OK)
        require(value >= lowest && value <= highest);
    call(S(HANDLE), mf_layer_optimizer(LAYER, &optimizer));
}

/* ---- networks ---- */

static void create_network(machine *m)
{
    size_t which = place(m);
    mf_network_spec spec;

    free_network(m, which);
    require(mf_network_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.allocator = &m->allocator;
    create(S(MEMORY), mf_network_create(&spec, &m->networks[which]), m->networks[which]);
}

/* Layers have come or gone, or inputs are scaled otherwise, if the call was a success. */
static void edited(machine *m, const mf_network *network, mf_status status)
{
    for (size_t i = 0; i < EACH; i++)
        m->edits[i] += status == MF_STATUS_OK && m->networks[i] == network;
}

static void edit_network(machine *m)
{
    const unsigned misfit = S(HANDLE) | S(SHAPE) | S(ARGUMENT) | S(MEMORY);
    mf_network *network = NETWORK;
    uint64_t id = 0;
    size_t position = 0;

    switch (pick(m, 8)) {
    case 0:
        edited(m, network, call(misfit | S(NOT_FOUND), mf_network_insert(network, pick(m, 4), LAYER, &id)));
        break;
    case 1:
        call(S(HANDLE) | S(NOT_FOUND), mf_network_position(network, 1 + pick(m, 6), &position));
        edited(m, network,
               call(S(HANDLE) | S(NOT_FOUND) | S(SHAPE), mf_network_remove(network, 1 + pick(m, 6))));
        break;
    case 2:
        edited(m, network, call(misfit | S(NOT_FOUND), mf_network_replace(network, 1 + pick(m, 6), LAYER)));
        break;
    case 3:
        call(S(HANDLE) | S(ARGUMENT) | S(STATE) | S(OVERFLOW) | S(MEMORY),
             mf_network_set_classes(network, any_size(m)));
        break;
    case 4:
    case 5:
        call(S(HANDLE) | S(OVERFLOW) | S(MEMORY), mf_network_set_optimizer(network, OPTIMIZER));
        break;
    default:
        edited(m, network, call(misfit, mf_network_append(network, LAYER, pick(m, 2) ? &id : NULL)));
    }
}

/* Numbers, texts, and parameters that go from one network to another. */
static void exchange(machine *m)
{
    static const char *const names[] = {"name", "classes", "", "format", "\xff", "of two\nlines"};
    const char *name = names[rarely(m, 8) ? pick(m, COUNT_OF(names)) : pick(m, 2)], *text = NULL;
    const unsigned misfit = S(HANDLE) | S(SHAPE) | S(NUMERIC);
    mf_network *network = NETWORK;
    size_t count = 0;

    switch (pick(m, 7)) {
    case 0:
        call(misfit | S(ARGUMENT), mf_network_copy_parameters(network, NETWORK));
        break;
    case 1:
        call(misfit | S(ARGUMENT), mf_network_blend_parameters(network, NETWORK, any_float(m, 0.5f)));
        break;
    case 2:
        edited(m, network,
               call(misfit | S(OVERFLOW) | S(MEMORY),
                    mf_network_set_input_scaling(network, values, values + 5, pick(m, 7))));
        break;
    case 3:
        call(S(HANDLE) | S(CAPACITY),
             mf_network_input_scaling(network, results, chances, pick(m, 7), &count));
        break;
    case 4:
        call(S(HANDLE) | S(ARGUMENT) | S(MEMORY), mf_network_metadata_set(network, name, names[pick(m, 2)]));
        break;
    case 5:
        call(S(HANDLE) | S(ARGUMENT) | S(NOT_FOUND), pick(m, 2)
                                                         ? mf_network_metadata_get(network, name, &text)
                                                         : mf_network_metadata_remove(network, name));
        break;
    default:
        if (call(S(HANDLE), mf_network_metadata_count(network, &count)) == MF_STATUS_OK)
            require(works(mf_network_metadata_at(network, pick(m, 3), &name, &text)) == (text != NULL));
    }
}

static void clone_network(machine *m)
{
    size_t which = place(m);
    mf_network *clone = NULL;

    create(S(HANDLE) | S(ARGUMENT) | S(SHAPE) | S(NUMERIC) | S(OVERFLOW) | S(MEMORY),
           mf_network_clone(NETWORK, any_constant(m, MF_CONTENTS_TRAINING), &m->allocator, &clone), clone);
    if (clone != NULL) {
        free_network(m, which);
        m->networks[which] = clone;
    }
}

/* Takes so many bytes and no more. */
static int32_t take_bytes(void *user, const void *bytes, size_t count)
{
    size_t *room = user;

    require(bytes != NULL && count > 0);
    if (count > *room)
        return 1;
    *room -= count;
    return 0;
}

/* A network that is loaded takes the place of another. */
static void save_and_load(machine *m)
{
    const unsigned wrong = S(HANDLE) | S(ARGUMENT) | S(SHAPE) | S(NUMERIC) | S(CAPACITY);
    mf_network *network = NETWORK, *loaded = NULL;
    int32_t contents = (int32_t)pick(m, 2);
    size_t bytes = 0, which = place(m);
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
    size_t needed = 0, size = pick(m, 250) * 4, bytes = 0, room = pick(m, 200) * 200;
    mf_output output;

    memset(text, 'x', sizeof text);
    if (call(S(HANDLE) | S(ARGUMENT) | S(OVERFLOW) | S(SHAPE) | S(CAPACITY),
             mf_network_summary(network, any_size(m), size ? text : NULL, size, &needed)) == MF_STATUS_OK)
        require(needed <= size && strlen(text) + 1 == needed);
    require(text[size] == 'x');
    if (call(wrong, mf_network_export_onnx_size(network, &bytes)) == MF_STATUS_OK && bytes <= sizeof results)
        call(wrong, mf_network_export_onnx_buffer(network, results, bytes, NULL));
    require(mf_output_init(&output, sizeof output) == MF_STATUS_OK);
    output.write = take_bytes;
    output.user = &room;
    call(wrong | S(IO), pick(m, 2) ? mf_network_save_to(network, (int32_t)pick(m, 2), &output)
                                   : mf_network_export_onnx_to(network, &output));
}

/* ---- training and prediction ---- */

/* One thread is the caller's. More would decide what comes first. */
static void create_pool(machine *m)
{
    static const uint32_t wrong[] = {1025, UINT32_MAX};
    size_t which = place(m);
    mf_pool_spec spec;
    uint32_t threads = 0;

    free_pool(m, which);
    require(mf_pool_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.threads = rarely(m, 16) ? wrong[pick(m, COUNT_OF(wrong))] : 1;
    spec.allocator = &m->allocator;
    spec.struct_size = any_struct_size(m, sizeof spec);
    create(S(ARGUMENT) | S(MEMORY), mf_pool_create(&spec, &m->pools[which]), m->pools[which]);
    if (call(S(HANDLE), mf_pool_threads(POOL, &threads)) == MF_STATUS_OK)
        require(threads == 1);
}

static void create_workspace(machine *m)
{
    static const size_t batches[] = {0, SIZE_MAX, (size_t)1 << 60};
    size_t which = place(m);
    mf_workspace_spec spec;

    free_workspace(m, which);
    require(mf_workspace_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    if (pick(m, 4))
        spec.network = NETWORK;
    else
        spec.layer = LAYER;
    spec.purpose = any_constant(m, 5) == 1;
    if (pick(m, 2))
        spec.purpose += MF_WORKSPACE_CONVERT;
    spec.max_batch = rarely(m, 16) ? batches[pick(m, COUNT_OF(batches))] : ROWS - pick(m, 4) / 2;
    spec.pool = pick(m, 4) ? NULL : POOL;
    spec.allocator = &m->allocator;
    create(S(HANDLE) | S(ARGUMENT) | S(STATE) | S(SHAPE) | S(OVERFLOW) | S(MEMORY),
           mf_workspace_create(&spec, &m->workspaces[which]), m->workspaces[which]);
    m->made_for[which] = spec.network;
    for (size_t i = 0; i < EACH; i++)
        if (spec.network == m->networks[i])
            m->made_at[which] = m->edits[i];
}

/* No call is a success in a workspace that was made before the network's last edit. */
static void require_fresh(const machine *m, const mf_network *network, const mf_workspace *workspace,
                          mf_status status)
{
    for (size_t n = 0; n < EACH; n++)
        for (size_t w = 0; w < EACH; w++)
            if (status == MF_STATUS_OK && m->networks[n] == network && m->workspaces[w] == workspace &&
                m->made_for[w] == network)
                require(m->made_at[w] == m->edits[n]);
}

/* Rows that a workspace may have been made for, or so many that none was. */
static size_t any_rows(machine *m)
{
    return rarely(m, 20) ? (size_t)1 << 40 : rarely(m, 20) ? 0 : 1 + pick(m, ROWS);
}

/* Numbers, or whole ones that are tokens. */
static const float *any_inputs(machine *m)
{
    for (size_t i = 0; i < 2 * ROWS; i++)
        labels[i] = rarely(m, 40) ? any_constant(m, 9) : (int32_t)pick(m, 2);
    labels[pick(m, 2 * ROWS)] = rarely(m, 10) ? MF_LABEL_IGNORED : 0;
    values[7] = any_float(m, 0.5f);
    return pick(m, 3) ? values : whole;
}

/* The same numbers as another type are other numbers, some of them NaN. */
static mf_batch any_batch(machine *m)
{
    mf_batch batch;

    require(mf_batch_init(&batch, sizeof batch) == MF_STATUS_OK);
    batch.rows = any_rows(m);
    batch.inputs = any_inputs(m);
    batch.targets = labels;
    batch.sample_weights = rarely(m, 8) ? whole : NULL;
    batch.input_type = pick(m, 2) ? MF_TYPE_FLOAT32 : any_constant(m, MF_TYPE_BF16);
    if (batch.input_type == MF_TYPE_INT32 && pick(m, 4))
        batch.inputs = tokens;
    if (rarely(m, 4))
        batch.input_scale = any_float(m, 0.5f);
    if (rarely(m, 4))
        batch.input_shift = any_float(m, -1.0f);
    return batch;
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

    if (!works(mf_layer_describe(layer, &spec)))
        return 0;
    require(mf_layer_goodness_shape(layer, &goodness) == MF_STATUS_OK);
    largest = spec.inputs > spec.outputs ? spec.inputs : spec.outputs;
    return largest > goodness.dims[0] * goodness.dims[1] ? largest : goodness.dims[0] * goodness.dims[1];
}

/* The same of all layers of a network. */
static size_t largest_row_of_network(mf_network *network)
{
    size_t count = 0, largest = 0;
    mf_layer *layer = NULL;

    if (network == NULL || !works(mf_network_size(network, &count)))
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t row;

        require(mf_network_layer(network, i, &layer, NULL) == MF_STATUS_OK);
        row = largest_row(layer);
        largest = row > largest ? row : largest;
    }
    return largest;
}

static void use_gradients(machine *m, mf_layer *layer, mf_workspace *workspace, const mf_batch *batch)
{
    size_t count = 0, parameters = 0;

    if (layer == NULL || !works(mf_layer_parameter_count(layer, &parameters)))
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
    mf_batch batch = any_batch(m);
    const float *x = any_inputs(m);

    if (largest_row(layer) > VALUES / ROWS)
        return;
    switch (pick(m, 8)) {
    case 0:
        call(USE, mf_layer_forward(layer, workspace, batch.rows, x, results));
        break;
    case 1:
        call(USE, mf_layer_goodness(layer, workspace, batch.rows, x, results));
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
    case 5:
        call(USE | TYPED, mf_layer_pass_batch(layer, workspace, &batch, results));
        break;
    default:
        call(LEARN, mf_layer_step(layer, workspace, batch.rows, x, labels, pick(m, 2) ? results : NULL));
    }
}

static void use_network(machine *m)
{
    mf_network *network = NETWORK;
    mf_workspace *workspace = WORKSPACE;
    size_t rows = any_rows(m);
    const float *x = any_inputs(m);
    mf_report report = {.struct_size = any_struct_size(m, sizeof report)};
    mf_status status = MF_STATUS_ARGUMENT;

    if (largest_row_of_network(network) > VALUES / ROWS)
        return;
    switch (pick(m, 10)) {
    case 0:
        status = call(LEARN, mf_network_evaluate(network, workspace, rows, x, labels));
        break;
    case 1:
        status = call(USE | S(STATE),
                      mf_network_predict(network, workspace, any_constant(m, 1), rows, x, answers));
        break;
    case 2:
        status = call(LEARN | S(NOT_FOUND),
                      mf_network_step_layer(network, workspace, pick(m, 3), rows, x, labels));
        break;
    case 3:
        call(S(HANDLE) | S(ARGUMENT) | S(NOT_FOUND), mf_workspace_report(workspace, pick(m, 3), &report));
        call(S(HANDLE) | S(ARGUMENT), mf_workspace_report_sum(workspace, &report));
        break;
    case 4:
        status = call(USE | S(STATE),
                      mf_network_goodness(network, workspace, any_constant(m, 1), rows, x, results));
        break;
    case 5:
        status = call(USE | S(STATE),
                      mf_network_probabilities(network, workspace, any_constant(m, 1), rows, x, results));
        break;
    default:
        status = call(LEARN, mf_network_step(network, workspace, rows, x, labels));
    }
    require_fresh(m, network, workspace, status);
}

static void use_network_batch(machine *m)
{
    mf_network *network = NETWORK;
    mf_workspace *workspace = WORKSPACE;
    mf_batch batch = any_batch(m);
    int32_t mode = any_constant(m, MF_PREDICT_SUM);
    mf_status status;

    if (largest_row_of_network(network) > VALUES / ROWS)
        return;
    switch (pick(m, 6)) {
    case 0:
        status = call(LEARN | TYPED, mf_network_evaluate_batch(network, workspace, &batch));
        break;
    case 1:
        status = call(LEARN | TYPED | S(NOT_FOUND),
                      mf_network_step_layer_batch(network, workspace, pick(m, 3), &batch));
        break;
    case 2:
        status =
            call(USE | TYPED, mf_network_infer(network, workspace, mode, &batch, pick(m, 3) ? answers : NULL,
                                               pick(m, 3) ? results : NULL, pick(m, 3) ? chances : NULL));
        break;
    case 3:
        status = call(USE | TYPED, mf_network_top(network, workspace, mode, &batch,
                                                  rarely(m, 8) ? any_size(m) : 1 + pick(m, 2), answers,
                                                  results, pick(m, 3) ? chances : NULL));
        break;
    default:
        status = call(LEARN | TYPED, mf_network_step_batch(network, workspace, &batch));
    }
    require_fresh(m, network, workspace, status);
}

/* A network of one layer or two with all that a step needs, more often than not. */
static void prepare(machine *m)
{
    size_t layers = 1 + pick(m, 2);

    create_optimizer(m);
    create_network(m);
    for (size_t i = 0; i < layers; i++) {
        (pick(m, 2) ? build_block : build_sequence)(m);
        mf_network *network = NETWORK;
        edited(m, network,
               call(S(HANDLE) | S(SHAPE) | S(ARGUMENT) | S(MEMORY), mf_network_append(network, LAYER, NULL)));
    }
    call(S(HANDLE) | S(OVERFLOW) | S(MEMORY), mf_network_set_optimizer(NETWORK, OPTIMIZER));
    create_workspace(m);
}

/* ---- pipelines: the works are empty whenever another function is called ---- */

/* Its own pipeline refuses to be called in it, but may be stopped and freed. */
static int32_t hear(void *user, const mf_pipeline_report *report)
{
    machine *m = user;
    mf_pipeline_report another = {.struct_size = sizeof another};

    require(m->called != NULL && report->struct_size == sizeof *report && isfinite(report->loss));
    switch (pick(m, 16)) {
    case 1:
        require(call(S(STATE), mf_pipeline_flush(m->called)) == MF_STATUS_STATE);
        return 0;
    case 2:
        require(call(S(STATE), mf_pipeline_poll(m->called, &another)) == MF_STATUS_STATE);
        return 0;
    case 3:
        for (size_t i = 0; i < EACH; i++)
            if (m->pipelines[i] == m->called)
                m->pipelines[i] = NULL;
        mf_pipeline_free(m->called);
        require(call(S(STATE), mf_pipeline_stop(m->called)) == MF_STATUS_STATE); /* it is there until then */
        m->called = NULL;
        return (int32_t)pick(m, 2);
    default:
        return rarely(m, 16);
    }
}

static void create_pipeline(machine *m)
{
    size_t which = place(m);
    mf_pipeline_spec spec;

    free_pipeline(m, which);
    require(mf_pipeline_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.network = NETWORK;
    if (largest_row_of_network(spec.network) > VALUES / ROWS)
        return;
    spec.workers = (uint32_t)rarely(m, 60);
    spec.max_batch = rarely(m, 10) ? SIZE_MAX : ROWS;
    spec.depth = rarely(m, 10) ? SIZE_MAX / 3 : pick(m, 3);
    if (pick(m, 2) == 1) {
        spec.on_report = hear;
        spec.user = m;
        spec.workers = 0;
    }
    spec.allocator = &m->allocator;
    create(S(HANDLE) | S(ARGUMENT) | S(STATE) | S(SHAPE) | S(OVERFLOW) | S(MEMORY),
           mf_pipeline_create(&spec, &m->pipelines[which]), m->pipelines[which]);
}

/* Unless the callback has freed it. */
static void flush(machine *m)
{
    if (m->called != NULL)
        call(S(HANDLE) | S(NUMERIC) | S(STATE), mf_pipeline_flush(m->called));
}

static void use_pipeline(machine *m)
{
    mf_pipeline_report report = {.struct_size = any_struct_size(m, sizeof report)};
    mf_pipeline_progress_info progress = {.struct_size = any_struct_size(m, sizeof progress)};
    mf_pipeline *pipeline;
    mf_batch batch = any_batch(m);
    const float *x = any_inputs(m);
    int32_t mode = any_constant(m, MF_PREDICT_SUM);

    if (m->pipelines[m->at] == NULL)
        create_pipeline(m);
    pipeline = m->called = PIPELINE;
    switch (pick(m, 12)) {
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
        call(LEARN, mf_pipeline_evaluate(pipeline, WORKSPACE, batch.rows, x, labels));
        break;
    case 4:
        call(LEARN | TYPED, mf_pipeline_evaluate_batch(pipeline, WORKSPACE, &batch));
        break;
    case 5:
        call(LEARN, mf_pipeline_predict(pipeline, WORKSPACE, mode, batch.rows, x, answers));
        break;
    case 6:
        call(LEARN | TYPED, mf_pipeline_infer(pipeline, WORKSPACE, mode, &batch, answers, results, chances));
        break;
    case 7:
    case 8:
        call(LEARN | TYPED | S(BUSY), pick(m, 2) ? mf_pipeline_submit_batch(pipeline, &batch)
                                                 : mf_pipeline_try_submit_batch(pipeline, &batch));
        flush(m);
        break;
    default:
        call(LEARN | S(BUSY), pick(m, 2) ? mf_pipeline_submit(pipeline, batch.rows, x, labels)
                                         : mf_pipeline_try_submit(pipeline, batch.rows, x, labels));
        flush(m);
    }
}

/* ---- all of it ---- */

static void (*const steps[])(machine *m) = {
    prepare,
    prepare,
    build_block,
    build_sequence,
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
    ask_memory,
    create_matrix,
    create_matrix,
    ask_matrix,
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
    change_optimizer,
    exchange,
    clone_network,
    save_and_load,
    snapshot,
    describe,
    create_pool,
    create_workspace,
    create_workspace,
    use_layer,
    use_layer,
    use_layer,
    use_network,
    use_network,
    use_network,
    use_network,
    use_network,
    use_network_batch,
    use_network_batch,
    use_network_batch,
    use_network_batch,
    use_network_batch,
    create_pipeline,
    create_pipeline,
    use_pipeline,
    use_pipeline,
    use_pipeline,
    use_pipeline,
    free_one,
};

void machine_run(const uint8_t *data, size_t size)
{
    static machine m;

    m = (machine){.data = data, .size = size};
    m.allocator = (mf_allocator){.alloc = take, .free = give_back, .user = &m.memory};
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = (float)(i % 7) / 4.0f - 0.75f;
        tokens[i] = (int32_t)(i % TOKENS);
        whole[i] = (float)tokens[i];
    }
    create_matrix(&m);
    prepare(&m);
    while (m.size > 0) {
        size_t which = pick(&m, COUNT_OF(steps));

        if (rarely(&m, 8))
            m.at = pick(&m, EACH);
        if (m.networks[m.at] == NULL || m.workspaces[m.at] == NULL)
            prepare(&m);
        if (rarely(&m, 16))
            m.memory.fail_in = 1 + pick(&m, 8);
        steps[which](&m);
        m.memory.fail_in = 0;
    }
    free_all(&m);
}
