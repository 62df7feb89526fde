/* Training agrees with the oracle under every option: strides, weights, smoothing, clipping, frozen
 * parameters, settings that change on the way. SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "oracle_case.h"

static const oracle_optimizer sgd = {.kind = MF_OPTIMIZER_SGD, .rate = 0.2, .epsilon = 1e-8};
static const oracle_optimizer adam = {
    .kind = MF_OPTIMIZER_ADAM, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-4};
static const oracle_optimizer momentum = {
    .kind = MF_OPTIMIZER_SGD, .rate = 0.05, .momentum = 0.9, .decay = 0.01, .epsilon = 1e-8};

static oracle_case base(const char *name, oracle_optimizer optimizer)
{
    return (oracle_case){.name = name,
                         .inputs = 11,
                         .outputs = 19,
                         .classes = 4,
                         .activation = MF_ACTIVATION_TANH,
                         .bias = 1,
                         .max_rows = 13,
                         .steps = 30,
                         .optimizer = optimizer};
}

static void test_strides_match_the_oracle(void **state)
{
    oracle_case one = base("rows 5 values apart", sgd);

    (void)state;
    one.gap = 5;
    run_oracle_case(&one);
    one.optimizer = adam;
    run_oracle_case(&one);
    one.name = "rows 1 value apart, no bias";
    one.gap = 1;
    one.bias = 0;
    run_oracle_case(&one);
}

static void test_sample_weights_match_the_oracle(void **state)
{
    oracle_case one = base("sample weights, sgd", sgd);

    (void)state;
    one.weighted = 1;
    run_oracle_case(&one);
    one.name = "sample weights, adam, strides, smoothing";
    one.optimizer = adam;
    one.gap = 2;
    one.smoothing = 0.1;
    one.activation = MF_ACTIVATION_GELU;
    run_oracle_case(&one);
}

static void test_label_smoothing_matches_the_oracle(void **state)
{
    oracle_case one = base("label smoothing 0.1", sgd);

    (void)state;
    one.smoothing = 0.1;
    run_oracle_case(&one);
    one.name = "label smoothing 0.9, 20 classes";
    one.smoothing = 0.9;
    one.classes = 20;
    one.activation = MF_ACTIVATION_RELU;
    run_oracle_case(&one);
}

static void run_clip_cases(size_t inputs, size_t outputs, size_t rows, int steps)
{
    const oracle_optimizer *all[] = {&sgd, &momentum, &adam};

    for (size_t o = 0; o < COUNT_OF(all); o++)
        for (int activation = MF_ACTIVATION_RELU; activation <= MF_ACTIVATION_SILU; activation += 2)
            for (int frozen = 0; frozen < 8; frozen++) {
                char name[100];
                oracle_case one = base(name, *all[o]);

                /* 0.05 is below the norms here: clipped. 100 is above: measured but not clipped. */
                snprintf(name, sizeof name, "clip, %ux%u, %u rows, optimizer %u, activation %d, frozen %d",
                         (unsigned)inputs, (unsigned)outputs, (unsigned)rows, (unsigned)o, activation,
                         frozen);
                one.inputs = inputs;
                one.outputs = outputs;
                one.activation = activation;
                one.max_rows = rows;
                one.steps = steps;
                one.frozen = (unsigned)frozen;
                one.full_batches = rows > 256;
                one.optimizer.clip = frozen % 2 ? 100.0 : 0.05;
                one.tolerance = 1e-3;
                run_oracle_case(&one);
            }
}

static void test_clipping_of_small_batches_matches_the_oracle(void **state)
{
    (void)state;
    run_clip_cases(40, 30, 7, 6);
}

/* More rows than inputs, outputs and any limit of a Gram matrix: the norm must come another way. */
static void test_clipping_of_large_batches_matches_the_oracle(void **state)
{
    (void)state;
    run_clip_cases(6, 5, 300, 4);
}

static void test_clipping_of_wide_layers_matches_the_oracle(void **state)
{
    oracle_case one = base("clip 300x280", momentum);

    (void)state;
    one.inputs = 300;
    one.outputs = 280;
    one.activation = MF_ACTIVATION_RELU;
    one.max_rows = 20;
    one.steps = 4;
    one.optimizer.clip = 0.1;
    one.tolerance = 1e-3;
    run_oracle_case(&one);
    one.name = "clip 300x280, weights, strides";
    one.weighted = 1;
    one.gap = 3;
    one.classes = 18;
    run_oracle_case(&one);
    one.name = "clip 100x150, 290 rows";
    one.inputs = 100;
    one.outputs = 150;
    one.max_rows = 290;
    one.full_batches = 1;
    one.steps = 3;
    run_oracle_case(&one);
}

static void test_frozen_parameters_match_the_oracle(void **state)
{
    const oracle_optimizer *all[] = {&sgd, &momentum, &adam};

    (void)state;
    for (size_t o = 0; o < COUNT_OF(all); o++)
        for (unsigned frozen = 1; frozen < 8; frozen++) {
            char name[60];
            oracle_case one = base(name, *all[o]);

            snprintf(name, sizeof name, "frozen %u, optimizer %u", frozen, (unsigned)o);
            one.frozen = frozen;
            run_oracle_case(&one);
        }
}

static void test_large_and_changing_batches_match_the_oracle(void **state)
{
    oracle_case one = base("batches of 1 to 400 rows", momentum);

    (void)state;
    one.max_rows = 400;
    one.steps = 12;
    run_oracle_case(&one);
    one.name = "batches of one row";
    one.max_rows = 1;
    one.steps = 60;
    run_oracle_case(&one);
}

/* A layer and its oracle that the tests below change on the way. */
typedef struct pair {
    mf_layer *layer;
    mf_optimizer *optimizer;
    mf_workspace *workspace;
    oracle_layer *oracle;
    oracle_optimizer hyper;
    saved_values start;
    test_random random;
} pair;

static void start_pair(pair *p, oracle_optimizer hyper)
{
    mf_layer_spec spec = layer_spec(6, 8, 3);

    spec.activation = MF_ACTIVATION_TANH;
    p->layer = make_layer(&spec);
    p->hyper = hyper;
    p->optimizer = make_optimizer_of(&hyper);
    check_ok(mf_layer_set_optimizer(p->layer, p->optimizer));
    p->workspace = make_layer_workspace(p->layer, 5);
    p->oracle = oracle_create(&spec, p->layer);
    p->start = save_layer_values(p->layer);
    p->random.state = 99;
}

static void step_pair(pair *p, int steps)
{
    float x[5 * 6];
    int32_t y[5];
    double a[5 * 8];

    for (int i = 0; i < steps; i++) {
        double *exact;

        random_values(&p->random, x, COUNT_OF(x), 1.0);
        random_labels(&p->random, y, COUNT_OF(y), 3);
        exact = oracle_rows(x, 5, 6, 6);
        oracle_step(p->oracle, &p->hyper, 5, exact, y, NULL, a);
        free(exact);
        check_ok(mf_layer_step(p->layer, p->workspace, 5, x, y, NULL));
    }
}

static void end_pair(pair *p, const char *name)
{
    compare_with_oracle(name, p->layer, p->oracle, &p->start, 1e-3);
    free_saved_values(&p->start);
    mf_workspace_free(p->workspace);
    mf_optimizer_free(p->optimizer);
    mf_layer_free(p->layer);
    oracle_free(p->oracle);
}

static void test_changes_of_rate_and_decay_match_the_oracle(void **state)
{
    const oracle_optimizer *all[] = {&momentum, &adam};

    (void)state;
    for (size_t o = 0; o < COUNT_OF(all); o++) {
        pair p;

        start_pair(&p, *all[o]);
        step_pair(&p, 5);
        p.hyper.rate = 0.003;
        p.hyper.decay = 0.25;
        check_ok(mf_optimizer_set(p.optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.003));
        check_ok(mf_optimizer_set(p.optimizer, MF_OPTIMIZER_WEIGHT_DECAY, 0.25));
        step_pair(&p, 5);
        p.hyper.rate = 0.03;
        p.hyper.decay = 0.0;
        p.hyper.clip = 0.02;
        check_ok(mf_optimizer_set(p.optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.03));
        check_ok(mf_optimizer_set(p.optimizer, MF_OPTIMIZER_WEIGHT_DECAY, 0.0));
        check_ok(mf_optimizer_set(p.optimizer, MF_OPTIMIZER_CLIP_NORM, 0.02));
        step_pair(&p, 5);
        end_pair(&p, "settings that change");
    }
}

/* A frozen parameter keeps its moments and its own count of steps until it learns again. */
static void test_a_frozen_parameter_keeps_its_state(void **state)
{
    const oracle_optimizer *all[] = {&momentum, &adam};

    (void)state;
    for (size_t o = 0; o < COUNT_OF(all); o++) {
        pair p;

        start_pair(&p, *all[o]);
        check_ok(mf_layer_set_trainable(p.layer, "projection", 0));
        p.oracle->projection.frozen = 1;
        step_pair(&p, 6);
        check_ok(mf_layer_set_trainable(p.layer, "projection", 1));
        check_ok(mf_layer_set_trainable(p.layer, "weight", 0));
        p.oracle->projection.frozen = 0;
        p.oracle->weight.frozen = 1;
        step_pair(&p, 6);
        check_ok(mf_layer_set_trainable(p.layer, "weight", 1));
        p.oracle->weight.frozen = 0;
        step_pair(&p, 6);
        end_pair(&p, "freeze and thaw");
    }
}

static void forget(oracle_parameter *parameter)
{
    for (size_t i = 0; i < parameter->count; i++)
        parameter->first[i] = parameter->second[i] = 0.0;
    parameter->steps = 0;
}

static void test_optimizer_state_is_kept_or_reset(void **state)
{
    const oracle_optimizer *all[] = {&momentum, &adam};

    (void)state;
    for (size_t o = 0; o < COUNT_OF(all); o++) {
        mf_optimizer *other = make_optimizer_of(all[o]);
        pair p;

        start_pair(&p, *all[o]);
        step_pair(&p, 5);
        check_ok(mf_layer_set_optimizer(p.layer, p.optimizer)); /* the same: nothing is lost */
        step_pair(&p, 5);
        check_ok(mf_layer_set_optimizer(p.layer, other)); /* another: starts anew */
        forget(&p.oracle->weight);
        forget(&p.oracle->bias);
        forget(&p.oracle->projection);
        step_pair(&p, 5);
        end_pair(&p, "optimizer attached again");
        mf_optimizer_free(other);
    }
}

/* Values that are set from outside meet the moments that were there. */
static void test_setting_a_parameter_keeps_its_moments(void **state)
{
    float values[3 * 8];
    pair p;

    (void)state;
    start_pair(&p, momentum);
    step_pair(&p, 5);
    random_values(&p.random, values, COUNT_OF(values), 0.3);
    check_ok(mf_layer_set_parameter(p.layer, "projection", values, COUNT_OF(values)));
    oracle_read(p.oracle, p.layer, 0);
    step_pair(&p, 5);
    end_pair(&p, "parameter set on the way");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strides_match_the_oracle),
        cmocka_unit_test(test_sample_weights_match_the_oracle),
        cmocka_unit_test(test_label_smoothing_matches_the_oracle),
        cmocka_unit_test(test_clipping_of_small_batches_matches_the_oracle),
        cmocka_unit_test(test_clipping_of_large_batches_matches_the_oracle),
        cmocka_unit_test(test_clipping_of_wide_layers_matches_the_oracle),
        cmocka_unit_test(test_frozen_parameters_match_the_oracle),
        cmocka_unit_test(test_large_and_changing_batches_match_the_oracle),
        cmocka_unit_test(test_changes_of_rate_and_decay_match_the_oracle),
        cmocka_unit_test(test_a_frozen_parameter_keeps_its_state),
        cmocka_unit_test(test_optimizer_state_is_kept_or_reset),
        cmocka_unit_test(test_setting_a_parameter_keeps_its_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
