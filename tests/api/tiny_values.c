/* Numbers at the lower end of float32, and sums that cancel: what a step cannot tell from 0 is refused, and
 * the norm that clipping compares is right where rows are nearly equal. SPDX-License-Identifier: MIT */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "oracle_case.h"

enum { ROWS = 64, WIDTH = 300, CLASSES = 2 };

/* ---- weights of samples ---- */

/* A network of one layer, and all that may train it. */
typedef struct scene {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_layer *layer; /* borrowed */
    mf_workspace *workspace, *alone;
    mf_pipeline *pipeline;
    float *gradients;
    size_t count;
} scene;

static scene set_up(void)
{
    const size_t widths[] = {2, 3};
    scene s = {.optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1)};
    saved_values values;

    s.network = make_stack(widths, 1, CLASSES, 7, s.optimizer);
    s.layer = layer_at(s.network, 0);
    s.workspace = make_network_workspace(s.network, 2);
    s.alone = make_layer_workspace(s.layer, 2);
    s.pipeline = make_network_pipeline(s.network, 2, 1);
    values = save_layer_values(s.layer);
    s.count = values.count;
    s.gradients = get_zeroed(s.count, sizeof *s.gradients);
    free_saved_values(&values);
    return s;
}

static void tear_down(scene *s)
{
    mf_pipeline_free(s->pipeline);
    mf_workspace_free(s->workspace);
    mf_workspace_free(s->alone);
    mf_network_free(s->network);
    mf_optimizer_free(s->optimizer);
    free(s->gradients);
}

/* Calls that read weights; each tells the loss that its report has. */

static mf_status step_layer(scene *s, const mf_batch *batch, double *loss)
{
    mf_status status = mf_layer_step_batch(s->layer, s->alone, batch, NULL);

    *loss = read_report(s->alone, 0).loss;
    return status;
}

static mf_status step_network(scene *s, const mf_batch *batch, double *loss)
{
    mf_status status = mf_network_step_batch(s->network, s->workspace, batch);

    *loss = read_report(s->workspace, 0).loss;
    return status;
}

static mf_status step_position(scene *s, const mf_batch *batch, double *loss)
{
    mf_status status = mf_network_step_layer_batch(s->network, s->workspace, 0, batch);

    *loss = read_report(s->workspace, 0).loss;
    return status;
}

static mf_status evaluate(scene *s, const mf_batch *batch, double *loss)
{
    mf_status status = mf_network_evaluate_batch(s->network, s->workspace, batch);

    *loss = read_report(s->workspace, 0).loss;
    return status;
}

static mf_status take_gradients(scene *s, const mf_batch *batch, double *loss)
{
    mf_status status = mf_layer_gradients(s->layer, s->alone, batch, NULL, s->gradients, s->count);

    *loss = read_report(s->alone, 0).loss;
    return status;
}

static mf_status submit(scene *s, const mf_batch *batch, double *loss)
{
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};
    mf_pipeline_report report = {.struct_size = sizeof report};
    mf_status status = mf_pipeline_submit_batch(s->pipeline, batch);

    check_ok(mf_pipeline_progress(s->pipeline, &progress));
    assert_int_equal(progress.submitted, status == MF_STATUS_OK);
    if (status != MF_STATUS_OK)
        return status;
    check_ok(mf_pipeline_flush(s->pipeline));
    check_ok(mf_pipeline_poll(s->pipeline, &report));
    check_ok(report.status);
    *loss = report.loss;
    return status;
}

/* Weights of 1e-40 would be 0 in a step, and their sum a divisor. Beside a weight of 1 they are nothing: the
 * loss is that of the row of weight 1 alone. */
static void test_subnormal_weights_are_refused(void **state)
{
    static mf_status (*const calls[])(scene *, const mf_batch *, double *) = {
        step_layer, step_network, step_position, evaluate, take_gradients, submit};
    const float x[4] = {1, 2, 3, 4}, none[][2] = {{1e-40f, 0.0f}, {1e-40f, 1e-41f}}, some[2] = {1e-40f, 1.0f};
    const int32_t y[2] = {0, 1};

    (void)state;
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        scene s = set_up();
        saved_values before = save_layer_values(s.layer), after;
        mf_batch batch = make_batch(2, x, y), last = make_batch(1, x + 2, y + 1);
        double loss = 0.0, expected = 0.0;

        for (size_t i = 0; i < COUNT_OF(none); i++) {
            batch.sample_weights = none[i];
            check_status(MF_STATUS_ARGUMENT, calls[c](&s, &batch, &loss));
            check_message("weights");
            check_layer_unchanged(&before, s.layer);
            for (size_t g = 0; g < s.count; g++)
                assert_true(s.gradients[g] == 0.0f);
        }
        check_ok(evaluate(&s, &last, &expected));
        batch.sample_weights = some;
        check_ok(calls[c](&s, &batch, &loss));
        check_near(expected, loss, 1e-6);
        after = save_layer_values(s.layer);
        for (size_t i = 0; i < after.count; i++)
            assert_true(isfinite(after.values[i]) && isfinite(s.gradients[i]));
        free_saved_values(&before);
        free_saved_values(&after);
        tear_down(&s);
    }
}

/* A row of a subnormal weight is not counted as correct, as one of weight 0 is not: one of two equal rows. */
static void test_subnormal_weights_do_not_count(void **state)
{
    const float x[4] = {1, 2, 1, 2}, weights[][2] = {{1.0f, 1.0f}, {1.0f, 0.0f}, {1.0f, 1e-40f}};
    const uint64_t correct[] = {2, 1, 1};
    scene s = set_up();
    int32_t y[2] = {0, 0};

    (void)state;
    check_ok(mf_network_predict(s.network, s.workspace, MF_PREDICT_LAST, 2, x, y));
    for (size_t i = 0; i < COUNT_OF(weights); i++) {
        mf_batch batch = make_batch(2, x, y);
        double loss = 0.0;

        batch.sample_weights = weights[i];
        check_ok(evaluate(&s, &batch, &loss));
        assert_int_equal(read_report(s.workspace, 0).correct, correct[i]);
    }
    tear_down(&s);
}

/* ---- norms ---- */

/* Norm of all gradients, summed in double. */
static double direct_norm(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch)
{
    saved_values values = save_layer_values(layer);
    size_t count = values.count;
    float *gradients = get_memory(count * sizeof *gradients);
    double sum = 0.0;

    check_ok(mf_layer_gradients(layer, workspace, batch, NULL, gradients, count));
    for (size_t i = 0; i < count; i++)
        sum += (double)gradients[i] * (double)gradients[i];
    free_saved_values(&values);
    free(gradients);
    return sqrt(sum);
}

/* Rows that differ by `apart`, with labels that alternate: the gradients of the rows cancel. */
static void draw_rows(float apart, float *x, int32_t *y)
{
    test_random random = {.state = 3};
    float first[WIDTH];

    for (size_t j = 0; j < WIDTH; j++)
        first[j] = (float)random_uniform(&random, -1.0, 1.0);
    for (size_t b = 0; b < ROWS; b++) {
        y[b] = (int32_t)(b % 2);
        for (size_t j = 0; j < WIDTH; j++)
            x[b * WIDTH + j] = first[j] + apart * (float)random_uniform(&random, -1.0, 1.0);
    }
}

static void check_norm(float apart)
{
    mf_layer_spec spec = layer_spec(WIDTH, WIDTH, CLASSES);
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.0);
    mf_optimizer *optimizer = NULL;
    mf_layer *layer;
    float *x = get_memory(ROWS * WIDTH * sizeof *x);
    int32_t y[ROWS];

    how.clip_norm = 1e-3f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    spec.projection_gain = 1e-3f; /* so that both classes are nearly as probable */
    layer = make_layer(&spec);
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_trainable(layer, "projection", 0)); /* dW alone */
    check_ok(mf_layer_set_trainable(layer, "bias", 0));
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);

    draw_rows(apart, x, y);
    mf_batch batch = make_batch(ROWS, x, y);
    double want = direct_norm(layer, workspace, &batch);

    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    assert_true(fabs(read_report(workspace, 0).gradient_norm - want) <= 2e-3 * want);
    free(x);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_the_norm_is_exact_if_rows_cancel(void **state)
{
    (void)state;
    check_norm(1.0f);
    check_norm(1e-2f);
    check_norm(6.8e-3f);
    check_norm(1e-4f);
    check_norm(1e-6f);
    check_norm(0.0f);
}

/* What an update makes of that: the gradient of W as it is where its norm is below `clip_norm`, and scaled to
 * it where it is above, as double precision has both. */
static void check_update(float apart, double share)
{
    mf_layer_spec spec = layer_spec(WIDTH, WIDTH, CLASSES);
    oracle_optimizer how = {.kind = MF_OPTIMIZER_SGD, .epsilon = 1e-8};
    char name[80];
    int32_t y[ROWS];
    float *x = get_memory(ROWS * WIDTH * sizeof *x);
    double *a = get_memory(ROWS * WIDTH * sizeof *a), *exact, norm;
    mf_layer *layer;

    spec.projection_gain = 1e-3f;
    layer = make_layer(&spec);
    draw_rows(apart, x, y);
    exact = oracle_rows(x, ROWS, WIDTH, WIDTH);
    check_ok(mf_layer_set_trainable(layer, "projection", 0));
    check_ok(mf_layer_set_trainable(layer, "bias", 0));
    oracle_layer *oracle = oracle_create(&spec, layer);

    oracle->projection.frozen = oracle->bias.frozen = 1;
    oracle_gradients(oracle, ROWS, exact, y, NULL, a);
    norm = sqrt(oracle_squared_norm(&oracle->weight));
    how.rate = 1.0 / norm; /* so that the way is long beside what float32 rounds away */
    how.clip = share * norm;
    how = rounded_to_float(how);
    mf_optimizer *optimizer = make_optimizer_of(&how);
    mf_workspace *workspace = make_layer_workspace(layer, ROWS);
    mf_batch batch = make_batch(ROWS, x, y);
    saved_values start = save_layer_values(layer);

    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    oracle_step(oracle, &how, ROWS, exact, y, NULL, a);
    snprintf(name, sizeof name, "rows %g apart, clipped at %g of the norm", (double)apart, share);
    compare_with_oracle(name, layer, oracle, &start, 5e-3);
    free_saved_values(&start);
    free(x);
    free(a);
    free(exact);
    oracle_free(oracle);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

static void test_updates_are_clipped_right_if_rows_cancel(void **state)
{
    const float apart[] = {1.0f, 1e-2f, 1e-4f, 1e-6f, 0.0f};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(apart); i++) {
        check_update(apart[i], 0.9);
        check_update(apart[i], 1.1);
    }
}

/* The norm of dW alone, from inputs and projections of that size, is that of its values. */
static void check_norm_of_values(float of_x, float of_projection)
{
    enum { LARGE_INPUTS = 512, OUTPUTS = 256, FEW = 4 };
    mf_layer_spec spec = layer_spec(LARGE_INPUTS, OUTPUTS, FEW);
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 1e-30);
    float *x = get_memory(FEW * LARGE_INPUTS * sizeof *x),
          *w = get_memory(OUTPUTS * LARGE_INPUTS * sizeof *w), m[FEW * OUTPUTS];
    const int32_t y[FEW] = {0, 1, 2, 3};
    mf_optimizer *optimizer = NULL;

    for (size_t i = 0; i < FEW * LARGE_INPUTS; i++)
        x[i] = (float)((int)(i * 104729 % 11) - 5) * of_x;
    for (size_t i = 0; i < OUTPUTS * LARGE_INPUTS; i++)
        w[i] = (float)((int)(i * 7919 % 13) - 6) * (6e-3f / of_x);
    for (size_t i = 0; i < FEW * OUTPUTS; i++)
        m[i] = (float)((int)(i * 31 % 7) - 3) * of_projection;
    spec.activation = MF_ACTIVATION_TANH;
    how.clip_norm = 1.0f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    mf_layer *layer = make_layer(&spec);
    mf_workspace *workspace = make_layer_workspace(layer, FEW);
    mf_batch batch = make_batch(FEW, x, y);
    size_t count = parameter_count(layer, "weight") + parameter_count(layer, "bias") +
                   parameter_count(layer, "projection");
    float *gradients = get_memory(count * sizeof *gradients);
    double squares = 0.0;

    check_ok(mf_layer_set_optimizer(layer, optimizer));
    check_ok(mf_layer_set_parameter(layer, "weight", w, OUTPUTS * LARGE_INPUTS));
    check_ok(mf_layer_set_parameter(layer, "projection", m, FEW * OUTPUTS));
    check_ok(mf_layer_set_trainable(layer, "projection", 0));
    check_ok(mf_layer_set_trainable(layer, "bias", 0));
    check_ok(mf_layer_gradients(layer, workspace, &batch, NULL, gradients, count));
    for (size_t i = 0; i < count; i++)
        squares += (double)gradients[i] * (double)gradients[i];
    assert_true(squares > 0.0);
    check_ok(mf_layer_step_batch(layer, workspace, &batch, NULL));
    check_near(sqrt(squares), read_report(workspace, 0).gradient_norm, 1e-4 * sqrt(squares));
    free(x);
    free(w);
    free(gradients);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
}

/* Products of rows with each other overflow where the gradient does not, or are too small for a float. */
static void test_the_norm_is_exact_if_products_of_rows_are_not(void **state)
{
    (void)state;
    check_norm_of_values(6e17f, 0.1f);
    check_norm_of_values(1e15f, 1e-24f);
}

/* The squares of the first are 0 in float32, those of the others inf. */
static void test_gradients_of_any_size_are_clipped(void **state)
{
    enum { VALUES = 3 * 2 + 3 + CLASSES * 3 };
    const struct {
        float gradient, clip;
        double rate;
        mf_status expected;
    } cases[] = {{1e-22f, 1e-24f, 1e22, MF_STATUS_OK},
                 {6e17f, 1.0f, 1e-2, MF_STATUS_OK},
                 {1e24f, 1.0f, 1e-2, MF_STATUS_OK},
                 {1e38f, 0.5f, 1e-2, MF_STATUS_NUMERIC}}; /* by a factor that is 0 */
    mf_layer_spec spec = layer_spec(2, 3, CLASSES);

    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, cases[c].rate);
        mf_optimizer *optimizer = NULL;
        float gradients[VALUES];
        mf_layer *layer = make_layer(&spec);
        saved_values before = save_layer_values(layer), after;
        double length = cases[c].expected == MF_STATUS_OK ? cases[c].rate * (double)cases[c].clip : 0.0;

        how.clip_norm = cases[c].clip;
        check_ok(mf_optimizer_create(&how, &optimizer));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        assert_int_equal(before.count, VALUES);
        for (size_t i = 0; i < VALUES; i++)
            gradients[i] = cases[c].gradient;
        check_status(cases[c].expected, mf_layer_apply(layer, gradients, VALUES));
        after = save_layer_values(layer);
        for (size_t i = 0; i < VALUES; i++)
            check_near(length / sqrt((double)VALUES), (double)before.values[i] - (double)after.values[i],
                       1e-5);
        free_saved_values(&before);
        free_saved_values(&after);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
    check_message("which cannot be clipped");
}

/* The same in a step, which scales dG and goes back once more: an update as long as it may be, however large dW
 * is. */
static void test_steps_of_large_gradients_are_as_long_as_they_may_be(void **state)
{
    const float sizes[] = {1e18f, 1e20f, 1e24f, 1e30f, 1e36f}, zeros[6] = {0};
    mf_layer_spec spec = layer_spec(2, 3, CLASSES);

    (void)state;
    spec.activation = MF_ACTIVATION_TANH;
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
        mf_optimizer *optimizer = NULL;
        mf_layer *layer = make_layer(&spec);
        mf_workspace *workspace = make_layer_workspace(layer, 2);
        const float x[4] = {sizes[s], -sizes[s], sizes[s], sizes[s]};
        const int32_t y[2] = {0, 1};
        double squares = 0.0;

        how.clip_norm = 1.0f;
        check_ok(mf_optimizer_create(&how, &optimizer));
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        check_ok(mf_layer_set_parameter(layer, "weight", zeros, 6)); /* the loss is as for no input */
        check_ok(mf_layer_set_parameter(layer, "bias", zeros, 3));
        saved_values before = save_layer_values(layer), after;
        mf_status status = mf_layer_step(layer, workspace, 2, x, y, NULL);
        after = save_layer_values(layer);
        for (size_t i = 0; i < before.count; i++)
            squares += pow((double)after.values[i] - (double)before.values[i], 2.0);
        check_status(sizes[s] < 1e25f ? MF_STATUS_OK : MF_STATUS_NUMERIC, status);
        check_near(status == MF_STATUS_OK ? 0.1 : 0.0, sqrt(squares), 1e-5);
        free_saved_values(&before);
        free_saved_values(&after);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
    }
}

/* ---- settings and starts ---- */

/* A double that a float in a step takes for 0 means something else than 0 to the host. */
static void test_values_that_are_0_as_a_float_are_refused(void **state)
{
    const double values[] = {1e-60, 1e-40, (double)FLT_MIN / 2.0};
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_layer_spec spec = layer_spec(2, 3, CLASSES);
    mf_optimizer *optimizer = NULL;
    mf_layer *layer = make_layer(&spec);

    (void)state;
    check_ok(mf_optimizer_create(&how, &optimizer));
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, values[i]));
        check_message("clip_norm");
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, values[i]));
        check_status(MF_STATUS_ARGUMENT, mf_optimizer_set(optimizer, MF_OPTIMIZER_WEIGHT_DECAY, values[i]));
        check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, MF_LAYER_DROPOUT, values[i]));
        check_status(MF_STATUS_ARGUMENT, mf_layer_set(layer, MF_LAYER_LABEL_SMOOTHING, values[i]));
    }
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, (double)FLT_MIN));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CLIP_NORM, 0.0));
    mf_optimizer_free(optimizer);
    optimizer = NULL;
    how.clip_norm = 1e-40f;
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&how, &optimizer));
    mf_layer_free(layer);
    spec.weight_gain = spec.projection_gain = 1e-40f;
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    check_message("are both 0");
}

/* Gains near the end of the range would start with values that are not finite. */
static void test_initial_parameters_are_finite(void **state)
{
    const int32_t inits[] = {MF_INIT_KAIMING_UNIFORM, MF_INIT_ORTHOGONAL, MF_INIT_NORMAL};
    mf_layer_spec spec = layer_spec(1, 40, CLASSES);
    mf_layer *layer = NULL;

    (void)state;
    spec.weight_gain = spec.projection_gain = 1e30f;
    for (size_t i = 0; i < COUNT_OF(inits); i++) {
        spec.weight_init = spec.projection_init = inits[i];
        layer = make_layer(&spec);
        saved_values start = save_layer_values(layer);

        for (size_t v = 0; v < start.count; v++)
            assert_true(isfinite(start.values[v]));
        free_saved_values(&start);
        mf_layer_free(layer);
    }
    spec.weight_gain = FLT_MAX;
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&spec, &layer));
    check_message("weight_gain");
}

/* ---- second moments ---- */

/* The smallest squares that are normal numbers: RMSprop without memory divides a gradient by its own size. */
static void test_roots_of_the_smallest_moments(void **state)
{
    const float sizes[] = {1.6e-19f, 1.5e-19f, 1.3e-19f, 1.1e-19f};
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_RMSPROP, 0.1);
    mf_optimizer *optimizer;

    (void)state;
    how.beta2 = 0.0f;
    how.epsilon = 1.2e-38f;
    check_ok(mf_optimizer_create(&how, &optimizer));
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        scene s = set_up();
        check_ok(mf_layer_set_optimizer(s.layer, optimizer));
        saved_values before = save_layer_values(s.layer);
        for (size_t i = 0; i < s.count; i++)
            s.gradients[i] = sizes[k];
        check_ok(mf_layer_apply(s.layer, s.gradients, s.count));
        saved_values after = save_layer_values(s.layer);
        for (size_t i = 0; i < s.count; i++)
            check_near((double)before.values[i] - 0.1, (double)after.values[i], 1e-6);
        free_saved_values(&before);
        free_saved_values(&after);
        tear_down(&s);
    }
    mf_optimizer_free(optimizer);
}

/* ---- flags ---- */

/* A step looks at the processor's flags, and raises one itself to see whether there are any. Those of the
 * host stay as they were: what it has raised, and nothing else. */
static void test_flags_of_the_host_stay(void **state)
{
    const float x[2] = {0.5f, -0.25f};
    const int32_t y = 1;
    const mf_batch batch = make_batch(1, x, &y);
    scene s = set_up();

    (void)state;
#if defined(FE_DIVBYZERO) && defined(FE_OVERFLOW)
    feclearexcept(FE_ALL_EXCEPT);
    check_ok(mf_network_step(s.network, s.workspace, 1, x, &y));
    check_ok(mf_layer_gradients(s.layer, s.alone, &batch, NULL, s.gradients, s.count));
    check_ok(mf_layer_apply(s.layer, s.gradients, s.count));
    assert_int_equal(fetestexcept(FE_DIVBYZERO | FE_OVERFLOW), 0);
    feraiseexcept(FE_DIVBYZERO);
    if (fetestexcept(FE_DIVBYZERO) == 0) { /* valgrind has none */
        tear_down(&s);
        skip_because("there are no floating-point flags");
    }
    check_ok(mf_network_step(s.network, s.workspace, 1, x, &y));
    check_ok(mf_layer_gradients(s.layer, s.alone, &batch, NULL, s.gradients, s.count));
    check_ok(mf_layer_apply(s.layer, s.gradients, s.count));
    assert_int_equal(fetestexcept(FE_DIVBYZERO | FE_OVERFLOW), FE_DIVBYZERO);
    feclearexcept(FE_ALL_EXCEPT);
#endif
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subnormal_weights_are_refused),
        cmocka_unit_test(test_subnormal_weights_do_not_count),
        cmocka_unit_test(test_the_norm_is_exact_if_rows_cancel),
        cmocka_unit_test(test_updates_are_clipped_right_if_rows_cancel),
        cmocka_unit_test(test_the_norm_is_exact_if_products_of_rows_are_not),
        cmocka_unit_test(test_gradients_of_any_size_are_clipped),
        cmocka_unit_test(test_steps_of_large_gradients_are_as_long_as_they_may_be),
        cmocka_unit_test(test_values_that_are_0_as_a_float_are_refused),
        cmocka_unit_test(test_initial_parameters_are_finite),
        cmocka_unit_test(test_roots_of_the_smallest_moments),
        cmocka_unit_test(test_flags_of_the_host_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
