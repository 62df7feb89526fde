/* Memory of convolutions: mf_network_memory() to the byte, arenas of exactly that size, workspaces that grow
 * with the batch by its activations and with nothing else, and every allocation failing once.
 * SPDX-License-Identifier: MIT */
#include "build.h"
#include "memory.h"
#include "random.h"

enum { MOST = 4, CLASSES = 5 };

/* ---- networks of all kinds of layers ---- */

typedef struct plan {
    size_t count, max_batch;
    mf_layer_spec specs[MOST];
    mf_optimizer_spec optimizer;
    int32_t purpose;
} plan;

static void append(plan *p, mf_layer_spec spec)
{
    if (p->count > 0)
        check_ok(mf_layer_spec_follow(&spec, &p->specs[p->count - 1]));
    spec.seed = p->count + 1;
    p->specs[p->count++] = spec;
}

/* Number i of many, from the bits of i: normalisation, pools, heads, activations, optimizers, purposes. */
static plan plan_at(unsigned i)
{
    plan p = {.max_batch = 1 + i % 5 * 7};
    mf_layer_spec first = conv_spec(3, 9, 8, 4, CLASSES), second = conv_spec(1, 1, 1, 6, CLASSES);
    mf_layer_spec third = layer_spec(0, 30, CLASSES);

    first.padding[0] = first.padding[1] = 1;
    first.pool = (int32_t)(i % 3);
    first.normalization = (int32_t)(i & 1);
    first.activation = (int32_t)(i % (MF_ACTIVATION_SILU + 1));
    first.head_size = i & 2 ? 2 : 0;
    first.bias = !(i & 4);
    first.weight_init = (int32_t)(i % 4);
    second.kernel[0] = second.kernel[1] = 2;
    second.normalization = (int32_t)(i >> 1 & 1);
    second.activation = MF_ACTIVATION_GELU;
    second.head_size = i & 1 ? 1 : 0;
    third.normalization = (int32_t)(i >> 2 & 1);
    third.activation = i & 8 ? MF_ACTIVATION_GELU : MF_ACTIVATION_RELU;
    append(&p, first);
    append(&p, second);
    append(&p, third);
    append(&p, layer_spec(0, 7, CLASSES));
    p.optimizer = optimizer_spec((int32_t)(i % 4), 0.01);
    p.optimizer.momentum = i & 8 && p.optimizer.kind % 3 == 0 ? 0.5f : 0.0f; /* SGD and RMSprop */
    p.purpose = i % 7 == 6 ? MF_WORKSPACE_INFERENCE : MF_WORKSPACE_TRAINING;
    return p;
}

enum { PLANS = 32 };

static mf_memory ask(const plan *p)
{
    const mf_layer_spec *list[MOST];
    mf_memory memory = {.struct_size = sizeof memory};

    for (size_t i = 0; i < p->count; i++)
        list[i] = &p->specs[i];
    check_ok(mf_network_memory(list, p->count, &p->optimizer, p->purpose, p->max_batch, &memory));
    return memory;
}

typedef struct built {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
} built;

/* What was taken since the last look, where somebody counts. */
static size_t taken(const test_memory *counted, size_t *seen)
{
    size_t more = counted ? counted->bytes_out - *seen : 0;

    *seen = counted ? counted->bytes_out : 0;
    return more;
}

static built build(const plan *p, const mf_allocator *allocator, const test_memory *counted, mf_memory *parts)
{
    built b = {NULL, NULL, NULL};
    mf_optimizer_spec optimizer = p->optimizer;
    mf_network_spec network = {.struct_size = sizeof network, .allocator = allocator};
    mf_workspace_spec workspace;
    size_t seen = 0;

    check_ok(mf_network_create(&network, &b.network));
    parts->network = taken(counted, &seen);
    for (size_t i = 0; i < p->count; i++) {
        mf_layer_spec spec = p->specs[i];
        mf_layer *layer;

        spec.allocator = allocator;
        check_ok(mf_layer_create(&spec, &layer));
        parts->layers += taken(counted, &seen);
        check_ok(mf_network_append(b.network, layer, NULL));
        parts->network += taken(counted, &seen);
        mf_layer_free(layer);
    }
    optimizer.allocator = allocator;
    check_ok(mf_optimizer_create(&optimizer, &b.optimizer));
    parts->optimizer = taken(counted, &seen);
    check_ok(mf_network_set_optimizer(b.network, b.optimizer));
    parts->state = taken(counted, &seen);
    check_ok(mf_workspace_spec_init(&workspace, sizeof workspace));
    workspace.network = b.network;
    workspace.max_batch = p->max_batch;
    workspace.purpose = p->purpose;
    workspace.allocator = allocator;
    check_ok(mf_workspace_create(&workspace, &b.workspace));
    parts->workspace = taken(counted, &seen);
    return b;
}

static void drop(built *b)
{
    mf_workspace_free(b->workspace);
    mf_network_free(b->network);
    mf_optimizer_free(b->optimizer);
}

/* At the workspace's largest batch, and at 2 rows, which other code may take. */
static void use(const plan *p, const built *b)
{
    test_random random = {5};
    size_t inputs = p->specs[0].channels * p->specs[0].height * p->specs[0].width;
    float *x = get_memory(p->max_batch * inputs * sizeof *x);
    int32_t *y = get_memory(p->max_batch * sizeof *y);

    random_values(&random, x, p->max_batch * inputs, 1.0);
    random_labels(&random, y, p->max_batch, CLASSES);
    for (size_t rows = 2; rows <= p->max_batch; rows = rows < p->max_batch ? p->max_batch : rows + 1) {
        if (p->purpose == MF_WORKSPACE_TRAINING) {
            check_ok(mf_network_step(b->network, b->workspace, rows, x, y));
            check_ok(mf_network_step_layer(b->network, b->workspace, 1, rows, x, y));
        }
        check_ok(mf_network_evaluate(b->network, b->workspace, rows, x, y));
    }
    check_ok(mf_network_evaluate(b->network, b->workspace, 1, x, y));
    free(x);
    free(y);
}

static void test_the_query_is_exact(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLANS; i++) {
        test_memory counted = {0};
        mf_allocator allocator = memory_allocator(&counted);
        plan p = plan_at(i);
        mf_memory told = ask(&p), parts = {0};
        built b = build(&p, &allocator, &counted, &parts);

        use(&p, &b);
        assert_int_equal(told.layers, parts.layers);
        assert_int_equal(told.network, parts.network);
        assert_int_equal(told.optimizer, parts.optimizer);
        assert_int_equal(told.state, parts.state);
        assert_int_equal(told.workspace, parts.workspace);
        assert_int_equal(told.total, counted.bytes_out);
        drop(&b);
        assert_int_equal(counted.bytes_out, 0);
        assert_int_equal(counted.faults, 0);
        memory_release(&counted);
    }
}

static void test_an_arena_of_the_queried_size_suffices(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLANS; i += 3) {
        plan p = plan_at(i);
        mf_memory told = ask(&p), parts;
        char *buffer = get_memory(told.arena + 13);
        mf_allocator arena;

        memset(buffer, 0x5A, told.arena + 13);
        check_ok(mf_arena_init(buffer + i % 2 * 13, told.arena, &arena));
        for (int again = 0; again <= 1; again++) {
            memset(&parts, 0, sizeof parts);
            built b = build(&p, &arena, NULL, &parts);

            use(&p, &b);
            drop(&b);
        }
        free(buffer);
    }
}

/* Mean and variance are parameters, but no optimizer remembers anything of them. */
static void test_only_what_learns_has_optimizer_state(void **state)
{
    mf_layer_spec plain = conv_spec(2, 5, 5, 32, CLASSES), normal = plain;
    const mf_layer_spec *specs[2] = {&plain, &normal};
    mf_optimizer_spec momentum = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_memory memory[2];

    (void)state;
    normal.normalization = MF_NORMALIZATION_BATCH;
    momentum.momentum = 0.5f;
    for (int i = 0; i < 2; i++) {
        memory[i].struct_size = sizeof memory[i];
        check_ok(mf_network_memory(&specs[i], 1, &momentum, MF_WORKSPACE_TRAINING, 1, &memory[i]));
    }
    /* The normalisation is a unit of its own, of which the layer also keeps what it is. */
    assert_in_range(memory[1].layers - memory[0].layers, 3 * 32 * sizeof(float),
                    3 * 32 * sizeof(float) + 2048);
    assert_int_equal(memory[1].state - memory[0].state, 32 * sizeof(float));
}

/* ---- allocations that fail ---- */

/* What is tried with the k-th allocation failing. */
typedef struct trying {
    mf_layer_spec spec;
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    const mf_allocator *allocator;
} trying;

static mf_status create_layer(trying *t)
{
    t->layer = (mf_layer *)1;
    mf_status status = mf_layer_create(&t->spec, &t->layer);

    if (status != MF_STATUS_OK)
        assert_null(t->layer);
    return status;
}

static mf_status attach(trying *t)
{
    return mf_layer_set_optimizer(t->layer, t->optimizer);
}

static mf_status set_classes(trying *t)
{
    return mf_layer_set_classes(t->layer, CLASSES + 4);
}

static mf_status create_workspace(trying *t)
{
    mf_workspace_spec spec;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.layer = t->layer;
    spec.max_batch = 6;
    spec.allocator = t->allocator;
    t->workspace = (mf_workspace *)1;
    mf_status status = mf_workspace_create(&spec, &t->workspace);

    if (status != MF_STATUS_OK)
        assert_null(t->workspace);
    return status;
}

static void sweep(test_memory *memory, trying *t, mf_status (*call)(trying *), size_t least)
{
    size_t failed = 0;

    for (size_t nth = 1;; nth++) {
        size_t blocks = memory->blocks_out, bytes = memory->bytes_out;
        saved_values before = {0, NULL};

        if (call == attach || call == set_classes)
            before = save_layer_values(t->layer);
        memory_fail_at(memory, nth);
        mf_status status = call(t);

        memory_fail_at(memory, 0);
        if (status != MF_STATUS_OK) {
            check_status(MF_STATUS_MEMORY, status);
            assert_int_equal(memory->blocks_out, blocks);
            assert_int_equal(memory->bytes_out, bytes);
            if (before.values != NULL)
                check_layer_unchanged(&before, t->layer);
            failed++;
        }
        free_saved_values(&before);
        if (status == MF_STATUS_OK)
            break;
        assert_true(failed < 100);
    }
    assert_true(failed >= least);
}

static void test_every_failed_allocation_leaves_no_leak(void **state)
{
    (void)state;
    for (int32_t normalization = 0; normalization <= 1; normalization++)
        for (int32_t init = MF_INIT_KAIMING_UNIFORM; init <= MF_INIT_NORMAL; init++) {
            test_memory memory = {0};
            mf_allocator allocator = memory_allocator(&memory);
            trying t = {.spec = conv_spec(2, 6, 5, 3, CLASSES), .allocator = &allocator};

            t.spec.allocator = &allocator;
            t.spec.weight_init = t.spec.projection_init = init;
            t.spec.normalization = normalization;
            t.spec.head_size = 2;
            t.optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
            /* The handle and each parameter; each that learns; M and its state; the workspace. */
            sweep(&memory, &t, create_layer, normalization ? 7 : 4);
            sweep(&memory, &t, attach, normalization ? 4 : 3);
            sweep(&memory, &t, set_classes, 2);
            sweep(&memory, &t, create_workspace, 1);
            mf_workspace_free(t.workspace);
            mf_layer_free(t.layer);
            mf_optimizer_free(t.optimizer);
            assert_int_equal(memory.blocks_out, 0);
            assert_int_equal(memory.faults, 0);
            memory_release(&memory);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_query_is_exact),
        cmocka_unit_test(test_an_arena_of_the_queried_size_suffices),
        cmocka_unit_test(test_only_what_learns_has_optimizer_state),
        cmocka_unit_test(test_every_failed_allocation_leaves_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
