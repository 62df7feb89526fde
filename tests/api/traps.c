/* A host that has unmasked floating-point exceptions gets statuses, not SIGFPE, whatever it passes, and finds
 * its mode as it was: data, options, training. SPDX-License-Identifier: MIT */
#include "host.h"
#include "units.h"

enum { N = HOST_INPUTS, ROWS = HOST_ROWS, CLASSES = HOST_CLASSES };

static const int32_t y[ROWS] = {0, 1, 2, 0};

static void test_data(void **state)
{
    host *h = *state;

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        float x[ROWS * N], a[ROWS * N], goodness[ROWS * CLASSES];
        int32_t labels[ROWS];
        uint32_t bits = hostile[i];

        fill_hostile(x, ROWS * N, bits);
        check_not_finite(bits, mf_network_predict(h->network, h->workspace, MF_PREDICT_SUM, ROWS, x, labels));
        check_not_finite(bits,
                         mf_network_goodness(h->network, h->workspace, MF_PREDICT_SUM, ROWS, x, goodness));
        check_not_finite(bits, mf_network_evaluate(h->network, h->workspace, ROWS, x, y));
        check_not_finite(bits, mf_layer_forward(h->layer, h->of_layer, ROWS, x, a));
        check_not_finite(bits, mf_layer_goodness(h->layer, h->of_layer, ROWS, x, goodness));
        check_not_finite(bits, mf_layer_step(h->layer, h->of_layer, ROWS, x, y, NULL));
        check_not_finite(bits, mf_network_step(h->network, h->workspace, ROWS, x, y));
        check_not_finite(bits, mf_network_step_layer(h->network, h->workspace, 1, ROWS, x, y));
        if (bits != LARGEST_BITS) {
            check_not_finite(bits, mf_pipeline_submit(h->pipeline, ROWS, x, y));
            fill_hostile(x, N, bits);
            check_not_finite(bits, mf_layer_set_parameter(h->layer, "bias", x, N));
        }
    }
}

/* Halves of steps, weights of rows, and numbers that scale inputs. */
static void test_more_data(void **state)
{
    host *h = *state;
    const size_t values = count_gradients(h->layer);
    float *gradients = get_zeroed(values, sizeof *gradients), weights[ROWS], x[ROWS * N] = {0}, a[ROWS * N];
    mf_batch batch = make_batch(ROWS, x, y);

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        uint32_t bits = hostile[i];

        fill_hostile(x, ROWS * N, bits);
        check_not_finite(bits, mf_layer_pass_batch(h->layer, h->of_layer, &batch, a));
        check_not_finite(bits, mf_layer_gradients(h->layer, h->of_layer, &batch, NULL, gradients, values));
        fill_hostile(gradients, values, bits);
        check_not_finite(bits, mf_layer_apply(h->layer, gradients, values));
        fill_hostile(x, N, bits);
        if (bits != LARGEST_BITS)
            check_not_finite(bits, mf_network_set_input_scaling(h->network, x, x, 1 + N / 2));
        fill_hostile(weights, ROWS, bits);
        fill_hostile(x, ROWS * N, 0);
        batch.sample_weights = weights;
        check_status(bits == LARGEST_BITS ? MF_STATUS_OK : MF_STATUS_ARGUMENT,
                     mf_layer_step_batch(h->layer, h->of_layer, &batch, NULL));
        check_mode();
        batch.sample_weights = NULL;
    }
    free(gradients);
}

/* What is not dropped on the way to the next layer becomes larger. */
static void test_dropout_overflows(void **state)
{
    host *h = *state;
    const uint32_t largest = LARGEST_BITS;
    float x[ROWS * N] = {0}, a[ROWS * N], w[N * N] = {0};
    const mf_batch batch = make_batch(ROWS, x, NULL);

    for (size_t i = 0; i < N; i++)
        w[i * N + i] = 1.0f;
    for (size_t i = 0; i < COUNT_OF(x); i++)
        memcpy(&x[i], &largest, sizeof largest);
    check_ok(mf_layer_set_parameter(h->layer, "weight", w, N * N));
    check_ok(mf_layer_set(h->layer, MF_LAYER_DROPOUT, 0.5));
    mf_layer_pass_batch(h->layer, h->of_layer, &batch, a);
    check_mode();
}

/* Everything that takes a batch, whatever comes of it. */
static void pass_batch(const host *h, const mf_batch *batch)
{
    mf_workspace *workspace =
        make_workspace(h->network, NULL, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT, ROWS);
    int32_t labels[ROWS];

    mf_network_step_batch(h->network, workspace, batch);
    check_mode();
    mf_network_evaluate_batch(h->network, workspace, batch);
    check_mode();
    mf_network_infer(h->network, workspace, MF_PREDICT_SUM, batch, labels, NULL, NULL);
    check_mode();
    mf_pipeline_submit_batch(h->pipeline, batch);
    check_mode();
    mf_pipeline_try_submit_batch(h->pipeline, batch);
    check_mode();
    mf_pipeline_flush(h->pipeline);
    check_mode();
    mf_workspace_free(workspace);
}

/* bf16 of hostile bits, and bytes that hostile numbers shift and scale. */
static void test_types_of_inputs(void **state)
{
    host *h = *state;
    uint16_t halves[ROWS * N] = {0};
    unsigned char bytes[ROWS * N];

    memset(bytes, 255, sizeof bytes);
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        mf_batch batch = make_batch(ROWS, NULL, y);

        /* A signalling NaN of a float has its bits in the lower half, of bf16 it has none there. */
        halves[5] = hostile[i] == 0x7F800001 ? 0x7F81 : (uint16_t)(hostile[i] >> 16);
        batch.inputs = halves;
        batch.input_type = MF_TYPE_BF16;
        pass_batch(h, &batch);
        batch.inputs = bytes;
        batch.input_type = MF_TYPE_UINT8;
        memcpy(&batch.input_shift, &hostile[i], sizeof batch.input_shift);
        pass_batch(h, &batch);
        memcpy(&batch.input_scale, &hostile[i], sizeof batch.input_scale);
        pass_batch(h, &batch);
        batch.input_shift = 0.0f;
        pass_batch(h, &batch);
    }
}

/* Numbers that scale the inputs until they overflow. */
static void test_scaled_inputs(void **state)
{
    host *h = *state;
    float x[ROWS * N] = {0}, largest;
    const mf_batch batch = make_batch(ROWS, x, y);
    mf_pipeline_spec spec;

    fill_hostile(x, ROWS * N, LARGEST_BITS);
    memcpy(&largest, &x[ROWS * N / 2], sizeof largest);
    check_ok(mf_network_set_input_scaling(h->network, &largest, &largest, 1));
    mf_pipeline_free(h->pipeline);
    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = h->network;
    spec.max_batch = ROWS;
    check_ok(mf_pipeline_create(&spec, &h->pipeline));
    pass_batch(h, &batch);
}

/* What a pipeline learns from overflows, with workers and without. */
static void test_pipelines(void **state)
{
    host *h = *state;
    float x[ROWS * N];

    fill_hostile(x, ROWS * N, LARGEST_BITS);
    for (uint32_t workers = 0; workers <= 2; workers += 2) {
        mf_pipeline_spec spec;
        mf_pipeline *pipeline = NULL;

        check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
        spec.network = h->network;
        spec.max_batch = ROWS;
        spec.workers = workers;
        check_ok(mf_pipeline_create(&spec, &pipeline));
        for (int t = 0; t < 3; t++)
            mf_pipeline_submit(pipeline, ROWS, x, y);
        mf_pipeline_flush(pipeline);
        check_mode();
        mf_pipeline_evaluate(pipeline, h->workspace, ROWS, x, y);
        check_mode();
        mf_pipeline_free(pipeline);
    }
}

/* Threads begin with the mode of the one that has started them, which traps. */
static void test_threads_of_a_pool(void **state)
{
    enum { MANY = 256 };
    host *h = *state;
    mf_workspace_spec spec;
    mf_pool *pool = NULL;
    mf_workspace *workspace = NULL;
    float *x = get_memory(MANY * N * sizeof *x);
    int32_t labels[MANY] = {0};

    pool = make_pool(3);
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = h->network;
    spec.max_batch = MANY;
    spec.pool = pool;
    check_ok(mf_workspace_create(&spec, &workspace));
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        fill_hostile(x, MANY * N, hostile[i]);
        check_not_finite(hostile[i],
                         mf_network_predict(h->network, workspace, MF_PREDICT_SUM, MANY, x, labels));
        memset(labels, 0, sizeof labels);
        for (int t = 0; t < 20; t++)
            check_not_finite(hostile[i], mf_network_step(h->network, workspace, MANY, x, labels));
    }
    mf_workspace_free(workspace);
    mf_pool_free(pool);
    free(x);
}

/* Units that divide, and take roots and exponentials. */
static units_plan plan_that_computes(void)
{
    units_plan plan = plan_sequence(ROWS, N, CLASSES);

    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    plan_add(&plan, unit_dense(3 * N));
    plan_add(&plan, unit_attention(2, 1));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_dense(N));
    return plan;
}

static void test_units(void **state)
{
    const host *h = *state;
    units_plan plan = plan_that_computes();
    float x[ROWS * ROWS * N];
    mf_network *network;
    mf_workspace *workspace;

    plan_add(&plan, unit_dropout(0.5f, 0));
    network = make_units_network(&plan, 1, h->optimizer);
    workspace = make_network_workspace(network, ROWS);
    check_mode();
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        int32_t labels[ROWS];

        fill_hostile(x, COUNT_OF(x), hostile[i]);
        check_not_finite(hostile[i], mf_network_predict(network, workspace, MF_PREDICT_SUM, ROWS, x, labels));
        check_not_finite(hostile[i], mf_network_step(network, workspace, ROWS, x, y));
    }
    mf_workspace_free(workspace);
    mf_network_free(network);
}

/* ---- every exception, those of rounding among them ---- */

#define strictly(call)           \
    do {                         \
        unmask_all();            \
        mf_status got_ = (call); \
        unmask_again();          \
        check_ok(got_);          \
    } while (0)

static void train_strictly(mf_network *network, mf_workspace *workspace, const float *x)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline = NULL;
    float chances[ROWS * CLASSES];
    int32_t best[ROWS * 2];
    const mf_batch batch = make_batch(ROWS, x, y);

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    strictly(mf_network_step(network, workspace, ROWS, x, y));
    strictly(mf_network_step_layer(network, workspace, 0, ROWS, x, y));
    strictly(mf_network_evaluate(network, workspace, ROWS, x, y));
    strictly(mf_network_top(network, workspace, MF_PREDICT_SUM, &batch, 2, best, chances, NULL));
    strictly(mf_network_probabilities(network, workspace, MF_PREDICT_SUM, ROWS, x, chances));
    for (spec.workers = 0; spec.workers <= 2; spec.workers++) {
        strictly(mf_pipeline_create(&spec, &pipeline));
        strictly(mf_pipeline_submit(pipeline, ROWS, x, y));
        strictly(mf_pipeline_flush(pipeline));
        strictly(mf_pipeline_evaluate(pipeline, workspace, ROWS, x, y));
        mf_pipeline_free(pipeline);
    }
}

/* All that makes something, or computes, by a network of all that computes much. */
static void test_nothing_is_rounded_on_the_hosts_account(void **state)
{
    const host *h = *state;
    static unsigned char file[1 << 17];
    const float third = 1.0f / 3.0f;
    units_plan plan = plan_that_computes();
    float x[ROWS * ROWS * N], a[ROWS * N], goodness[ROWS * CLASSES];
    mf_workspace_spec spec;
    mf_workspace *workspace = NULL;
    mf_network *network, *clone = NULL, *loaded = NULL;
    mf_matrix *matrix = NULL;
    char text[4096];
    size_t bytes = 0, needed = 0;

    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = (float)(i % 7) * third;
    network = make_units_network(&plan, 1, h->optimizer);
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    strictly(mf_network_set_input_scaling(network, &third, &third, 1));
    strictly(mf_workspace_create(&spec, &workspace));
    train_strictly(network, workspace, x);
    train_strictly(h->network, h->workspace, x);
    strictly(mf_layer_forward(h->layer, h->of_layer, ROWS, x, a));
    strictly(mf_layer_goodness(h->layer, h->of_layer, ROWS, a, goodness));
    strictly(mf_layer_step(h->layer, h->of_layer, ROWS, x, y, a));
    strictly(mf_network_summary(network, ROWS, text, sizeof text, &needed));
    strictly(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &clone));
    strictly(mf_network_blend_parameters(clone, network, 0.3));
    strictly(mf_network_save_size(network, MF_CONTENTS_TRAINING, &bytes));
    assert_true(bytes <= sizeof file);
    strictly(mf_network_save_buffer(network, MF_CONTENTS_TRAINING, file, sizeof file, NULL));
    strictly(mf_network_load_buffer(NULL, file, bytes, &loaded));
    strictly(mf_network_snapshot_save(network, file, sizeof file));
    strictly(mf_network_snapshot_load(network, file, sizeof file));
    strictly(mf_network_export_onnx_size(network, &bytes));
    strictly(mf_matrix_from_parameter(h->layer, "projection", NULL, &matrix));
    strictly(mf_network_set_classes(h->network, CLASSES + 2));
    strictly(mf_optimizer_set(h->optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.1));
    strictly(mf_layer_set(h->layer, MF_LAYER_DROPOUT, 0.3));
    mf_matrix_free(matrix);
    mf_network_free(loaded);
    mf_network_free(clone);
    mf_workspace_free(workspace);
    mf_network_free(network);
}

/* ---- options ---- */

static void test_options(void **state)
{
    host *h = *state;

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        mf_layer_spec spec;
        mf_optimizer_spec optimizer_spec;
        mf_layer *layer = NULL;
        mf_optimizer *optimizer = NULL;

        check_status(MF_STATUS_ARGUMENT,
                     mf_optimizer_set(h->optimizer, MF_OPTIMIZER_LEARNING_RATE, hostile_double(i)));
        check_mode();
        check_status(MF_STATUS_ARGUMENT, mf_layer_set(h->layer, MF_LAYER_DROPOUT, hostile_double(i)));
        check_mode();
        check_ok(mf_layer_spec_init(&spec, sizeof spec));
        spec.inputs = spec.outputs = N;
        spec.classes = CLASSES;
        memcpy(&spec.weight_gain, &hostile[i], sizeof spec.weight_gain);
        check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
        check_mode();
        check_ok(mf_optimizer_spec_init(&optimizer_spec, sizeof optimizer_spec));
        memcpy(&optimizer_spec.beta1, &hostile[i], sizeof optimizer_spec.beta1);
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&optimizer_spec, &optimizer));
        check_mode();
    }
}

/* Floats of the specs of a unit of some kind, a head and a builder. */
enum { OF_BUILDER = -2, OF_HEAD = -1 };
static const struct {
    int32_t kind;
    size_t at;
} floats[] = {
    {MF_UNIT_DENSE, offsetof(mf_unit_spec, weight_gain)},
    {MF_UNIT_DENSE, offsetof(mf_unit_spec, loss_weight)},
    {MF_UNIT_ACTIVATION, offsetof(mf_unit_spec, leak)},
    {MF_UNIT_DROPOUT, offsetof(mf_unit_spec, dropout)},
    {MF_UNIT_BATCH_NORM, offsetof(mf_unit_spec, normalization_rate)},
    {MF_UNIT_BATCH_NORM, offsetof(mf_unit_spec, normalization_epsilon)},
    {OF_HEAD, offsetof(mf_head_spec, projection_gain)},
    {OF_HEAD, offsetof(mf_head_spec, label_smoothing)},
    {OF_HEAD, offsetof(mf_head_spec, similarity)},
    {OF_BUILDER, offsetof(mf_builder_spec, dropout)},
};

static void build_with(size_t number, uint32_t bits)
{
    const int32_t kind = floats[number].kind;
    const mf_shape input = shape_row(N);
    mf_builder_spec spec = builder_spec(&input);
    mf_unit_spec unit = unit_of(kind < 0 ? MF_UNIT_DENSE : kind);
    mf_head_spec head = head_spec(CLASSES);
    mf_block_spec block;
    mf_builder *builder = NULL;
    mf_layer *layer = NULL;
    char *changed = kind == OF_BUILDER ? (char *)&spec : kind == OF_HEAD ? (char *)&head : (char *)&unit;

    memcpy(changed + floats[number].at, &bits, sizeof bits);
    check_ok(mf_block_spec_init(&block, sizeof block));
    mf_builder_create(&spec, &builder);
    check_mode();
    mf_builder_unit(builder, &unit, NULL);
    check_mode();
    mf_builder_head(builder, &head);
    check_mode();
    mf_layer_build(builder, &layer);
    check_mode();
    mf_builder_block(builder, &block, NULL);
    check_mode();
    mf_builder_free(builder);
    mf_layer_free(layer);
}

static void test_options_of_units(void **state)
{
    (void)state;
    for (size_t number = 0; number < COUNT_OF(floats); number++)
        for (size_t i = 0; i < COUNT_OF(hostile); i++)
            build_with(number, hostile[i]);
}

/* Anything may come in, so anything may come out: no trap is all that is wanted. */
static void test_schedules(void **state)
{
    static const uint64_t steps[] = {0, 1, 7, UINT64_MAX - 1, UINT64_MAX};
    volatile double lowest = 1e-308, result;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(hostile) * COUNT_OF(steps) * COUNT_OF(steps); i++) {
        const uint64_t step = steps[i % COUNT_OF(steps)];
        const uint64_t total = steps[i / COUNT_OF(steps) % COUNT_OF(steps)];
        const double number = hostile_double(i / COUNT_OF(steps) / COUNT_OF(steps));

        result = mf_schedule_cosine(step, total, number);
        check_mode();
        result = mf_schedule_step(step, total, number);
        check_mode();
        result = mf_schedule_step(step, total, -lowest);
        check_mode();
        result = mf_schedule_warmup(step, total);
        check_mode();
    }
    (void)result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_data, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_more_data, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_dropout_overflows, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_types_of_inputs, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_scaled_inputs, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_pipelines, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_threads_of_a_pool, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_units, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_nothing_is_rounded_on_the_hosts_account, set_up_host,
                                        tear_down_host),
        cmocka_unit_test_setup_teardown(test_options, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_options_of_units, set_up_host, tear_down_host),
        cmocka_unit_test_setup_teardown(test_schedules, set_up_host, tear_down_host),
    };
    const int skipped = skip_without_host();

    return skipped ? skipped : cmocka_run_group_tests(tests, NULL, NULL);
}
