/* Training and prediction never allocate: counted through the allocators of all handles, and by standing
 * between the library and the C library's malloc. SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <math.h>
#include <stdatomic.h>

#include "build.h"
#include "memory.h"
#include "random.h"
#include "units.h"

/* Sanitizers and valgrind put their own malloc in place of the C library's; the allocators of the handles
 * are counted there all the same. */
#if defined(__GLIBC__) && !SANITIZED
#define COUNT_MALLOC 1
#else
#define COUNT_MALLOC 0
#endif

static atomic_size_t counted, watched;

#if COUNT_MALLOC
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

/* Inlined into its caller it would take the caller's caller for its own. */
#define APART __attribute__((noinline))

/* A BLAS library may allocate as it likes: only calls from libmonoforward's own code count. */
static void count_caller(void *caller)
{
    Dl_info where;

    if (!atomic_load(&watched))
        return;
    if (dladdr(caller, &where) != 0 && strstr(where.dli_fname, "libmonoforward") != NULL)
        atomic_fetch_add(&counted, 1);
}

APART void *malloc(size_t bytes)
{
    count_caller(__builtin_return_address(0));
    return __libc_malloc(bytes);
}

APART void *calloc(size_t count, size_t bytes)
{
    count_caller(__builtin_return_address(0));
    return __libc_calloc(count, bytes);
}

APART void *realloc(void *old, size_t bytes)
{
    count_caller(__builtin_return_address(0));
    return __libc_realloc(old, bytes);
}

APART void *aligned_alloc(size_t alignment, size_t bytes)
{
    count_caller(__builtin_return_address(0));
    return __libc_memalign(alignment, bytes);
}

APART int posix_memalign(void **pointer, size_t alignment, size_t bytes)
{
    count_caller(__builtin_return_address(0));
    *pointer = __libc_memalign(alignment, bytes);
    return *pointer == NULL;
}
#endif

enum { ROWS = 70, CLASSES = 12 };

static const size_t widths[] = {33, 140, 65, 20};

static void test_the_counter_sees_allocations(void **state)
{
    mf_layer_spec spec = layer_spec(3, 3, 3);
    mf_layer *layer;

    (void)state;
    if (!COUNT_MALLOC)
        skip_because("malloc belongs to the sanitizer here; the handles' allocators are still counted");
    atomic_store(&watched, 1);
    layer = make_layer(&spec);
    atomic_store(&watched, 0);
    mf_layer_free(layer);
    assert_true(atomic_load(&counted) >= 1);
    atomic_store(&counted, 0);
}

static size_t count_values(const mf_layer *layer)
{
    size_t parameters = 0, values = 0;

    check_ok(mf_layer_parameter_count(layer, &parameters));
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        values += info.count;
    }
    return values;
}

/* Everything that trains or predicts, once. */
static int32_t swallow(void *user, const void *bytes, size_t count)
{
    (void)user, (void)bytes, (void)count;
    return 0;
}

static void use_everything(mf_network *network, mf_workspace *workspace, const float *x, const int32_t *y,
                           float *a, float *scores, int32_t *labels)
{
    const mf_output output = {.struct_size = sizeof output, .write = swallow};
    mf_report report = {.struct_size = sizeof report};
    mf_layer *first = layer_at(network, 0);
    mf_batch batch = make_batch(ROWS - 1, x, y), bytes = batch;
    static float gradients[33 * 140 + 140 + CLASSES * 140];
    size_t count = count_values(first);

    bytes.input_type = MF_TYPE_UINT8;
    check_ok(mf_network_step_batch(network, workspace, &bytes));
    check_ok(mf_layer_step_batch(first, workspace, &bytes, NULL));
    check_ok(mf_network_infer(network, workspace, MF_PREDICT_SUM, &bytes, labels, scores, NULL));
    check_ok(mf_network_step(network, workspace, ROWS, x, y));
    check_ok(mf_network_step_batch(network, workspace, &batch));
    check_ok(mf_network_step_layer(network, workspace, 2, 5, x, y));
    check_ok(mf_network_step_layer_batch(network, workspace, 1, &batch));
    check_ok(mf_layer_step(first, workspace, 1, x, y, a));
    check_ok(mf_layer_step_batch(first, workspace, &batch, NULL));
    check_ok(mf_layer_gradients(first, workspace, &batch, NULL, gradients, count));
    check_ok(mf_layer_apply(first, gradients, count));
    check_ok(mf_layer_forward(first, workspace, ROWS, x, a));
    check_ok(mf_layer_forward_batch(first, workspace, &batch, a));
    check_ok(mf_layer_goodness(first, workspace, ROWS, a, scores));
    check_ok(mf_network_evaluate(network, workspace, ROWS, x, y));
    check_ok(mf_network_evaluate_batch(network, workspace, &batch));
    check_ok(mf_network_save_to(network, MF_CONTENTS_TRAINING, &output));
    check_ok(mf_network_copy_parameters(network, network));
    check_ok(mf_network_blend_parameters(network, network, 0.5));
    check_ok(mf_network_predict(network, workspace, MF_PREDICT_SUM, ROWS, x, labels));
    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_LAST, ROWS, x, scores));
    check_ok(mf_network_probabilities(network, workspace, MF_PREDICT_SUM, ROWS, x, scores));
    check_ok(mf_network_infer(network, workspace, MF_PREDICT_SUM, &batch, labels, scores, NULL));
    check_ok(mf_workspace_report(workspace, 1, &report));
    check_ok(mf_workspace_report_sum(workspace, &report));
    /* Refusals do not allocate either. */
    assert_int_equal(mf_network_step(network, workspace, ROWS + 1, x, y), MF_STATUS_CAPACITY);
    assert_int_equal(mf_layer_step(first, workspace, 0, x, y, NULL), MF_STATUS_CAPACITY);
}

/* Dense layers, or a convolution of 33 values and two layers behind it, all with what they can have. */
static mf_layer_spec spec_at(size_t i, int activation, int maps)
{
    mf_layer_spec spec = layer_spec(widths[i], widths[i + 1], CLASSES);

    if (maps && i == 0) {
        spec = conv_spec(1, 3, 11, 13, CLASSES);
        spec.padding[0] = spec.padding[1] = 1;
        spec.pool = MF_POOL_MAX;
        spec.head_size = 1;
        spec.dropout_maps = 1;
    }
    if (maps && i == 1)
        spec.inputs = 13 * 5;
    if (maps)
        spec.normalization = MF_NORMALIZATION_BATCH;
    spec.activation = activation;
    spec.dropout = 0.25f;
    spec.label_smoothing = 0.1f;
    return spec;
}

/* Layers of several units of the same shapes, with every kind of them. */
static units_plan plan_at(size_t i, int activation)
{
    units_plan plan = i ? plan_row(i == 1 ? 13 * 5 : widths[2], CLASSES) : plan_maps(1, 3, 11, CLASSES);

    plan_add(&plan, i ? unit_dense(widths[i + 1]) : unit_conv(13, 3, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(activation));
    plan_add(&plan, unit_dropout(0.25f, i == 0));
    plan_add(&plan, i ? unit_dense(widths[i + 1]) : unit_conv(13, 3, 1));
    plan_add(&plan, unit_add(1, MF_NODE_PREVIOUS));
    if (i == 0) {
        plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
        plan.head.pool_size = 1;
    }
    plan.dropout = 0.25f;
    plan.head.label_smoothing = 0.1f;
    return plan;
}

enum { OF_DENSE, OF_MAPS, OF_UNITS, KINDS };

static mf_layer *layer_of(int kind, size_t i, int activation, const mf_allocator *allocator)
{
    units_plan plan = plan_at(i, activation);
    mf_layer_spec spec = spec_at(i, activation, kind == OF_MAPS);
    mf_builder *builder;
    mf_layer *layer = NULL;

    spec.allocator = allocator;
    if (kind != OF_UNITS)
        return make_layer(&spec);
    builder = make_builder(&plan, allocator);
    check_ok(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

static void run_with(mf_optimizer_spec optimizer_values, int activation, int kind)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_network_spec network_values;
    mf_workspace_spec workspace_values;
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    test_random random = {1};
    float *x = get_memory(ROWS * widths[0] * sizeof *x), *a = get_memory(ROWS * widths[1] * sizeof *a);
    float scores[ROWS * CLASSES];
    int32_t y[ROWS], labels[ROWS];
    size_t calls, frees;

    optimizer_values.allocator = &allocator;
    check_ok(mf_network_spec_init(&network_values, sizeof network_values));
    check_ok(mf_workspace_spec_init(&workspace_values, sizeof workspace_values));
    network_values.allocator = workspace_values.allocator = &allocator;
    check_ok(mf_optimizer_create(&optimizer_values, &optimizer));
    check_ok(mf_network_create(&network_values, &network));
    for (size_t i = 0; i < 3; i++) {
        mf_layer *layer = layer_of(kind, i, activation, &allocator);

        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    workspace_values.network = network;
    workspace_values.max_batch = ROWS;
    workspace_values.purpose = MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT;
    check_ok(mf_workspace_create(&workspace_values, &workspace));
    random_values(&random, x, ROWS * widths[0], 1.0);
    random_labels(&random, y, ROWS, CLASSES);

    calls = memory.calls;
    frees = memory.frees;
    atomic_store(&counted, 0);
    atomic_store(&watched, 1);
    use_everything(network, workspace, x, y, a, scores, labels);
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.001));
    use_everything(network, workspace, x, y, a, scores, labels);
    atomic_store(&watched, 0);
    assert_int_equal(memory.calls, calls);
    assert_int_equal(memory.frees, frees);
    assert_int_equal(atomic_load(&counted), 0);

    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    assert_int_equal(memory.blocks_out, 0);
    assert_int_equal(memory.faults, 0);
    memory_release(&memory);
    free(x);
    free(a);
}

static void test_steps_and_predictions_do_not_allocate(void **state)
{
    (void)state;
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++)
        for (int of = OF_DENSE; of < KINDS; of++)
            for (int clip = 0; clip <= 1; clip++) {
                mf_optimizer_spec spec = optimizer_spec(kind, 0.01);

                spec.clip_norm = clip ? 0.5f : 0.0f;
                spec.momentum = kind == MF_OPTIMIZER_RMSPROP ? 0.5f : 0.0f;
                run_with(spec, clip ? MF_ACTIVATION_GELU : MF_ACTIVATION_RELU, of);
            }
}

/* Handles made with an allocator use nothing else: not even creation goes to malloc. */
static void test_handles_use_only_their_allocator(void **state)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_layer_spec spec = layer_spec(20, 30, 10);
    mf_optimizer_spec optimizer_values = optimizer_spec(MF_OPTIMIZER_ADAM, 0.01);
    mf_layer *layer;
    mf_optimizer *optimizer;

    (void)state;
    spec.allocator = optimizer_values.allocator = &allocator;
    spec.weight_init = MF_INIT_ORTHOGONAL;
    atomic_store(&counted, 0);
    atomic_store(&watched, 1);
    check_ok(mf_optimizer_create(&optimizer_values, &optimizer));
    layer = make_layer(&spec);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_classes(layer, 11));
    atomic_store(&watched, 0);
    assert_int_equal(atomic_load(&counted), 0);
    /* Parameters, and two moments for each, and the handles. */
    assert_true(memory.bytes_out >= 3 * (20 * 30 + 30 + 30 * 11) * sizeof(float));
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
    assert_int_equal(memory.blocks_out, 0);
    memory_release(&memory);
}

/* The C library's memory is used where no allocator is given, whatever has been given elsewhere. */
static void test_every_handle_uses_its_own_allocator(void **state)
{
    test_memory one = {0}, two = {0};
    mf_allocator first = memory_allocator(&one), second = memory_allocator(&two);
    mf_layer_spec a = layer_spec(4, 4, 3), b = layer_spec(4, 4, 3);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.1);
    mf_network *network = make_network();
    mf_layer *layers[2];
    size_t before;

    (void)state;
    a.allocator = &first;
    b.allocator = &second;
    layers[0] = make_layer(&a);
    layers[1] = make_layer(&b);
    for (size_t i = 0; i < 2; i++)
        check_ok(mf_network_append(network, layers[i], NULL));
    before = one.bytes_out;
    assert_int_equal(before, two.bytes_out);
    check_ok(mf_network_set_optimizer(network, optimizer));
    assert_true(one.bytes_out > before); /* a layer's state comes from the layer's allocator */
    assert_int_equal(one.bytes_out, two.bytes_out);
    mf_layer_free(layers[0]);
    mf_layer_free(layers[1]);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    assert_int_equal(one.blocks_out + two.blocks_out, 0);
    assert_int_equal(one.faults + two.faults, 0);
    memory_release(&one);
    memory_release(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_counter_sees_allocations),
        cmocka_unit_test(test_steps_and_predictions_do_not_allocate),
        cmocka_unit_test(test_handles_use_only_their_allocator),
        cmocka_unit_test(test_every_handle_uses_its_own_allocator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
