/* mf_network_memory_built() against a counting allocator, to the byte, and against an arena; many equal
 * layers share one scratch. SPDX-License-Identifier: MIT */
#include "memory.h"
#include "random.h"
#include "random_units.h"

enum { CLASSES = 4, ROWS = 6 };

static mf_memory ask(const network_plan *p)
{
    mf_builder *builders[RANDOM_LAYERS];
    mf_builder *list[RANDOM_LAYERS];
    mf_memory memory;

    check_ok(mf_memory_init(&memory, sizeof memory));
    for (size_t i = 0; i < p->layers; i++)
        list[i] = builders[i] = make_builder(&p->plans[i], NULL);
    check_ok(mf_network_memory_built(list, p->layers, &p->optimizer, p->purpose, ROWS, &memory));
    for (size_t i = 0; i < p->layers; i++)
        mf_builder_free(builders[i]);
    return memory;
}

typedef struct built {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
} built;

/* In the order that mf_network_memory() describes; `after`, if given, sees the bytes after each part. */
static built build(const network_plan *p, const mf_allocator *allocator, const test_memory *counted,
                   mf_memory *after)
{
    built b = {NULL, NULL, NULL};
    mf_optimizer_spec optimizer = p->optimizer;
    mf_network_spec network = {.struct_size = sizeof network, .allocator = allocator};
    mf_workspace_spec workspace;
    size_t seen[5];

    check_ok(mf_network_create(&network, &b.network));
    for (size_t i = 0; i < p->layers; i++) {
        size_t before = counted->bytes_out;
        mf_layer *layer = make_units_by(&p->plans[i], allocator);

        after->layers += counted->bytes_out - before;
        check_ok(mf_network_append(b.network, layer, NULL));
        mf_layer_free(layer);
    }
    seen[0] = counted->bytes_out;
    optimizer.allocator = allocator;
    check_ok(mf_optimizer_create(&optimizer, &b.optimizer));
    seen[1] = counted->bytes_out;
    check_ok(mf_network_set_optimizer(b.network, b.optimizer));
    seen[2] = counted->bytes_out;
    check_ok(mf_workspace_spec_init(&workspace, sizeof workspace));
    workspace.network = b.network;
    workspace.max_batch = ROWS;
    workspace.purpose = p->purpose;
    workspace.allocator = allocator;
    check_ok(mf_workspace_create(&workspace, &b.workspace));
    seen[3] = counted->bytes_out;
    after->network = seen[0] - after->layers;
    after->optimizer = seen[1] - seen[0];
    after->state = seen[2] - seen[1];
    after->workspace = seen[3] - seen[2];
    return b;
}

static void use(const network_plan *p, const built *b)
{
    test_random random = {5};
    float *x = get_memory(ROWS * p->inputs * sizeof *x);
    int32_t y[ROWS];

    draw_inputs(layer_vocabulary(layer_at(b->network, 0)), &random, x, ROWS * p->inputs);
    random_labels(&random, y, ROWS, CLASSES);
    if (p->purpose == MF_WORKSPACE_TRAINING)
        for (int i = 0; i < 2; i++)
            check_ok(mf_network_step(b->network, b->workspace, ROWS, x, y));
    check_ok(mf_network_evaluate(b->network, b->workspace, ROWS, x, y));
    free(x);
}

static void drop(built *b)
{
    mf_workspace_free(b->workspace);
    mf_network_free(b->network);
    mf_optimizer_free(b->optimizer);
}

/* Training and answers take nothing, and everything is given back. */
static void test_the_query_is_exact(void **state)
{
    test_random random = {31};

    (void)state;
    for (size_t i = 0; i < 60; i++) {
        test_memory counted = {0};
        mf_allocator allocator = memory_allocator(&counted);
        network_plan p = random_network_plan(&random, CLASSES);
        mf_memory told = ask(&p), seen = {0};
        built b = build(&p, &allocator, &counted, &seen);
        size_t calls = counted.calls;

        use(&p, &b);
        assert_int_equal(counted.calls, calls);
        assert_int_equal(told.layers, seen.layers);
        assert_int_equal(told.network, seen.network);
        assert_int_equal(told.optimizer, seen.optimizer);
        assert_int_equal(told.state, seen.state);
        assert_int_equal(told.workspace, seen.workspace);
        assert_int_equal(told.total, counted.bytes_out);
        drop(&b);
        assert_int_equal(counted.bytes_out, 0);
        assert_int_equal(counted.faults, 0);
        memory_release(&counted);
    }
}

/* What the builders of a network take together, with room for the arena's books. */
static size_t bytes_of_builders(const network_plan *p)
{
    test_memory counted = {0};
    mf_allocator allocator = memory_allocator(&counted);
    size_t bytes = 0;

    for (size_t i = 0; i < p->layers; i++) {
        mf_builder *builder = make_builder(&p->plans[i], &allocator);
        mf_layer *layer = NULL;

        /* A builder that completes its plan moves it, and holds both blocks for a moment. */
        bytes += counted.bytes_out;
        check_ok(mf_layer_build(builder, &layer));
        mf_layer_free(layer);
        bytes += counted.bytes_out + 128 * counted.calls;
        mf_builder_free(builder);
    }
    memory_release(&counted);
    return bytes;
}

/* The builders are not counted: they have room of their own here. */
static void test_an_arena_of_the_queried_size_suffices(void **state)
{
    test_random random = {32};

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        network_plan p = random_network_plan(&random, CLASSES);
        mf_memory told = ask(&p), seen = {0};
        test_memory nothing = {0};
        size_t bytes = told.arena + bytes_of_builders(&p), shift = i % 5 * 13;
        char *buffer = get_memory(bytes + shift);
        mf_allocator arena;
        built b;

        memset(buffer, 0x5A, bytes + shift);
        check_ok(mf_arena_init(buffer + shift, bytes, &arena));
        for (int again = 0; again < 2; again++) {
            b = build(&p, &arena, &nothing, &seen);
            use(&p, &b);
            drop(&b);
        }
        free(buffer);
    }
}

/* Specs of layers and builders from them give the same answer. */
static void test_specs_and_builders_need_the_same_memory(void **state)
{
    mf_layer_spec specs[] = {conv_spec(2, 6, 6, 4, CLASSES), layer_spec(0, 9, CLASSES)};
    const mf_layer_spec *list[] = {&specs[0], &specs[1]};
    mf_builder *builders[2];
    mf_builder *made[2];
    mf_optimizer_spec optimizer = optimizer_spec(MF_OPTIMIZER_ADAM, 0.01);
    mf_memory one = {.struct_size = sizeof one}, other = {.struct_size = sizeof other};

    (void)state;
    specs[0].normalization = MF_NORMALIZATION_BATCH;
    specs[0].pool = MF_POOL_MAX;
    check_ok(mf_layer_spec_follow(&specs[1], &specs[0]));
    for (size_t i = 0; i < 2; i++) {
        check_ok(mf_builder_from_spec(&specs[i], &made[i]));
        builders[i] = made[i];
    }
    check_ok(mf_network_memory(list, 2, &optimizer, MF_WORKSPACE_TRAINING, ROWS, &one));
    check_ok(mf_network_memory_built(builders, 2, &optimizer, MF_WORKSPACE_TRAINING, ROWS, &other));
    assert_memory_equal(&one, &other, sizeof one);
    mf_builder_free(made[0]);
    mf_builder_free(made[1]);
}

/* The scratch of equal layers is that of one, but for what is kept of each. */
static void test_equal_layers_share_scratch(void **state)
{
    enum { FEW = 2, MANY = 50 };
    units_plan block = plan_residual(8, 12, 12, CLASSES);
    mf_builder *builder = make_builder(&block, NULL);
    mf_builder *list[MANY];
    mf_memory few = {.struct_size = sizeof few}, many = {.struct_size = sizeof many};

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        list[i] = builder;
    for (int32_t purpose = MF_WORKSPACE_TRAINING; purpose <= MF_WORKSPACE_INFERENCE; purpose++) {
        check_ok(mf_network_memory_built(list, FEW, NULL, purpose, 32, &few));
        check_ok(mf_network_memory_built(list, MANY, NULL, purpose, 32, &many));
        assert_true(many.workspace >= few.workspace);
        if (many.workspace - few.workspace >= 1024 * (MANY - FEW))
            fail_msg("the workspace grows by %zu bytes a layer",
                     (many.workspace - few.workspace) / (MANY - FEW));
    }
    mf_builder_free(builder);
}

static void test_wrong_queries_are_refused(void **state)
{
    units_plan good = plan_residual(2, 4, 4, CLASSES), loose = plan_row(4, CLASSES), other = plan_row(4, 7);
    mf_builder *builders[5] = {make_builder(&good, NULL), NULL, NULL, start_builder(&good, NULL), NULL};
    mf_builder *list[2];
    mf_optimizer_spec wrong = optimizer_spec(MF_OPTIMIZER_SGD, -1.0);
    mf_memory memory = {.struct_size = sizeof memory};
    const mf_status expected[] = {MF_STATUS_OK, MF_STATUS_ARGUMENT, MF_STATUS_SHAPE, MF_STATUS_STATE,
                                  MF_STATUS_ARGUMENT};

    (void)state;
    plan_add(&loose, unit_dense(3));
    plan_add(&loose, unit_reading(unit_dense(3), 0)); /* nobody reads the first */
    plan_add(&other, unit_dense(3));
    builders[1] = make_builder(&loose, NULL);
    builders[2] = make_builder(&other, NULL);
    builders[4] = start_builder(&good, NULL);
    check_status(MF_STATUS_ARGUMENT, mf_builder_unit(builders[4], NULL, NULL));
    for (size_t i = 0; i < COUNT_OF(builders); i++) {
        list[0] = builders[0];
        list[1] = builders[i];
        check_status(expected[i],
                     mf_network_memory_built(list, 2, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory));
    }
    list[1] = builders[0];
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory_built(NULL, 1, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory));
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, ROWS, NULL));
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory_built(list, 1, &wrong, MF_WORKSPACE_TRAINING, ROWS, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory_built(list, 1, NULL, 9, ROWS, &memory));
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, 0, &memory));
    check_status(MF_STATUS_STATE,
                 mf_network_memory_built(list, 0, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory));
    check_status(MF_STATUS_OVERFLOW,
                 mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, SIZE_MAX / 64, &memory));
    memory.struct_size = 3;
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, ROWS, &memory));
    for (size_t i = 0; i < COUNT_OF(builders); i++)
        mf_builder_free(builders[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_query_is_exact),
        cmocka_unit_test(test_an_arena_of_the_queried_size_suffices),
        cmocka_unit_test(test_specs_and_builders_need_the_same_memory),
        cmocka_unit_test(test_equal_layers_share_scratch),
        cmocka_unit_test(test_wrong_queries_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
