/* Batch normalisation where something is wrong: single values, losses and gradients that are not finite,
 * values that no variance can have. Nothing has changed afterwards. SPDX-License-Identifier: MIT */
#include <math.h>

#include "build.h"
#include "random.h"

enum { INPUTS = 4, NEURONS = 3, CLASSES = 4, ROWS = 3 };

static mf_layer_spec dense_spec(void)
{
    mf_layer_spec spec = layer_spec(INPUTS, NEURONS, CLASSES);

    spec.normalization = MF_NORMALIZATION_BATCH;
    return spec;
}

/* From four maps of one value to three of them. */
static mf_layer_spec point_spec(void)
{
    mf_layer_spec spec = conv_spec(INPUTS, 1, 1, NEURONS, CLASSES);

    spec.kernel[0] = spec.kernel[1] = 1;
    spec.normalization = MF_NORMALIZATION_BATCH;
    return spec;
}

typedef struct fixture {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    saved_values before;
    float x[ROWS * INPUTS], *gradients;
    int32_t y[ROWS];
} fixture;

/* Trained a little, so that mean, variance and moments are something. */
static void start_fixture(fixture *f, const mf_layer_spec *spec, float clip)
{
    mf_optimizer_spec values = optimizer_spec(MF_OPTIMIZER_ADAM, 0.01);
    test_random random = {9};

    memset(f, 0, sizeof *f);
    values.clip_norm = clip;
    check_ok(mf_optimizer_create(&values, &f->optimizer));
    f->layer = make_layer(spec);
    check_ok(mf_layer_set_optimizer(f->layer, f->optimizer));
    f->workspace = make_layer_workspace(f->layer, ROWS);
    random_values(&random, f->x, COUNT_OF(f->x), 1.0);
    random_labels(&random, f->y, ROWS, CLASSES);
    for (int i = 0; i < 3; i++)
        check_ok(mf_layer_step(f->layer, f->workspace, ROWS, f->x, f->y, NULL));
    f->before = save_layer_values(f->layer);
    f->gradients = get_memory(f->before.count * sizeof *f->gradients);
}

static void free_fixture(fixture *f)
{
    mf_workspace_free(f->workspace);
    mf_layer_free(f->layer);
    mf_optimizer_free(f->optimizer);
    free_saved_values(&f->before);
    free(f->gradients);
}

/* Steps and gradients alike, and the layer is as before. */
static void refuse(fixture *f, mf_status expected, size_t rows)
{
    mf_batch batch = make_batch(rows, f->x, f->y);

    check_status(expected, mf_layer_step(f->layer, f->workspace, rows, f->x, f->y, NULL));
    check_status(expected, mf_layer_step_batch(f->layer, f->workspace, &batch, NULL));
    check_status(expected,
                 mf_layer_gradients(f->layer, f->workspace, &batch, NULL, f->gradients, f->before.count));
    check_layer_unchanged(&f->before, f->layer);
}

static void remember(fixture *f)
{
    free_saved_values(&f->before);
    f->before = save_layer_values(f->layer);
}

static void test_a_single_value_cannot_be_normalised(void **state)
{
    (void)state;
    for (int conv = 0; conv <= 1; conv++) {
        mf_layer_spec spec = conv ? point_spec() : dense_spec();
        float a[NEURONS];
        fixture f;

        start_fixture(&f, &spec, 0.0f);
        refuse(&f, MF_STATUS_CAPACITY, 1);
        check_ok(mf_layer_forward(f.layer, f.workspace, 1, f.x, a)); /* inference has no need of two */
        check_ok(mf_layer_step(f.layer, f.workspace, 2, f.x, f.y, NULL));
        /* A layer that learns nothing else is refused as well; one with frozen mean and variance is not. */
        check_ok(mf_layer_set_trainable(f.layer, "weight", 0));
        check_ok(mf_layer_set_trainable(f.layer, "scale", 0));
        remember(&f);
        refuse(&f, MF_STATUS_CAPACITY, 1);
        check_ok(mf_layer_set_trainable(f.layer, "variance", 0));
        check_ok(mf_layer_step(f.layer, f.workspace, 1, f.x, f.y, NULL));
        free_fixture(&f);
    }
}

/* A map of two values is enough for one row, whatever pooling leaves of it. */
static void test_two_values_of_a_channel_suffice(void **state)
{
    mf_layer_spec spec = conv_spec(2, 2, 1, NEURONS, CLASSES);
    fixture f;

    (void)state;
    spec.kernel[0] = spec.kernel[1] = 1;
    spec.pool = MF_POOL_AVERAGE;
    spec.pool_size[1] = 1;
    spec.normalization = MF_NORMALIZATION_BATCH;
    start_fixture(&f, &spec, 0.0f);
    check_ok(mf_layer_step(f.layer, f.workspace, 1, f.x, f.y, NULL));
    free_fixture(&f);
}

/* Found before the first layer of a network changes, and only where a layer trains. */
static void test_a_network_refuses_before_its_first_layer_changes(void **state)
{
    mf_network *network = make_network();
    mf_layer_spec normal = dense_spec(), next = layer_spec(NEURONS, NEURONS, CLASSES);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_layer *first = make_plain_layer(INPUTS, INPUTS, CLASSES, 3);
    mf_layer *middle = make_layer(&normal), *last = make_layer(&next);
    const float x[INPUTS] = {1.0f, -2.0f, 0.5f, 3.0f};
    const int32_t y = 2;

    (void)state;
    check_ok(mf_network_append(network, first, NULL));
    check_ok(mf_network_append(network, middle, NULL));
    check_ok(mf_network_append(network, last, NULL));
    check_ok(mf_network_set_optimizer(network, optimizer));
    mf_workspace *workspace = make_network_workspace(network, 2);
    saved_values before = save_network_values(network);

    check_status(MF_STATUS_CAPACITY, mf_network_step(network, workspace, 1, x, &y));
    check_status(MF_STATUS_CAPACITY, mf_network_step_layer(network, workspace, 1, 1, x, &y));
    check_network_unchanged(&before, network);
    check_ok(mf_network_evaluate(network, workspace, 1, x, &y));
    check_ok(mf_network_step_layer(network, workspace, 0, 1, x, &y));
    check_ok(mf_network_step_layer(network, workspace, 2, 1, x, &y));
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(first);
    mf_layer_free(middle);
    mf_layer_free(last);
    mf_optimizer_free(optimizer);
}

/* Finite parameters whose goodness is not. */
static void test_a_loss_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    for (int conv = 0; conv <= 1; conv++) {
        mf_layer_spec spec = conv ? point_spec() : dense_spec();
        float huge[CLASSES * NEURONS], bias[NEURONS] = {8, 8, 8};
        fixture f;

        start_fixture(&f, &spec, 0.0f);
        for (size_t i = 0; i < COUNT_OF(huge); i++)
            huge[i] = i % 2 ? 3e38f : -3e38f;
        check_ok(mf_layer_set_parameter(f.layer, "projection", huge, COUNT_OF(huge)));
        check_ok(mf_layer_set_parameter(f.layer, "bias", bias, NEURONS));
        remember(&f);
        refuse(&f, MF_STATUS_NUMERIC, ROWS);
        assert_int_equal(read_report(f.workspace, 0).applied, 3);
        free_fixture(&f);
    }
}

/* Behind weights of 0 the loss is as for no input, but inputs and projections this large leave no finite dW:
 * with clipping that is found before anything changes. */
static void test_a_gradient_that_is_not_finite_changes_nothing(void **state)
{
    (void)state;
    for (int conv = 0; conv <= 1; conv++) {
        mf_layer_spec spec = conv ? point_spec() : dense_spec();
        float zeros[NEURONS * INPUTS] = {0}, large[CLASSES * NEURONS];
        fixture f;

        spec.activation = MF_ACTIVATION_IDENTITY;
        start_fixture(&f, &spec, 1.0f);
        for (size_t i = 0; i < COUNT_OF(large); i++)
            large[i] = (i % 5 ? 1e20f : -1e20f);
        for (size_t i = 0; i < COUNT_OF(f.x); i++)
            f.x[i] *= 1e30f;
        for (int32_t i = 0; i < ROWS; i++)
            f.y[i] = i % CLASSES; /* so that rows have different dz */
        check_ok(mf_layer_set_parameter(f.layer, "weight", zeros, COUNT_OF(zeros)));
        check_ok(mf_layer_set_parameter(f.layer, "bias", zeros, NEURONS));
        check_ok(mf_layer_set_parameter(f.layer, "projection", large, COUNT_OF(large)));
        remember(&f);
        check_status(MF_STATUS_NUMERIC, mf_layer_step(f.layer, f.workspace, ROWS, f.x, f.y, NULL));
        check_message("gradient");
        check_layer_unchanged(&f.before, f.layer);
        assert_int_equal(read_report(f.workspace, 0).applied, 3);
        free_fixture(&f);
    }
}

static void test_wrong_batches_change_nothing(void **state)
{
    mf_layer_spec spec = point_spec();
    fixture f;

    (void)state;
    start_fixture(&f, &spec, 0.0f);
    f.y[2] = CLASSES;
    refuse(&f, MF_STATUS_LABEL, ROWS);
    f.y[2] = 0;
    refuse(&f, MF_STATUS_CAPACITY, ROWS + 1);
    refuse(&f, MF_STATUS_CAPACITY, 0);
    f.x[7] = NAN;
    refuse(&f, MF_STATUS_NUMERIC, ROWS);
    free_fixture(&f);
}

static void test_a_variance_must_not_be_negative(void **state)
{
    mf_layer_spec spec = dense_spec();
    const float wrong[][NEURONS] = {{1, 1, -1e-30f}, {NAN, 1, 1}, {1, INFINITY, 1}},
                good[NEURONS] = {0, 1, 3e38f};
    const float negative[NEURONS] = {-1, -2, -3};
    fixture f;

    (void)state;
    start_fixture(&f, &spec, 0.0f);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_status(MF_STATUS_NUMERIC, mf_layer_set_parameter(f.layer, "variance", wrong[i], NEURONS));
    check_status(MF_STATUS_SHAPE, mf_layer_set_parameter(f.layer, "variance", good, NEURONS - 1));
    check_layer_unchanged(&f.before, f.layer);
    check_ok(mf_layer_set_parameter(f.layer, "variance", good, NEURONS));
    check_ok(mf_layer_set_parameter(f.layer, "mean", negative, NEURONS));
    check_ok(mf_layer_set_parameter(f.layer, "scale", negative, NEURONS));
    free_fixture(&f);
}

/* What a layer has not, it cannot be asked for. */
static void test_without_normalisation_there_are_no_statistics(void **state)
{
    mf_layer *layer = make_plain_layer(INPUTS, NEURONS, CLASSES, 1);
    float values[NEURONS] = {0};

    (void)state;
    check_status(MF_STATUS_NOT_FOUND, mf_layer_get_parameter(layer, "scale", values, NEURONS));
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_parameter(layer, "mean", values, NEURONS));
    check_status(MF_STATUS_NOT_FOUND, mf_layer_set_trainable(layer, "variance", 0));
    mf_layer_free(layer);
}

/* A channel of equal values has variance 0: z = b, and dz - mean(dz) comes through, divided by sqrt(epsilon).
 */
static void test_a_constant_channel_has_finite_gradients(void **state)
{
    mf_layer_spec spec = point_spec();
    const float zeros[NEURONS * INPUTS] = {0}, bias[NEURONS] = {0.5f, -1.0f, 2.0f};
    float a[ROWS * NEURONS];
    fixture f;

    (void)state;
    spec.activation = MF_ACTIVATION_IDENTITY;
    start_fixture(&f, &spec, 0.0f);
    check_ok(mf_layer_set_parameter(f.layer, "weight", zeros, COUNT_OF(zeros)));
    check_ok(mf_layer_set_parameter(f.layer, "bias", bias, NEURONS));
    mf_batch batch = make_batch(ROWS, f.x, f.y);

    check_ok(mf_layer_gradients(f.layer, f.workspace, &batch, a, f.gradients, f.before.count));
    for (size_t i = 0; i < COUNT_OF(a); i++)
        assert_true(a[i] == bias[i % NEURONS]);
    for (size_t i = 0; i < f.before.count; i++)
        assert_true(isfinite(f.gradients[i]));
    free_fixture(&f);
}

/* The gradients of mean and variance are 0, and what a host puts there counts neither in the norm nor in the
 * update. */
static void test_mean_and_variance_have_no_gradients(void **state)
{
    (void)state;
    for (int conv = 0; conv <= 1; conv++) {
        mf_layer_spec spec = conv ? point_spec() : dense_spec();
        fixture f, twin;

        start_fixture(&f, &spec, 0.01f);
        start_fixture(&twin, &spec, 0.01f);
        mf_batch batch = make_batch(ROWS, f.x, f.y);
        size_t count = f.before.count, running = count - 2 * NEURONS;

        memset(f.gradients, 0x7F, count * sizeof *f.gradients);
        check_ok(mf_layer_gradients(f.layer, f.workspace, &batch, NULL, f.gradients, count));
        check_ok(mf_layer_gradients(twin.layer, twin.workspace, &batch, NULL, twin.gradients, count));
        for (size_t i = running; i < count; i++) {
            assert_true(f.gradients[i] == 0.0f);
            f.gradients[i] = 1000.0f;
        }
        remember(&f);
        check_ok(mf_layer_apply(f.layer, f.gradients, count));
        check_ok(mf_layer_apply(twin.layer, twin.gradients, count));
        saved_values after = save_layer_values(f.layer);

        assert_memory_equal(after.values + running, f.before.values + running, 2 * NEURONS * sizeof(float));
        check_layer_unchanged(&after, twin.layer);
        assert_false(same_values(&after, &f.before));
        free_saved_values(&after);
        free_fixture(&f);
        free_fixture(&twin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_single_value_cannot_be_normalised),
        cmocka_unit_test(test_two_values_of_a_channel_suffice),
        cmocka_unit_test(test_a_network_refuses_before_its_first_layer_changes),
        cmocka_unit_test(test_a_loss_that_is_not_finite_changes_nothing),
        cmocka_unit_test(test_a_gradient_that_is_not_finite_changes_nothing),
        cmocka_unit_test(test_wrong_batches_change_nothing),
        cmocka_unit_test(test_a_variance_must_not_be_negative),
        cmocka_unit_test(test_without_normalisation_there_are_no_statistics),
        cmocka_unit_test(test_a_constant_channel_has_finite_gradients),
        cmocka_unit_test(test_mean_and_variance_have_no_gradients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
