/* Layers whose products round their operands to bf16. SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "random.h"
#include "training_fixture.h"
#include "units.h"

/* Rows of 45 values, or 5 maps of 3 x 3; 27 neurons, or 3 maps. */
enum { K = 45, N = 27, M = 5, B = 11 };

/* ---- a step against double loops with rounded operands ---- */

/* 8 significant bits, nearest even. */
static double round_bf16(double value)
{
    int exponent;
    double part = frexp(value, &exponent);
    return ldexp(nearbyint(256.0 * part) / 256.0, exponent);
}

static double keep(double value)
{
    return value;
}

/* Parameters of a layer with ReLU, in double. */
typedef struct exact_layer {
    double w[N][K], b[N], m[M][N];
} exact_layer;

static void read_exact(const mf_layer *layer, exact_layer *to)
{
    size_t count;
    float *w = read_parameter(layer, "weight", &count), *b = read_parameter(layer, "bias", &count),
          *m = read_parameter(layer, "projection", &count);
    for (size_t i = 0; i < N; i++) {
        to->b[i] = (double)b[i];
        for (size_t j = 0; j < K; j++)
            to->w[i][j] = (double)w[i * K + j];
        for (size_t c = 0; c < M; c++)
            to->m[c][i] = (double)m[c * N + i];
    }
    free(w);
    free(b);
    free(m);
}

/* One row of the forward pass: a and dG, divided by the number of rows. */
static void exact_row(const exact_layer *l, double (*operand)(double), const float *x, int32_t y, double a[N],
                      double dg[M])
{
    double top = -1e300, sum = 0.0;
    for (size_t i = 0; i < N; i++) {
        a[i] = l->b[i];
        for (size_t j = 0; j < K; j++)
            a[i] += operand((double)x[j]) * operand(l->w[i][j]);
        a[i] = a[i] > 0.0 ? a[i] : 0.0;
    }
    for (size_t c = 0; c < M; c++) {
        dg[c] = 0.0;
        for (size_t i = 0; i < N; i++)
            dg[c] += a[i] * l->m[c][i];
        top = dg[c] > top ? dg[c] : top;
    }
    for (size_t c = 0; c < M; c++)
        sum += exp(dg[c] - top);
    for (size_t c = 0; c < M; c++)
        dg[c] = (exp(dg[c] - top) / sum - (c == (size_t)y)) / B;
}

/* SGD: W -= rate dz^T x with rounded operands. */
static void exact_step(exact_layer *l, double (*operand)(double), double rate, const float *x,
                       const int32_t *y)
{
    exact_layer before = *l;
    for (size_t r = 0; r < B; r++) {
        double a[N], dg[M];
        exact_row(&before, operand, x + r * K, y[r], a, dg);
        for (size_t i = 0; i < N; i++) {
            double dz = 0.0;
            for (size_t c = 0; c < M; c++)
                dz += a[i] > 0.0 ? dg[c] * before.m[c][i] : 0.0;
            for (size_t j = 0; j < K; j++)
                l->w[i][j] -= rate * operand(dz) * operand((double)x[r * K + j]);
        }
    }
}

/* Mean distance of the layer's W from the exact one. */
static double distance(const mf_layer *layer, const exact_layer *exact)
{
    size_t count;
    float *w = read_parameter(layer, "weight", &count);
    double sum = 0.0;
    for (size_t i = 0; i < N * K; i++)
        sum += fabs((double)w[i] - exact->w[i / K][i % K]);
    free(w);
    return sum / (N * K);
}

static mf_layer *make_rounding_layer(int32_t precision)
{
    mf_layer_spec spec = layer_spec(K, N, M);
    spec.precision = precision;
    return make_layer(&spec);
}

static mf_layer *make_rounding_maps(int32_t precision)
{
    mf_layer_spec spec = conv_spec(5, 3, 3, 3, M);
    spec.padding[0] = spec.padding[1] = 1;
    spec.precision = precision;
    return make_layer(&spec);
}

static mf_layer *(*const makers[])(int32_t precision) = {make_rounding_layer, make_rounding_maps};

static void test_a_step_rounds_the_operands_of_its_products(void **state)
{
    static exact_layer rounded, plain;
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.5);
    mf_layer *layer = make_rounding_layer(MF_PRECISION_BF16);
    mf_workspace *workspace = make_layer_workspace(layer, B);
    test_random random = {5};
    float x[B * K], a[B * N];
    int32_t y[B];

    (void)state;
    random_values(&random, x, B * K, 1.0);
    random_labels(&random, y, B, M);
    read_exact(layer, &rounded);
    plain = rounded;
    exact_step(&rounded, round_bf16, 0.5, x, y);
    exact_step(&plain, keep, 0.5, x, y);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_step(layer, workspace, B, x, y, a));
    /* A dz near the middle of two bf16 values may go either way, in few places. */
    double near = distance(layer, &rounded), far = distance(layer, &plain);
    if (!(near < 2e-6 && far > 5.0 * near))
        fail_msg("distance from the rounded step %g, from the plain one %g", near, far);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* ---- the forward pass and the gradients of a convolution ---- */

static void round_values(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)round_bf16((double)values[i]);
}

static void forward(const mf_layer *layer, const float *x, float *a)
{
    mf_workspace *workspace = make_workspace(NULL, (mf_layer *)layer, MF_WORKSPACE_INFERENCE, B);
    check_ok(mf_layer_forward(layer, workspace, B, x, a));
    mf_workspace_free(workspace);
}

/* Rounding W and x by hand changes nothing in bf16, and makes a layer in float32 give the same but for the
 * rounding of sums. */
static void test_convolutions_round_the_operands_of_their_products(void **state)
{
    mf_layer *layer = make_rounding_maps(MF_PRECISION_BF16),
             *plain = make_rounding_maps(MF_PRECISION_FLOAT32);
    float x[B * K], a[B * N], again[B * N], near[B * N], far[B * N];
    size_t count;
    float *w = read_parameter(layer, "weight", &count);
    test_random random = {15};
    double distant = 0.0;

    (void)state;
    random_values(&random, x, B * K, 1.0);
    forward(layer, x, a);
    forward(plain, x, far);
    round_values(x, B * K);
    round_values(w, count);
    check_ok(mf_layer_set_parameter(layer, "weight", w, count));
    check_ok(mf_layer_set_parameter(plain, "weight", w, count));
    forward(layer, x, again);
    forward(plain, x, near);
    assert_memory_equal(a, again, sizeof a);
    for (size_t i = 0; i < B * N; i++) {
        check_near((double)near[i], (double)a[i], 2e-6);
        distant = fmax(distant, fabs((double)far[i] - (double)a[i]));
    }
    assert_true(distant > 1e-3);
    free(w);
    mf_layer_free(layer);
    mf_layer_free(plain);
}

/* ---- parameters stay float32, and the rounded copy follows them ---- */

static void train(mf_layer *layer, mf_workspace *workspace, uint64_t seed, int steps)
{
    test_random random = {seed};
    float x[B * K], a[B * N];
    int32_t y[B];
    for (int i = 0; i < steps; i++) {
        random_values(&random, x, B * K, 1.0);
        random_labels(&random, y, B, M);
        check_ok(mf_layer_step(layer, workspace, B, x, y, a));
    }
}

static void check_same_output(const mf_layer *one, const mf_layer *other)
{
    test_random random = {9};
    float x[B * K], a[B * N], b[B * N];
    random_values(&random, x, B * K, 1.0);
    forward(one, x, a);
    forward(other, x, b);
    assert_memory_equal(a, b, sizeof a);
}

static void copy_parameter(const mf_layer *from, mf_layer *to, const char *name)
{
    size_t count;
    float *values = read_parameter(from, name, &count), *back;
    check_ok(mf_layer_set_parameter(to, name, values, count));
    back = read_parameter(to, name, &count);
    assert_memory_equal(values, back, count * sizeof *values);
    free(values);
    free(back);
}

static void test_values_go_in_and_out_unrounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(makers); i++) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
        mf_layer *layer = makers[i](MF_PRECISION_BF16), *copy = makers[i](MF_PRECISION_BF16);
        mf_workspace *workspace = make_layer_workspace(layer, B);

        check_ok(mf_layer_set_optimizer(layer, optimizer));
        train(layer, workspace, 3, 20);
        copy_parameter(layer, copy, "weight");
        copy_parameter(layer, copy, "bias");
        check_same_output(layer, copy);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_layer_free(copy);
        mf_optimizer_free(optimizer);
    }
}

/* An update from the host's gradients leaves no stale copy either. */
static void test_an_update_from_gradients_reaches_the_rounded_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(makers); i++) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.5);
        mf_layer *layer = makers[i](MF_PRECISION_BF16), *copy = makers[i](MF_PRECISION_BF16);
        size_t count = count_gradients(layer);
        float *gradients = get_memory(count * sizeof *gradients);
        test_random random = {4};

        random_values(&random, gradients, count, 0.1);
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_ok(mf_layer_apply(layer, gradients, count));
        copy_parameter(layer, copy, "weight");
        copy_parameter(layer, copy, "bias");
        check_same_output(layer, copy);
        free(gradients);
        mf_layer_free(layer);
        mf_layer_free(copy);
        mf_optimizer_free(optimizer);
    }
}

/* ---- files and snapshots ---- */

static mf_network *network_of(mf_layer *layer)
{
    mf_network *network = make_network();
    check_ok(mf_network_append(network, layer, NULL));
    return network;
}

static void check_saving(mf_layer *layer)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = network_of(layer), *loaded = NULL;
    mf_workspace *workspace = make_network_workspace(network, B);
    mf_load_spec load;
    size_t bytes, snapshot;
    mf_layer_spec spec = {.struct_size = sizeof spec};

    check_ok(mf_layer_set_optimizer(layer, optimizer));
    train(layer, workspace, 3, 7);
    check_ok(mf_network_save_size(network, MF_CONTENTS_TRAINING, &bytes));
    check_ok(mf_network_snapshot_size(network, &snapshot));
    void *file = get_memory(bytes), *kept = get_memory(snapshot);
    check_ok(mf_network_save_buffer(network, MF_CONTENTS_TRAINING, file, bytes, &bytes));
    check_ok(mf_network_snapshot_save(network, kept, snapshot));
    train(layer, workspace, 8, 7);
    saved_values wanted = save_network_values(network);

    check_ok(mf_network_snapshot_load(network, kept, snapshot));
    train(layer, workspace, 8, 7);
    check_network_unchanged(&wanted, network);

    check_ok(mf_load_spec_init(&load, sizeof load));
    load.contents = MF_CONTENTS_TRAINING;
    check_ok(mf_network_load_buffer(&load, file, bytes, &loaded));
    check_ok(mf_layer_describe(layer_at(loaded, 0), &spec));
    assert_int_equal(spec.precision, MF_PRECISION_BF16);
    mf_workspace *other = make_network_workspace(loaded, B);
    train(layer_at(loaded, 0), other, 8, 7);
    check_network_unchanged(&wanted, loaded);
    mf_workspace_free(other);
    mf_network_free(loaded);
    free(file);
    free(kept);
    free_saved_values(&wanted);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_a_saved_layer_goes_on_with_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(makers); i++)
        check_saving(makers[i](MF_PRECISION_BF16));
}

/* ---- layers of several units ---- */

static units_plan dense_plan(void)
{
    units_plan plan = plan_row(K, M);
    plan_add(&plan, unit_dense(N));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_dense(N + 4));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_dense(M));
    return plan;
}

/* Also a 3 x 3 kernel for 8 channels and more, which float32 computes by Winograd's method. */
static units_plan conv_plan(void)
{
    units_plan plan = plan_maps(5, 3, 3, M);
    plan_add(&plan, unit_conv(9, 3, 2));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_conv(10, 3, 2));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, unit_conv(7, 2, 0));
    return plan;
}

/* With an auxiliary head that has a hidden layer. */
static units_plan auxiliary_plan(void)
{
    units_plan plan = plan_row(K, M);
    mf_unit_spec scores = unit_dense(M);

    scores.loss_weight = 0.8f;
    plan_add(&plan, unit_dense(N));
    plan.head.input_node = plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, unit_dense(N + 4));
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan_add(&plan, scores);
    return plan;
}

static units_plan conv_head_plan(void)
{
    units_plan plan = plan_maps(5, 3, 3, M);

    plan_add(&plan, unit_conv(9, 3, 2));
    plan.head.output_node = plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_conv(8, 3, 1));
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_GELU));
    plan.head.pool_size = 2;
    return plan;
}

static units_plan low_rank_plan(void)
{
    units_plan plan = plan_row(K, M);
    mf_unit_spec rank = unit_dense(4);

    rank.bias = 0;
    plan_add(&plan, unit_dense(N));
    plan.head.output_node = plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, rank);
    return plan;
}

static units_plan sampled_plan(void)
{
    units_plan plan = low_rank_plan();

    plan.head.sampling = MF_SAMPLING_UNIFORM;
    plan.head.candidates = 2;
    return plan;
}

static units_plan similarity_plan(void)
{
    units_plan plan = plan_row(K, M);

    plan_add(&plan, unit_dense(N));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plan, unit_dense(N));
    plan.head.similarity = 0.5f;
    return plan;
}

static float *gradients_of(units_plan plan, int32_t precision, size_t *count)
{
    float x[B * K];
    int32_t y[B];
    test_random random = {6};
    plan.precision = precision;
    mf_layer *layer = make_units(&plan);
    mf_workspace *workspace = make_layer_workspace(layer, B);
    mf_batch batch = make_batch(B, x, y);
    mf_layer_spec told = {.struct_size = sizeof told};

    check_ok(mf_layer_describe(layer, &told));
    assert_int_equal(told.precision, precision);

    random_values(&random, x, B * K, 1.0);
    random_labels(&random, y, B, M);
    *count = count_gradients(layer);
    float *g = get_memory(*count * sizeof *g);
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, g, *count));
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    return g;
}

/* Gradients of two layers that differ in their precision alone point the same way. */
static void test_gradients_through_several_units_are_near_those_of_float32(void **state)
{
    const units_plan plans[] = {dense_plan(),    conv_plan(),    auxiliary_plan(), conv_head_plan(),
                                low_rank_plan(), sampled_plan(), similarity_plan()};

    (void)state;
    for (size_t p = 0; p < COUNT_OF(plans); p++) {
        double dot = 0.0, one = 0.0, other = 0.0;
        size_t count;
        float *plain = gradients_of(plans[p], MF_PRECISION_FLOAT32, &count);
        float *rounded = gradients_of(plans[p], MF_PRECISION_BF16, &count);

        for (size_t i = 0; i < count; i++) {
            dot += (double)plain[i] * (double)rounded[i];
            one += (double)plain[i] * (double)plain[i];
            other += (double)rounded[i] * (double)rounded[i];
        }
        assert_true(memcmp(plain, rounded, count * sizeof *plain) != 0);
        check_near(1.0, dot / sqrt(one * other), 1e-3);
        check_near(1.0, sqrt(one / other), 2e-2);
        free(plain);
        free(rounded);
    }
}

static double exact_loss(const double *scores, int32_t y)
{
    double sum = 0.0;
    for (size_t c = 0; c < M; c++)
        sum += exp(scores[c]);
    return log(sum) - scores[y];
}

/* Mean loss of rows of ReLUs, of M and of an auxiliary head right behind them, whose products round. */
static double exact_losses(mf_layer *layer, double (*operand)(double), const float *x, const int32_t *y)
{
    float *w = read_parameter(layer, "units.1.weight", NULL),
          *b = read_parameter(layer, "units.1.bias", NULL);
    float *m = read_parameter(layer, "head.projection", NULL);
    float *scores = read_parameter(layer, "units.3.weight", NULL);
    double sum = 0.0;
    for (size_t r = 0; r < B; r++) {
        double g[M] = {0}, other[M] = {0};
        for (size_t i = 0; i < N; i++) {
            double a = (double)b[i];
            for (size_t j = 0; j < K; j++)
                a += operand((double)x[r * K + j]) * operand((double)w[i * K + j]);
            for (size_t c = 0; c < M && a > 0.0; c++) {
                g[c] += a * (double)m[c * N + i];
                other[c] += operand(a) * operand((double)scores[c * N + i]);
            }
        }
        sum += (exact_loss(g, y[r]) + exact_loss(other, y[r])) / B;
    }
    free(w);
    free(b);
    free(m);
    free(scores);
    return sum;
}

static void test_auxiliary_heads_round_their_operands(void **state)
{
    units_plan plan = plan_row(K, M);
    mf_unit_spec scores = unit_dense(M);
    test_random random = {8};
    float x[B * K];
    int32_t y[B];

    (void)state;
    scores.loss_weight = 1.0f;
    plan_add(&plan, unit_dense(N));
    plan.head.input_node = plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    scores.bias = 0;
    plan_add(&plan, scores);
    plan.precision = MF_PRECISION_BF16;
    random_values(&random, x, B * K, 3.0);
    random_labels(&random, y, B, M);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    mf_layer *layer = make_units(&plan);
    mf_workspace *workspace = make_layer_workspace(layer, B);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    double rounded = exact_losses(layer, round_bf16, x, y), plain = exact_losses(layer, keep, x, y);
    check_ok(mf_layer_step(layer, workspace, B, x, y, NULL));
    double loss = read_report(workspace, 0).loss;
    if (!(fabs(loss - rounded) < 0.1 * fabs(loss - plain)))
        fail_msg("loss %.8f, with rounded operands %.8f, without %.8f", loss, rounded, plain);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* ---- pipelines ---- */

static void test_pipelines_give_the_bits_of_a_sequential_run(void **state)
{
    (void)state;
    check_pipelines_give_the_same_bits(make_rounding_fixture);
}

static void test_an_unknown_precision_is_refused(void **state)
{
    mf_layer_spec spec = layer_spec(K, N, M);
    mf_layer *layer = NULL;

    (void)state;
    spec.precision = 7;
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    check_message("precision");
    check_message("7");
    assert_null(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_rounds_the_operands_of_its_products),
        cmocka_unit_test(test_convolutions_round_the_operands_of_their_products),
        cmocka_unit_test(test_values_go_in_and_out_unrounded),
        cmocka_unit_test(test_an_update_from_gradients_reaches_the_rounded_copy),
        cmocka_unit_test(test_a_saved_layer_goes_on_with_the_same_bits),
        cmocka_unit_test(test_gradients_through_several_units_are_near_those_of_float32),
        cmocka_unit_test(test_auxiliary_heads_round_their_operands),
        cmocka_unit_test(test_pipelines_give_the_bits_of_a_sequential_run),
        cmocka_unit_test(test_an_unknown_precision_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
