/* Clones, copied parameters and averages: what is the same, what stays, what is refused.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "models.h"
#include "random.h"
#include "sweep.h"
#include "units.h"

/* The network of the tests of files, trained, with a frozen parameter and metadata. Its optimizer is shared
 * by all layers but the last, which has one of its own. */
static mf_network *trained(int32_t kind)
{
    mf_optimizer *optimizer = make_optimizer(kind, 0.01), *own = make_optimizer(MF_OPTIMIZER_SGD, 0.02);
    mf_network *network = model_network(optimizer);

    check_ok(mf_layer_set_optimizer(layer_at(network, MODEL_LAYERS - 1), own));
    mf_optimizer_free(optimizer);
    mf_optimizer_free(own);
    check_ok(mf_layer_set_trainable(layer_at(network, 1), "weight", 0));
    check_ok(mf_network_metadata_set(network, "class_names", "a\nb"));
    model_train(network, 0, 3);
    return network;
}

/* Layers of several units. */
static mf_network *trained_units(void)
{
    units_plan plan = plan_residual(3, 4, 4, 5);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_units_network(&plan, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, 6);
    float x[6 * 3 * 4 * 4];
    int32_t y[6];
    test_random random = {5};

    mf_optimizer_free(optimizer);
    random_values(&random, x, sizeof x / sizeof *x, 1.0);
    random_labels(&random, y, 6, 5);
    for (int i = 0; i < 3; i++)
        check_ok(mf_network_step(network, workspace, 6, x, y));
    mf_workspace_free(workspace);
    return network;
}

static mf_network *cloned(const mf_network *network, int32_t contents)
{
    mf_network *clone = NULL;

    check_ok(mf_network_clone(network, contents, NULL, &clone));
    assert_non_null(clone);
    assert_ptr_not_equal(clone, network);
    return clone;
}

/* ---- clones: a file says what a network is ---- */

static void check_same_file(const mf_network *one, const mf_network *other, int32_t contents)
{
    size_t bytes, again;
    void *file = model_save(one, contents, &bytes), *copy = model_save(other, contents, &again);

    assert_int_equal(bytes, again);
    assert_memory_equal(file, copy, bytes);
    free(file);
    free(copy);
}

static void test_a_clone_is_the_same_network(void **state)
{
    mf_network *networks[] = {trained(MF_OPTIMIZER_ADAM), trained(MF_OPTIMIZER_RMSPROP), trained_units(),
                              make_network()};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(networks); i++) {
        mf_network *clone = cloned(networks[i], MF_CONTENTS_TRAINING);

        check_same_file(networks[i], clone, MF_CONTENTS_TRAINING);
        mf_network_free(networks[i]);
        mf_network_free(clone);
    }
}

static void test_a_clone_of_the_model_has_no_training(void **state)
{
    mf_network *network = trained(MF_OPTIMIZER_ADAM), *clone = cloned(network, MF_CONTENTS_MODEL), *loaded;
    size_t bytes;
    void *file = model_save(network, MF_CONTENTS_MODEL, &bytes);

    (void)state;
    check_same_file(network, clone, MF_CONTENTS_MODEL);
    for (size_t i = 0; i < MODEL_LAYERS; i++) {
        mf_optimizer *optimizer = (mf_optimizer *)1;

        check_ok(mf_layer_optimizer(layer_at(clone, i), &optimizer));
        assert_null(optimizer);
    }
    loaded = model_load(MF_CONTENTS_MODEL, file, bytes);
    check_same_file(loaded, clone, MF_CONTENTS_TRAINING);
    free(file);
    mf_network_free(loaded);
    mf_network_free(network);
    mf_network_free(clone);
}

/* Dropout, batch normalisation and all kinds of state go on; the two have nothing to do with each other. */
static void test_a_clone_learns_for_itself(void **state)
{
    for (int32_t kind = MF_OPTIMIZER_SGD; kind <= MF_OPTIMIZER_RMSPROP; kind++) {
        mf_network *network = trained(kind), *clone = cloned(network, MF_CONTENTS_TRAINING);
        mf_network *before = cloned(network, MF_CONTENTS_TRAINING);
        mf_optimizer *first = NULL, *second = NULL, *last = NULL, *original = NULL;

        (void)state;
        model_train(network, 3, 6);
        check_same_model(clone, before);
        model_train(clone, 3, 6);
        check_same_model(network, clone);
        check_ok(mf_layer_optimizer(layer_at(network, 0), &original));
        check_ok(mf_layer_optimizer(layer_at(clone, 0), &first));
        check_ok(mf_layer_optimizer(layer_at(clone, 1), &second));
        check_ok(mf_layer_optimizer(layer_at(clone, MODEL_LAYERS - 1), &last));
        assert_ptr_equal(first, second);
        assert_ptr_not_equal(first, last);
        assert_ptr_not_equal(first, original);
        mf_network_free(network); /* the clone owns all it needs */
        model_train(clone, 6, 7);
        mf_network_free(clone);
        mf_network_free(before);
    }
}

/* The momentum that a layer has room for, even where the hyper-parameter is 0 now. */
static void test_a_clone_keeps_room_for_momentum(void **state)
{
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_SGD, 0.01);
    mf_optimizer *optimizer = NULL;
    mf_network *network, *clone;

    (void)state;
    spec.momentum = 0.9f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    network = model_network(optimizer);
    model_train(network, 0, 2);
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_MOMENTUM, 0.0));
    clone = cloned(network, MF_CONTENTS_TRAINING);
    mf_optimizer_free(optimizer);
    check_same_model(network, clone);
    model_train(network, 2, 3);
    model_train(clone, 2, 3);
    check_same_model(network, clone);
    mf_network_free(network);
    mf_network_free(clone);
}

/* A file does not say whether updates are checked, so the clone is asked. */
static void test_a_clone_checks_its_updates_as_the_original_does(void **state)
{
    (void)state;
    for (int checked = 0; checked <= 1; checked++) {
        mf_network *network = trained(MF_OPTIMIZER_ADAM), *clone;
        mf_optimizer *original = NULL, *copy = NULL;
        double value = -1.0;

        check_ok(mf_layer_optimizer(layer_at(network, 0), &original));
        check_ok(mf_optimizer_set(original, MF_OPTIMIZER_CHECKED, checked));
        clone = cloned(network, MF_CONTENTS_TRAINING);
        check_ok(mf_layer_optimizer(layer_at(clone, 0), &copy));
        assert_ptr_not_equal(copy, original);
        check_ok(mf_optimizer_get(copy, MF_OPTIMIZER_CHECKED, &value));
        assert_true(value == checked);
        mf_network_free(network);
        mf_network_free(clone);
    }
}

static void test_clones_that_are_refused(void **state)
{
    mf_network *network = trained(MF_OPTIMIZER_ADAM), *clone = (mf_network *)1;
    const mf_allocator half = {.alloc = memory_allocator(&(test_memory){0}).alloc};

    (void)state;
    check_status(MF_STATUS_HANDLE, mf_network_clone(NULL, MF_CONTENTS_MODEL, NULL, &clone));
    assert_null(clone);
    check_status(MF_STATUS_ARGUMENT, mf_network_clone(network, MF_CONTENTS_MODEL, NULL, NULL));
    clone = (mf_network *)1;
    check_status(MF_STATUS_ARGUMENT, mf_network_clone(network, 2, NULL, &clone));
    check_message("contents 2");
    assert_null(clone);
    check_status(MF_STATUS_ARGUMENT, mf_network_clone(network, MF_CONTENTS_MODEL, &half, &clone));
    clone = (mf_network *)1;
    check_ok(mf_layer_set_classes(layer_at(network, 0), 7));
    check_status(MF_STATUS_SHAPE, mf_network_clone(network, MF_CONTENTS_MODEL, NULL, &clone));
    check_message("7");
    assert_null(clone);
    mf_network_free(network);
}

static void test_no_memory_for_a_clone(void **state)
{
    mf_network *network = trained(MF_OPTIMIZER_ADAM), *clone = NULL;

    (void)state;
    sweep(20, mf_network_clone(network, MF_CONTENTS_TRAINING, &allocator, &clone), check_null(clone));
    check_same_model(network, clone);
    mf_network_free(clone);
    mf_network_free(network);
}

/* ---- copies ---- */

/* Other values than `network` has, in a network with the same layers. */
static mf_network *otherwise(const mf_network *network, int32_t contents)
{
    mf_network *other = cloned(network, contents);
    test_random random = {17};

    for (size_t i = 0; i < MODEL_LAYERS; i++) {
        mf_layer *layer = layer_at(other, i);
        size_t count = 0;

        check_ok(mf_layer_parameter_count(layer, &count));
        for (size_t p = 0; p < count; p++) {
            mf_parameter_info info = {.struct_size = sizeof info};
            float *values;

            check_ok(mf_layer_parameter_info(layer, p, &info));
            values = get_memory(info.count * sizeof *values);
            random_values(&random, values, info.count, 1.0);
            for (size_t v = 0; v < info.count; v++)
                values[v] = strcmp(info.name, "variance") == 0 ? fabsf(values[v]) : values[v];
            check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
            free(values);
        }
    }
    return other;
}

static void test_parameters_are_copied_and_nothing_else(void **state)
{
    mf_network *learning = trained(MF_OPTIMIZER_ADAM), *serving = otherwise(learning, MF_CONTENTS_MODEL);
    mf_network *other = otherwise(learning, MF_CONTENTS_TRAINING),
               *before = cloned(learning, MF_CONTENTS_TRAINING);
    saved_values values = save_network_values(learning), others = save_network_values(other);

    (void)state;
    assert_false(same_values(&values, &others));
    check_ok(mf_network_copy_parameters(serving, learning)); /* to one without optimizer */
    check_network_unchanged(&values, serving);
    check_same_file(learning, serving, MF_CONTENTS_MODEL);
    check_same_model(learning, before);
    check_ok(mf_network_copy_parameters(learning, other)); /* between two that have one */
    check_network_unchanged(&others, learning);
    check_ok(mf_network_copy_parameters(learning, serving)); /* from one without */
    check_same_model(learning, before); /* state, counts, streams, options as they were */
    check_ok(mf_network_copy_parameters(learning, learning));
    check_same_model(learning, before);
    free_saved_values(&values);
    free_saved_values(&others);
    mf_network_free(learning);
    mf_network_free(serving);
    mf_network_free(other);
    mf_network_free(before);
}

static void test_workspaces_stay_valid_and_answer_anew(void **state)
{
    mf_network *learning = trained(MF_OPTIMIZER_ADAM), *serving = otherwise(learning, MF_CONTENTS_MODEL);
    mf_workspace *workspace = make_workspace(serving, NULL, MF_WORKSPACE_INFERENCE, MODEL_ROWS);
    mf_workspace *learner = make_workspace(learning, NULL, MF_WORKSPACE_INFERENCE, MODEL_ROWS);
    float x[MODEL_ROWS * MODEL_INPUTS], one[MODEL_ROWS * MODEL_CLASSES], two[MODEL_ROWS * MODEL_CLASSES];
    int32_t y[MODEL_ROWS];

    (void)state;
    model_batch(50, x, y);
    check_ok(mf_network_goodness(serving, workspace, MF_PREDICT_SUM, MODEL_ROWS, x, one));
    check_ok(mf_network_copy_parameters(serving, learning));
    check_ok(mf_network_goodness(serving, workspace, MF_PREDICT_SUM, MODEL_ROWS, x, two));
    assert_memory_not_equal(one, two, sizeof one);
    check_ok(mf_network_goodness(learning, learner, MF_PREDICT_SUM, MODEL_ROWS, x, one));
    assert_memory_equal(one, two, sizeof one);
    mf_workspace_free(workspace);
    mf_workspace_free(learner);
    mf_network_free(learning);
    mf_network_free(serving);
}

/* ---- averages ---- */

/* Compares with to + share (from - to) in long double: at most the last bit of a float may differ. */
static void check_blend(const saved_values *to, const saved_values *from, double share, const mf_network *got)
{
    saved_values now = save_network_values(got);

    assert_int_equal(now.count, to->count);
    for (size_t i = 0; i < to->count; i++) {
        long double exact =
            (long double)to->values[i] + share * ((long double)from->values[i] - (long double)to->values[i]);
        float step = nextafterf(fabsf((float)exact), INFINITY) - fabsf((float)exact);

        if (fabsl((long double)now.values[i] - exact) > 0.501L * step)
            fail_msg("value %zu: %.9g and %.9g with share %g give %.9g", i, (double)to->values[i],
                     (double)from->values[i], share, (double)now.values[i]);
    }
    free_saved_values(&now);
}

static void test_averages_are_those_of_every_value(void **state)
{
    static const double shares[] = {0.5, 0.001, 0.25, 1.0 / 3, 0.999999, 1e-12};
    mf_network *network = trained(MF_OPTIMIZER_ADAM), *other = otherwise(network, MF_CONTENTS_MODEL);
    saved_values from = save_network_values(other);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        mf_network *average = cloned(network, MF_CONTENTS_MODEL);
        saved_values to = save_network_values(average);

        check_ok(mf_network_blend_parameters(average, other, shares[i]));
        check_blend(&to, &from, shares[i], average);
        check_network_unchanged(&from, other);
        free_saved_values(&to);
        mf_network_free(average);
    }
    free_saved_values(&from);
    mf_network_free(network);
    mf_network_free(other);
}

static void test_shares_of_0_and_1_and_equal_values_are_exact(void **state)
{
    mf_network *network = trained(MF_OPTIMIZER_ADAM), *other = otherwise(network, MF_CONTENTS_MODEL);
    saved_values before = save_network_values(network), others = save_network_values(other);

    (void)state;
    check_ok(mf_network_blend_parameters(network, other, 0.0));
    check_network_unchanged(&before, network);
    check_ok(mf_network_blend_parameters(network, network, 0.3));
    check_network_unchanged(&before, network);
    check_ok(mf_network_blend_parameters(network, other, 1.0));
    check_network_unchanged(&others, network);
    check_ok(mf_network_blend_parameters(network, other, 0.7));
    check_network_unchanged(&others, network);
    free_saved_values(&before);
    free_saved_values(&others);
    mf_network_free(network);
    mf_network_free(other);
}

/* The n-th network with share 1/n: the mean of all. And a moving average, as one would write it by hand. */
static void test_a_run_is_averaged(void **state)
{
    enum { STEPS = 20 };
    const double decay = 0.9;
    mf_network *network = trained(MF_OPTIMIZER_ADAM), *mean = cloned(network, MF_CONTENTS_MODEL);
    mf_network *moving = cloned(network, MF_CONTENTS_MODEL);
    saved_values start = save_network_values(network);
    double *sum = get_zeroed(start.count, sizeof *sum), *ema = get_memory(start.count * sizeof *ema);
    saved_values got;

    (void)state;
    for (size_t i = 0; i < start.count; i++)
        ema[i] = (double)start.values[i];
    for (size_t t = 0; t < STEPS; t++) {
        saved_values now;

        model_train(network, 3 + t, 4 + t);
        check_ok(mf_network_blend_parameters(mean, network, 1.0 / (double)(t + 1)));
        check_ok(mf_network_blend_parameters(moving, network, 1.0 - decay));
        now = save_network_values(network);
        for (size_t i = 0; i < now.count; i++) {
            sum[i] += (double)now.values[i];
            ema[i] = decay * ema[i] + (1.0 - decay) * (double)now.values[i];
        }
        free_saved_values(&now);
    }
    got = save_network_values(mean);
    for (size_t i = 0; i < got.count; i++)
        assert_true(fabs((double)got.values[i] - sum[i] / STEPS) <= 1e-6 * (1.0 + fabs(sum[i] / STEPS)));
    free_saved_values(&got);
    got = save_network_values(moving);
    for (size_t i = 0; i < got.count; i++)
        assert_true(fabs((double)got.values[i] - ema[i]) <= 1e-6 * (1.0 + fabs(ema[i])));
    free_saved_values(&got);
    free_saved_values(&start);
    free(sum);
    free(ema);
    mf_network_free(network);
    mf_network_free(mean);
    mf_network_free(moving);
}

/* The largest floats there are, of both signs: no infinity on the way. Variances never become negative. */
static void test_extremes_do_not_overflow(void **state)
{
    const size_t widths[] = {1, 2};
    mf_network *one = make_stack(widths, 1, 2, 1, NULL), *other = make_stack(widths, 1, 2, 1, NULL);
    const float high[2] = {FLT_MAX, -FLT_MAX}, low[2] = {-FLT_MAX, FLT_MAX}, small[2] = {1e-45f, 0.0f};
    float got[2];

    (void)state;
    check_ok(mf_layer_set_parameter(layer_at(one, 0), "weight", high, 2));
    check_ok(mf_layer_set_parameter(layer_at(other, 0), "weight", low, 2));
    check_ok(mf_layer_set_parameter(layer_at(other, 0), "bias", small, 2));
    check_ok(mf_network_blend_parameters(one, other, 0.5));
    check_ok(mf_layer_get_parameter(layer_at(one, 0), "weight", got, 2));
    assert_true(got[0] == 0.0f && got[1] == 0.0f);
    check_ok(mf_network_copy_parameters(one, other));
    check_ok(mf_layer_get_parameter(layer_at(one, 0), "bias", got, 2));
    assert_true(got[0] == 1e-45f && got[1] == 0.0f);
    mf_network_free(one);
    mf_network_free(other);
}

/* Parameters of thousands of values, and state for each: nothing is left out. */
static void test_large_parameters_are_copied_whole(void **state)
{
    const size_t widths[] = {45, 51, 33};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_stack(widths, 2, 3, 1, optimizer), *other = make_stack(widths, 2, 3, 9, NULL);
    mf_network *clone;
    mf_workspace *workspace = make_network_workspace(network, 4);
    float x[4 * 45];
    const int32_t y[4] = {0, 1, 2, 0};
    test_random random = {3};
    saved_values values, before = save_network_values(other);

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    check_ok(mf_network_step(network, workspace, 4, x, y));
    clone = cloned(network, MF_CONTENTS_TRAINING);
    check_same_model(network, clone);
    values = save_network_values(network);
    check_ok(mf_network_blend_parameters(other, network, 0.25));
    check_blend(&before, &values, 0.25, other);
    check_ok(mf_network_copy_parameters(other, network));
    check_network_unchanged(&values, other);
    free_saved_values(&values);
    free_saved_values(&before);
    mf_workspace_free(workspace);
    mf_network_free(clone);
    mf_network_free(other);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* ---- what is refused changes nothing ---- */

static void refuse(mf_status status, const char *part, mf_network *to, const mf_network *from)
{
    saved_values before = save_network_values(to);

    check_status(status, mf_network_copy_parameters(to, from));
    check_message(part);
    check_status(status, mf_network_blend_parameters(to, from, 0.5));
    check_message(part);
    check_network_unchanged(&before, to);
    free_saved_values(&before);
}

static void test_other_shapes_are_refused(void **state)
{
    const size_t widths[] = {3, 4, 5}, wider[] = {3, 4, 6}, turned[] = {4, 3, 5};
    mf_network *network = make_stack(widths, 2, 2, 1, NULL);
    mf_network *shorter = make_stack(widths, 1, 2, 1, NULL), *wide = make_stack(wider, 2, 2, 1, NULL);
    mf_network *transposed = make_stack(turned, 2, 2, 1, NULL), *classes = make_stack(widths, 2, 3, 1, NULL);
    mf_network *built = trained_units(), *bare = make_network();
    mf_layer_spec spec = layer_spec(3, 4, 2);
    mf_layer *layer;

    (void)state;
    refuse(MF_STATUS_SHAPE, "one network has 2 layers, the other 1", network, shorter);
    refuse(MF_STATUS_SHAPE, "layer 1: \"weight\" with 20 values", network, wide);
    refuse(MF_STATUS_SHAPE, "layer 0: \"weight\" with 12 values", network,
           transposed); /* as many, but turned */
    refuse(MF_STATUS_SHAPE, "layer 0: \"projection\"", network, classes);
    refuse(MF_STATUS_SHAPE, "layer 0", shorter, built);
    spec.bias = 0;
    layer = make_layer(&spec);
    check_ok(mf_network_append(bare, layer, NULL));
    mf_layer_free(layer);
    refuse(MF_STATUS_SHAPE, "layer 0 has 3 parameters in one network, 2 in the other", shorter, bare);
    mf_network_free(network);
    mf_network_free(shorter);
    mf_network_free(wide);
    mf_network_free(transposed);
    mf_network_free(classes);
    mf_network_free(built);
    mf_network_free(bare);
}

/* A network that has diverged does not get into the one that serves. A copy of that one mends it, a blend with
 * what it has does not. */
static void test_values_that_are_not_finite_are_refused(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e30);
    const size_t widths[] = {2, 2, 2};
    mf_network *network = make_stack(widths, 2, 2, 1, optimizer),
               *serving = cloned(network, MF_CONTENTS_MODEL);
    mf_workspace *workspace = make_network_workspace(network, 1);
    const float x[2] = {1e20f, 1e20f};
    const int32_t y = 0;

    (void)state;
    for (int i = 0; i < 5 && mf_network_step(network, workspace, 1, x, &y) == MF_STATUS_OK; i++)
        continue;
    refuse(MF_STATUS_NUMERIC, "it must be finite", serving, network);
    check_status(MF_STATUS_NUMERIC, mf_network_blend_parameters(network, serving, 0.5));
    check_status(MF_STATUS_NUMERIC, mf_network_blend_parameters(network, serving, 0.0));
    check_message("it must be finite");
    check_ok(mf_network_blend_parameters(network, serving, 1.0));
    check_ok(mf_network_blend_parameters(network, serving, 0.5));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_network_free(serving);
    mf_optimizer_free(optimizer);
}

/* Each would be read when it has changed. At the same place a layer is a copy of itself. */
static void test_layers_at_other_places_are_refused(void **state)
{
    const size_t widths[] = {3, 3, 3};
    mf_network *one = make_stack(widths, 2, 2, 1, NULL), *other = make_network(),
               *with_one = make_stack(widths, 2, 2, 9, NULL);
    mf_layer *first = NULL;
    uint64_t id = 0;

    (void)state;
    check_ok(mf_network_append(other, layer_at(one, 1), NULL));
    check_ok(mf_network_append(other, layer_at(one, 0), NULL));
    refuse(MF_STATUS_ARGUMENT,
           "layer 0 of the network that is read is at another place in the one that changes", one, other);
    check_ok(mf_network_layer(with_one, 0, &first, &id));
    check_ok(mf_network_replace(with_one, id, layer_at(one, 0)));
    check_ok(mf_network_copy_parameters(with_one, one));
    saved_values values = save_network_values(one);
    check_network_unchanged(&values, with_one);
    free_saved_values(&values);
    mf_network_free(one);
    mf_network_free(other);
    mf_network_free(with_one);
}

static void refuse_clone(const mf_network *network, int32_t contents, const char *why)
{
    mf_network *clone = NULL;
    check_status(MF_STATUS_NUMERIC, mf_network_clone(network, contents, NULL, &clone));
    check_message(why);
    assert_null(clone);
}

/* Gradients of weights of 1e10 * 1e30 overflow. A copy of parameters mends these, and not the momentum. */
static void test_a_network_that_has_diverged_is_not_cloned(void **state)
{
    const size_t widths[] = {2, 2};
    const float x[2] = {1e30f, 0.0f}, weight[4] = {1e-30f, 0.0f, 1e-30f, 0.0f};
    const float projection[4] = {1e10f, -1e10f, -1e10f, 1e10f};
    const int32_t y = 0;
    mf_optimizer_spec spec = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_optimizer *optimizer;

    (void)state;
    spec.momentum = 0.9f;
    check_ok(mf_optimizer_create(&spec, &optimizer));
    mf_network *network = make_stack(widths, 1, 2, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, 1);
    check_ok(mf_layer_set_parameter(layer_at(network, 0), "weight", weight, 4));
    check_ok(mf_layer_set_parameter(layer_at(network, 0), "projection", projection, 4));
    mf_network *before = cloned(network, MF_CONTENTS_TRAINING);
    check_status(MF_STATUS_NUMERIC, mf_network_step(network, workspace, 1, x, &y));
    check_message("must be restored");
    refuse_clone(network, MF_CONTENTS_MODEL, "layer 0: value 0 of \"weight\" is");
    refuse_clone(network, MF_CONTENTS_TRAINING, "layer 0: value 0 of \"weight\" is");

    check_ok(mf_network_copy_parameters(network, before));
    refuse_clone(network, MF_CONTENTS_TRAINING,
                 "layer 0: value 0 of the optimizer's state for \"weight\" is");
    mf_network *mended = cloned(network, MF_CONTENTS_MODEL);
    check_same_file(before, mended, MF_CONTENTS_MODEL);

    mf_network_free(mended);
    mf_network_free(before);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

static void test_arguments_are_refused(void **state)
{
    static const double shares[] = {-0.001, 1.001, NAN, INFINITY, -INFINITY};
    const size_t widths[] = {3, 4};
    mf_network *network = make_stack(widths, 1, 2, 1, NULL), *other = make_stack(widths, 1, 2, 9, NULL);
    saved_values before = save_network_values(network);

    (void)state;
    check_status(MF_STATUS_HANDLE, mf_network_copy_parameters(NULL, network));
    check_status(MF_STATUS_HANDLE, mf_network_copy_parameters(network, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_copy_parameters(network, (mf_network *)layer_at(other, 0)));
    check_status(MF_STATUS_HANDLE, mf_network_blend_parameters(NULL, network, 0.5));
    check_status(MF_STATUS_HANDLE, mf_network_blend_parameters(network, NULL, 0.5));
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
        check_status(MF_STATUS_ARGUMENT, mf_network_blend_parameters(network, other, shares[i]));
        check_message("share must be from 0 to 1");
    }
    check_network_unchanged(&before, network);
    free_saved_values(&before);
    mf_network_free(network);
    mf_network_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clone_is_the_same_network),
        cmocka_unit_test(test_a_clone_of_the_model_has_no_training),
        cmocka_unit_test(test_a_clone_learns_for_itself),
        cmocka_unit_test(test_a_clone_keeps_room_for_momentum),
        cmocka_unit_test(test_a_clone_checks_its_updates_as_the_original_does),
        cmocka_unit_test(test_clones_that_are_refused),
        with_memory(test_no_memory_for_a_clone),
        cmocka_unit_test(test_parameters_are_copied_and_nothing_else),
        cmocka_unit_test(test_workspaces_stay_valid_and_answer_anew),
        cmocka_unit_test(test_averages_are_those_of_every_value),
        cmocka_unit_test(test_shares_of_0_and_1_and_equal_values_are_exact),
        cmocka_unit_test(test_a_run_is_averaged),
        cmocka_unit_test(test_extremes_do_not_overflow),
        cmocka_unit_test(test_large_parameters_are_copied_whole),
        cmocka_unit_test(test_other_shapes_are_refused),
        cmocka_unit_test(test_values_that_are_not_finite_are_refused),
        cmocka_unit_test(test_layers_at_other_places_are_refused),
        cmocka_unit_test(test_a_network_that_has_diverged_is_not_cloned),
        cmocka_unit_test(test_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
