/* Backpropagation through convolutions must be that: its gradients are checked against central differences of
 * the loss of a naive network in double precision, and, where there is one layer, against the library's own
 * step. SPDX-License-Identifier: MIT */
#include "backprop_conv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "columns.h"
#include "oracle_maps.h"
#include "random.h"

enum { ROWS = 5, CLASSES = 3, LAYERS = 3, LEARNED = 4 };

/* Convolutions of which every other is odd: a stride, no padding, overlapping or no pools. */
static void make_specs(mf_layer_spec specs[LAYERS], int32_t normalization, int32_t activation, size_t head)
{
    specs[0] = conv_spec(2, 7, 6, 3, CLASSES);
    specs[0].padding[0] = specs[0].padding[1] = 1;
    specs[0].pool = MF_POOL_AVERAGE;
    specs[0].pool_stride[1] = 1;
    specs[1] = conv_spec(3, 3, 5, 4, CLASSES);
    specs[1].kernel[0] = 2;
    specs[1].padding[0] = 1;
    specs[1].padding[1] = 2;
    specs[1].stride[1] = 2;
    specs[2] = conv_spec(4, 4, 4, 2, CLASSES);
    specs[2].padding[0] = specs[2].padding[1] = 1;
    specs[2].pool = MF_POOL_AVERAGE;
    for (size_t i = 0; i < LAYERS; i++) {
        specs[i].normalization = normalization;
        specs[i].activation = activation;
        specs[i].weight_gain = 2.0f;
        specs[i].projection_gain = 4.0f;
        specs[i].seed = 11 + i;
        specs[i].bias = i != 1 || normalization == MF_NORMALIZATION_NONE;
    }
    specs[2].head_size = head;
}

typedef struct scene {
    mf_layer_spec specs[LAYERS];
    mf_optimizer *optimizer;
    backprop_conv *net;
    maps_oracle *oracles[LAYERS];
    float *x;
    double *exact_x, *a[LAYERS];
    int32_t y[ROWS];
    int dropped; /* not used by the oracle */
} scene;

static double exact_loss(scene *s)
{
    const double *input = s->exact_x;

    for (size_t i = 0; i + 1 < LAYERS; i++) {
        int32_t none[ROWS] = {0};

        maps_gradients(s->oracles[i], ROWS, input, none, NULL, s->a[i]);
        input = s->a[i];
    }
    return maps_loss(s->oracles[LAYERS - 1], ROWS, input, s->y, NULL).loss;
}

static scene *open_scene(int32_t normalization, int32_t activation, size_t head)
{
    scene *s = get_zeroed(1, sizeof *s);
    test_random random = {99};
    size_t inputs = 2 * 7 * 6;

    make_specs(s->specs, normalization, activation, head);
    s->optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.0);
    s->net = backprop_conv_create(s->specs, LAYERS, s->optimizer, ROWS, NULL);
    if (!s->net)
        fail_msg("%s", mf_last_message());
    s->x = get_memory(ROWS * inputs * sizeof *s->x);
    s->exact_x = get_memory(ROWS * inputs * sizeof *s->exact_x);
    random_values(&random, s->x, ROWS * inputs, 1.0);
    random_labels(&random, s->y, ROWS, CLASSES);
    for (size_t i = 0; i < ROWS * inputs; i++)
        s->exact_x[i] = (double)s->x[i];
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer = backprop_conv_layer(s->net, i);
        mf_layer_spec spec = {.struct_size = sizeof spec};

        check_ok(mf_layer_describe(layer, &spec));
        s->oracles[i] = maps_create(&spec, layer);
        s->a[i] = get_memory(ROWS * s->oracles[i]->outputs * sizeof(double));
    }
    return s;
}

static void close_scene(scene *s)
{
    for (size_t i = 0; i < LAYERS; i++) {
        maps_free(s->oracles[i]);
        free(s->a[i]);
    }
    backprop_conv_free(s->net);
    mf_optimizer_free(s->optimizer);
    free(s->x);
    free(s->exact_x);
    free(s);
}

static double difference(scene *s, double *value)
{
    const double step = 1e-5;
    double kept = *value, loss[2];

    for (int side = 0; side < 2; side++) {
        *value = kept + (side ? step : -step);
        loss[side] = exact_loss(s);
    }
    *value = kept;
    return (loss[1] - loss[0]) / (2.0 * step);
}

static void check_gradients(int32_t normalization, int32_t activation, size_t head)
{
    scene *s = open_scene(normalization, activation, head);
    float *gradients = get_memory(backprop_conv_values(s->net) * sizeof *gradients);
    const float *at = gradients;
    double loss = backprop_conv_gradients(s->net, ROWS, s->x, s->y, gradients);

    assert_true(fabs(loss - exact_loss(s)) < 1e-5);
    for (size_t i = 0; i < LAYERS; i++)
        for (size_t p = 0; p < MAPS_PARAMETERS; p++) {
            oracle_parameter *parameter = maps_parameter(s->oracles[i], p);
            double largest = 0.0;

            for (size_t j = 0; j < parameter->count; j++) {
                int still = p >= LEARNED || (p == 2 && i + 1 < LAYERS);
                double expected = still ? 0.0 : difference(s, &parameter->value[j]), got = (double)*at++;

                largest = fmax(largest, fabs(expected));
                if (!(fabs(got - expected) <= 1e-5 + 1e-4 * fabs(expected)))
                    fail_msg("layer %zu, %s[%zu]: the gradient is %.8g, the differences say %.8g", i,
                             maps_names[p], j, got, expected);
            }
            /* Otherwise a gradient of nothing but zeros would pass. */
            if (p < LEARNED && parameter->count > 0 && (p != 2 || i + 1 == LAYERS) && !(largest > 1e-3))
                fail_msg("layer %zu, %s: the largest gradient is %g", i, maps_names[p], largest);
        }
    assert_int_equal(at - gradients, backprop_conv_values(s->net));
    free(gradients);
    close_scene(s);
}

static void gradients_are_the_differences_of_the_loss(void **state)
{
    (void)state;
    for (int32_t normalization = MF_NORMALIZATION_NONE; normalization <= MF_NORMALIZATION_BATCH;
         normalization++)
        for (size_t head = 0; head <= 1; head++) {
            check_gradients(normalization, MF_ACTIVATION_TANH, head);
            check_gradients(normalization, MF_ACTIVATION_RELU, head);
        }
}

/* fill and add are transposes of each other: <fill(x), c> = <x, add(c)>. */
static void columns_go_back_where_they_came_from(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 24; kind++) {
        mfi_geometry g = {.channels = 2, .height = 5, .width = 4};
        size_t images = 2, top = kind % 4 == 3;
        test_random random = {kind};
        float x[2 * 2 * 20], dx[2 * 2 * 20] = {0}, filled[2000], columns[2000], kept[2000];
        double there = 0.0, back = 0.0;

        for (int d = 0; d < 2; d++) {
            size_t size = d ? g.width : g.height;

            g.kernel[d] = 1 + (kind / (d ? 1 : 2)) % 4;
            g.stride[d] = 1 + (kind / 12 && d == 1);
            g.padding[d] = g.kernel[d] / 2;
            g.map[d] = (size + 2 * g.padding[d] - g.kernel[d]) / g.stride[d] + 1;
        }
        g.depth = g.channels * g.kernel[0] * g.kernel[1];
        g.places = g.map[0] * g.map[1];
        size_t rows = g.map[0] - top, count = g.depth * images * rows * g.map[1];
        assert_true(count <= COUNT_OF(filled));
        random_values(&random, x, COUNT_OF(x), 1.0);
        random_values(&random, columns, count, 1.0);
        memcpy(kept, columns, sizeof kept);
        mfi_fill_columns(&g, images, x, 40, top, rows, filled);
        add_columns(mfi_kernels_select(), &g, images, columns, top, rows, dx, 40);
        for (size_t i = 0; i < count; i++)
            there += (double)filled[i] * (double)kept[i];
        for (size_t i = 0; i < COUNT_OF(x); i++)
            back += (double)x[i] * (double)dx[i];
        assert_true(fabs(there) > 1e-3);
        if (!(fabs(there - back) < 1e-4))
            fail_msg("kind %zu: %.7g there, %.7g back", kind, there, back);
    }
}

/* One layer with its head learns the same by either algorithm, bit for bit, running statistics and all; also
 * on maps so large that they are worked on in bands. */
static void one_layer_is_mono_forward(void **state)
{
    enum { BATCH = 10, LARGE = 72, STEPS = 3 };
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        size_t side = kind / 2 ? LARGE : 12, inputs = 3 * side * side;
        mf_layer_spec spec = conv_spec(3, side, side, 8, CLASSES);
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
        test_random random = {3};
        float *x = get_memory(BATCH * inputs * sizeof *x);
        int32_t y[BATCH];

        spec.padding[0] = spec.padding[1] = 1;
        spec.pool = MF_POOL_AVERAGE;
        spec.normalization = kind % 2 ? MF_NORMALIZATION_BATCH : MF_NORMALIZATION_NONE;
        spec.label_smoothing = 0.1f;
        random_values(&random, x, BATCH * inputs, 1.0);
        random_labels(&random, y, BATCH, CLASSES);
        mf_layer *layer = make_layer(&spec);
        check_ok(mf_layer_set_optimizer(layer, optimizer));
        mf_workspace *workspace = make_layer_workspace(layer, BATCH);
        backprop_conv *net = backprop_conv_create(&spec, 1, optimizer, BATCH, NULL);
        assert_non_null(net);
        for (int step = 0; step < STEPS; step++) {
            double loss = backprop_conv_step(net, BATCH - (size_t)step, x, y, NULL);

            check_ok(mf_layer_step(layer, workspace, BATCH - (size_t)step, x, y, NULL));
            assert_true(loss == read_report(workspace, 0).loss);
        }
        picture ours = layer_picture(backprop_conv_layer(net, 0)), theirs = layer_picture(layer);
        assert_true(same_picture(&ours, &theirs));
        drop_picture(&ours);
        drop_picture(&theirs);
        backprop_conv_free(net);
        mf_workspace_free(workspace);
        mf_layer_free(layer);
        mf_optimizer_free(optimizer);
        free(x);
    }
}

static void it_learns_a_batch_by_heart(void **state)
{
    enum { BATCH = 12, INPUTS = 2 * 7 * 6 };
    (void)state;
    mf_layer_spec specs[LAYERS];
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    test_random random = {5};
    float x[BATCH * INPUTS], scores[BATCH * CLASSES];
    int32_t y[BATCH];
    uint64_t correct = 0;
    double loss = 0.0;

    make_specs(specs, MF_NORMALIZATION_BATCH, MF_ACTIVATION_RELU, 0);
    specs[0].dropout = 0.1f;
    random_values(&random, x, BATCH * INPUTS, 1.0);
    random_labels(&random, y, BATCH, CLASSES);
    backprop_conv *net = backprop_conv_create(specs, LAYERS, optimizer, BATCH, NULL);
    assert_non_null(net);
    for (int step = 0; step < 200; step++)
        loss = backprop_conv_step(net, BATCH, x, y, NULL);
    assert_true(loss < 0.1);
    assert_true(backprop_conv_evaluate(net, BATCH, x, y, &correct) < 0.1);
    assert_int_equal(correct, BATCH);
    backprop_conv_scores(net, BATCH, x, scores);
    for (size_t i = 0; i < BATCH; i++)
        for (int32_t c = 0; c < CLASSES; c++)
            assert_true(scores[i * CLASSES + (size_t)y[i]] >= scores[i * CLASSES + (size_t)c]);
    backprop_conv_free(net);
    mf_optimizer_free(optimizer);
}

static void what_it_cannot_do_is_refused(void **state)
{
    (void)state;
    mf_layer_spec specs[LAYERS], dense = layer_spec(4, 4, CLASSES);
    mf_optimizer_spec clipping = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1), *clips;
    float x[ROWS * 2 * 7 * 6] = {0};
    int32_t y[ROWS] = {0};

    clipping.clip_norm = 1.0f;
    check_ok(mf_optimizer_create(&clipping, &clips));
    make_specs(specs, MF_NORMALIZATION_NONE, MF_ACTIVATION_RELU, 0);
    assert_null(backprop_conv_create(specs, LAYERS, clips, ROWS, NULL));
    assert_non_null(strstr(mf_last_message(), "clip"));
    assert_null(backprop_conv_create(&dense, 1, optimizer, ROWS, NULL));
    assert_null(backprop_conv_create(specs, 0, optimizer, ROWS, NULL));
    specs[2].kernel[0] = 40;
    assert_null(backprop_conv_create(specs, LAYERS, optimizer, ROWS, NULL));
    specs[2].kernel[0] = 3;
    backprop_conv *net = backprop_conv_create(specs, LAYERS, optimizer, ROWS, NULL);
    assert_non_null(net);
    picture before = layer_picture(backprop_conv_layer(net, 0));
    x[0] = NAN;
    assert_true(isnan(backprop_conv_step(net, ROWS, x, y, NULL)));
    check_layer_unchanged(&before, backprop_conv_layer(net, 0));
    drop_picture(&before);
    backprop_conv_free(net);
    mf_optimizer_free(optimizer);
    mf_optimizer_free(clips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_go_back_where_they_came_from),
        cmocka_unit_test(gradients_are_the_differences_of_the_loss),
        cmocka_unit_test(one_layer_is_mono_forward),
        cmocka_unit_test(it_learns_a_batch_by_heart),
        cmocka_unit_test(what_it_cannot_do_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
