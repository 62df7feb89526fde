/* mf_network_memory() against a counting allocator, to the byte, and mf_arena_init() at exactly the size
 * it names. SPDX-License-Identifier: MIT */
#include "build.h"
#include "memory.h"
#include "random.h"
#include "random_units.h"

enum { MOST = 20 };

typedef struct plan {
    size_t layers, widths[MOST + 1], classes, max_batch;
    int32_t activation, bias, init, optimizer, purpose;
    float momentum;
} plan;

static const plan plans[] = {
    {1, {3, 1}, 2, 1, MF_ACTIVATION_IDENTITY, 0, MF_INIT_ZERO, MF_OPTIMIZER_SGD, MF_WORKSPACE_TRAINING, 0},
    {2,
     {17, 33, 5},
     10,
     7,
     MF_ACTIVATION_RELU,
     1,
     MF_INIT_NORMAL,
     MF_OPTIMIZER_SGD,
     MF_WORKSPACE_TRAINING,
     0.9f},
    {3,
     {300, 200, 100, 64},
     12,
     64,
     MF_ACTIVATION_GELU,
     1,
     MF_INIT_ORTHOGONAL,
     MF_OPTIMIZER_ADAM,
     MF_WORKSPACE_TRAINING,
     0},
    {3,
     {30, 200, 10, 64},
     100,
     9,
     MF_ACTIVATION_TANH,
     1,
     MF_INIT_KAIMING_UNIFORM,
     MF_OPTIMIZER_RMSPROP,
     MF_WORKSPACE_TRAINING,
     0},
    {2,
     {30, 20, 10},
     3,
     5,
     MF_ACTIVATION_GELU,
     0,
     MF_INIT_ORTHOGONAL,
     MF_OPTIMIZER_RMSPROP,
     MF_WORKSPACE_INFERENCE,
     0.5f},
    {18,
     {5, 6, 7, 8, 9, 8, 7, 6, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3},
     4,
     3,
     MF_ACTIVATION_LEAKY_RELU,
     1,
     MF_INIT_KAIMING_UNIFORM,
     MF_OPTIMIZER_ADAMW,
     MF_WORKSPACE_TRAINING,
     0},
};

static mf_layer_spec spec_of(const plan *p, size_t i)
{
    mf_layer_spec spec = layer_spec(p->widths[i], p->widths[i + 1], p->classes);
    /* GELU needs scratch that its wider neighbours must not write to. */
    spec.activation = p->activation == MF_ACTIVATION_GELU && i % 2 ? MF_ACTIVATION_RELU : p->activation;
    spec.bias = p->bias;
    spec.weight_init = spec.projection_init = p->init;
    spec.precision = i % 3 == 1 ? MF_PRECISION_BF16 : MF_PRECISION_FLOAT32;
    return spec;
}

static mf_optimizer_spec optimizer_of(const plan *p)
{
    mf_optimizer_spec spec = optimizer_spec(p->optimizer, 0.01);
    spec.momentum = p->momentum;
    return spec;
}

/* For a workspace without a pool, or with one of that many threads. */
static mf_memory ask(const plan *p, size_t threads)
{
    mf_layer_spec specs[MOST];
    const mf_layer_spec *list[MOST];
    mf_optimizer_spec optimizer = optimizer_of(p);
    mf_memory memory = {.struct_size = sizeof memory};
    for (size_t i = 0; i < p->layers; i++) {
        specs[i] = spec_of(p, i);
        list[i] = &specs[i];
    }
    if (threads == 0) {
        check_ok(mf_network_memory(list, p->layers, &optimizer, p->purpose, p->max_batch, &memory));
    } else {
        mf_memory_spec query;
        check_ok(mf_memory_spec_init(&query, sizeof query));
        query.layers = list;
        query.count = p->layers;
        query.optimizer = &optimizer;
        query.purpose = p->purpose;
        query.max_batch = p->max_batch;
        query.threads = threads;
        check_ok(mf_memory_query(&query, &memory));
    }
    return memory;
}

typedef struct built {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    mf_pool *pool;
} built;

/* In the order that mf_network_memory() describes; `after`, if given, sees the bytes after each part. */
static built build(const plan *p, size_t threads, const mf_allocator *allocator, const test_memory *counted,
                   mf_memory *after)
{
    built b = {NULL, NULL, NULL, NULL};
    mf_optimizer_spec optimizer = optimizer_of(p);
    mf_network_spec network = {.struct_size = sizeof network, .allocator = allocator};
    mf_workspace_spec workspace;
    size_t seen = 0;
    check_ok(mf_network_create(&network, &b.network));
    for (size_t i = 0; i < p->layers; i++) {
        mf_layer_spec spec = spec_of(p, i);
        mf_layer *layer;
        spec.allocator = allocator;
        seen = counted ? counted->bytes_out : 0;
        check_ok(mf_layer_create(&spec, &layer));
        if (after)
            after->layers += counted->bytes_out - seen;
        check_ok(mf_network_append(b.network, layer, NULL));
        mf_layer_free(layer);
    }
    if (after)
        after->network = counted->bytes_out - after->layers;
    optimizer.allocator = allocator;
    seen = counted ? counted->bytes_out : 0;
    check_ok(mf_optimizer_create(&optimizer, &b.optimizer));
    if (after)
        after->optimizer = counted->bytes_out - seen;
    seen = counted ? counted->bytes_out : 0;
    check_ok(mf_network_set_optimizer(b.network, b.optimizer));
    if (after)
        after->state = counted->bytes_out - seen;
    check_ok(mf_workspace_spec_init(&workspace, sizeof workspace));
    workspace.network = b.network;
    workspace.max_batch = p->max_batch;
    workspace.purpose = p->purpose;
    workspace.allocator = allocator;
    if (threads > 0)
        b.pool = make_pool((uint32_t)threads);
    workspace.pool = b.pool;
    seen = counted ? counted->bytes_out : 0;
    check_ok(mf_workspace_create(&workspace, &b.workspace));
    if (after)
        after->workspace = counted->bytes_out - seen;
    return b;
}

static void use(const plan *p, const built *b)
{
    test_random random = {5};
    float *x = get_memory(p->max_batch * p->widths[0] * sizeof *x);
    int32_t *y = get_memory(p->max_batch * sizeof *y);
    random_values(&random, x, p->max_batch * p->widths[0], 1.0);
    random_labels(&random, y, p->max_batch, p->classes);
    if (p->purpose == MF_WORKSPACE_TRAINING)
        check_ok(mf_network_step(b->network, b->workspace, p->max_batch, x, y));
    check_ok(mf_network_evaluate(b->network, b->workspace, p->max_batch, x, y));
    free(x);
    free(y);
}

static void drop(built *b)
{
    mf_workspace_free(b->workspace);
    mf_network_free(b->network);
    mf_optimizer_free(b->optimizer);
    mf_pool_free(b->pool);
}

static void check_query(const plan *p, size_t threads)
{
    test_memory counted = {0};
    mf_allocator allocator = memory_allocator(&counted);
    mf_memory told = ask(p, threads), seen = {0};
    built b = build(p, threads, &allocator, &counted, &seen);
    use(p, &b);
    assert_int_equal(told.layers, seen.layers);
    assert_int_equal(told.network, seen.network);
    assert_int_equal(told.optimizer, seen.optimizer);
    assert_int_equal(told.state, seen.state);
    assert_int_equal(told.workspace, seen.workspace);
    assert_int_equal(told.total, counted.bytes_out);
    drop(&b);
    assert_int_equal(counted.bytes_out, 0);
}

static void test_the_query_is_exact(void **state)
{
    static const size_t threads[] = {0, 1, 2, 5};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(plans); i++)
        for (size_t t = 0; t < COUNT_OF(threads); t++)
            check_query(&plans[i], threads[t]);
    assert_true(ask(&plans[2], 2).workspace > ask(&plans[2], 1).workspace);
    assert_int_equal(ask(&plans[2], 1).workspace, ask(&plans[2], 0).workspace);
}
static void test_an_arena_of_the_queried_size_suffices(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(plans); i++) {
        mf_memory told = ask(&plans[i], 0);
        for (size_t shift = 0; shift < 64; shift += 13) {
            char *buffer = get_memory(told.arena + shift);
            mf_allocator arena;
            memset(buffer, 0x5A, told.arena + shift);
            check_ok(mf_arena_init(buffer + shift, told.arena, &arena));
            built b = build(&plans[i], 0, &arena, NULL, NULL);
            use(&plans[i], &b);
            drop(&b);
            /* Everything was given back, so there is room for it again. */
            b = build(&plans[i], 0, &arena, NULL, NULL);
            drop(&b);
            free(buffer);
        }
    }
}

static void test_a_full_arena_refuses(void **state)
{
    (void)state;
    const plan *p = &plans[2];
    mf_memory told = ask(p, 0);
    char *buffer = get_memory(told.layers / 2);
    mf_allocator arena;
    mf_layer_spec spec = spec_of(p, 0);
    mf_layer *layer;
    spec.weight_init = spec.projection_init = MF_INIT_ZERO;
    spec.allocator = &arena;
    check_ok(mf_arena_init(buffer, 300 * 20 * sizeof(float), &arena));
    check_status(MF_STATUS_MEMORY, mf_layer_create(&spec, &layer));
    assert_null(layer);
    check_status(MF_STATUS_CAPACITY, mf_arena_init(buffer, 100, &arena));
    check_message("100");
    check_status(MF_STATUS_ARGUMENT, mf_arena_init(NULL, 1000, &arena));
    check_status(MF_STATUS_ARGUMENT, mf_arena_init(buffer, 1000, NULL));
    free(buffer);
}

static void test_arena_blocks_do_not_overlap_and_are_reused(void **state)
{
    enum { BLOCKS = 40, ROUNDS = 2000, BYTES = 64 * 1024 };
    (void)state;
    struct {
        unsigned char *bytes;
        size_t count;
        unsigned char mark;
    } blocks[BLOCKS] = {{NULL, 0, 0}};
    test_random random = {3};
    char *buffer = get_memory(BYTES);
    mf_allocator arena;
    size_t refused = 0;
    check_ok(mf_arena_init(buffer, BYTES, &arena));
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t i = random_index(&random, BLOCKS);
        if (blocks[i].bytes) {
            for (size_t j = 0; j < blocks[i].count; j++)
                assert_int_equal(blocks[i].bytes[j], blocks[i].mark);
            arena.free(arena.user, blocks[i].bytes, blocks[i].count);
            blocks[i].bytes = NULL;
            continue;
        }
        blocks[i].count = random_index(&random, 4000);
        blocks[i].mark = (unsigned char)random_index(&random, 256);
        blocks[i].bytes = arena.alloc(arena.user, blocks[i].count, 64);
        if (!blocks[i].bytes) {
            refused++;
            continue;
        }
        assert_int_equal((uintptr_t)blocks[i].bytes % 64, 0);
        assert_true((char *)blocks[i].bytes >= buffer);
        assert_true((char *)blocks[i].bytes + blocks[i].count <= buffer + BYTES);
        memset(blocks[i].bytes, blocks[i].mark, blocks[i].count);
    }
    assert_true(refused > 0 && refused < ROUNDS / 2);
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i].bytes)
            arena.free(arena.user, blocks[i].bytes, blocks[i].count);
    void *whole = arena.alloc(arena.user, BYTES - 256, 64);
    assert_non_null(whole);
    arena.free(arena.user, whole, BYTES - 256);
    free(buffer);
}

static void test_wrong_queries_are_refused(void **state)
{
    (void)state;
    mf_layer_spec spec = layer_spec(4, 3, 2), huge = layer_spec(INT32_MAX, INT32_MAX, 2),
                  other = layer_spec(3, 3, 5), still = spec;
    const mf_layer_spec *good[] = {&spec}, *none[] = {NULL}, *large[] = {&huge}, *mixed[] = {&spec, &other},
                        *idle[] = {&still};
    mf_optimizer_spec optimizer = optimizer_spec(MF_OPTIMIZER_SGD, -1.0);
    mf_memory memory = {.struct_size = sizeof memory};
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(NULL, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(none, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(good, 1, NULL, MF_WORKSPACE_TRAINING, 1, NULL));
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory(good, 1, &optimizer, MF_WORKSPACE_TRAINING, 1, &memory));
    optimizer = optimizer_spec(MF_OPTIMIZER_ADAM, 0.1);
    optimizer.momentum = 0.9f;
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory(good, 1, &optimizer, MF_WORKSPACE_TRAINING, 1, &memory));
    check_message("Adam and AdamW have none");
    still.weight_gain = still.projection_gain = 0.0f;
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(idle, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(good, 1, NULL, 9, 1, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(good, 1, NULL, MF_WORKSPACE_TRAINING, 0, &memory));
    check_status(MF_STATUS_STATE, mf_network_memory(good, 0, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_status(MF_STATUS_SHAPE, mf_network_memory(mixed, 2, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
    check_status(MF_STATUS_OVERFLOW,
                 mf_network_memory(large, 1, NULL, MF_WORKSPACE_TRAINING, INT32_MAX, &memory));
    memory.struct_size = 3;
    check_status(MF_STATUS_ARGUMENT, mf_network_memory(good, 1, NULL, MF_WORKSPACE_TRAINING, 1, &memory));
}

static void test_wrong_memory_specs_are_refused(void **state)
{
    mf_layer_spec layer = layer_spec(4, 3, 2);
    const mf_layer_spec *layers[] = {&layer};
    mf_builder *builders[] = {NULL};
    mf_memory memory = {.struct_size = sizeof memory};
    mf_memory_spec spec;
    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_memory_spec_init(NULL, sizeof spec));
    check_status(MF_STATUS_ARGUMENT, mf_memory_spec_init(&spec, 7));
    check_ok(mf_memory_spec_init(&spec, sizeof spec));
    assert_int_equal(spec.threads, 1);
    spec.count = spec.max_batch = 1;
    check_status(MF_STATUS_ARGUMENT, mf_memory_query(NULL, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_memory_query(&spec, &memory)); /* neither list */
    check_message("set one of the two");
    spec.layers = layers;
    spec.builders = builders;
    check_status(MF_STATUS_ARGUMENT, mf_memory_query(&spec, &memory));
    spec.layers = NULL;
    check_status(MF_STATUS_HANDLE, mf_memory_query(&spec, &memory));
    spec.layers = layers;
    spec.builders = NULL;
    check_status(MF_STATUS_ARGUMENT, mf_memory_query(&spec, NULL));
    spec.threads = 1025;
    check_status(MF_STATUS_ARGUMENT, mf_memory_query(&spec, &memory));
    check_message("1025");
    spec.threads = 0;
    check_ok(mf_memory_query(&spec, &memory));
}

/* A workspace for more rows serves fewer, so it has the room of each smaller number; blocks of convolutions,
 * whose last has few images, too. */
static void test_more_rows_take_no_less_room(void **state)
{
    enum { TRIALS = 120, ROWS = 24 };
    test_random random = {.state = 77};

    (void)state;
    for (int trial = 0; trial < TRIALS; trial++) {
        units_plan drawn =
            trial % 2 ? random_plan(&random) : plan_maps(8 + trial % 5, 3 + trial % 8, 4 + trial % 9, 3);
        mf_memory memory = {.struct_size = sizeof memory};
        size_t before[2] = {0, 0};

        if (trial % 2 == 0) {
            plan_add(&drawn, unit_conv(9, 1, 0));
            plan_add(&drawn, unit_activation(MF_ACTIVATION_RELU));
            plan_add(&drawn, unit_conv(8, 3, 0));
        }
        mf_builder *builder = make_builder(&drawn, NULL);
        for (size_t rows = 1; rows <= ROWS; rows++)
            for (int32_t purpose = MF_WORKSPACE_TRAINING; purpose <= MF_WORKSPACE_INFERENCE; purpose++) {
                check_ok(mf_network_memory_built(&builder, 1, NULL, purpose, rows, &memory));
                assert_true(memory.workspace >= before[purpose]);
                before[purpose] = memory.workspace;
            }
        mf_builder_free(builder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_query_is_exact),
        cmocka_unit_test(test_an_arena_of_the_queried_size_suffices),
        cmocka_unit_test(test_a_full_arena_refuses),
        cmocka_unit_test(test_arena_blocks_do_not_overlap_and_are_reused),
        cmocka_unit_test(test_wrong_queries_are_refused),
        cmocka_unit_test(test_wrong_memory_specs_are_refused),
        cmocka_unit_test(test_more_rows_take_no_less_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
