/* Layers come and go: ids, order, refused shapes, hot-plugging, frees in any order, classes.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "build.h"
#include "memory.h"
#include "random.h"

enum { ROWS = 6 };

static void check_order(const mf_network *network, const uint64_t *ids, size_t count)
{
    size_t size = 0;

    check_ok(mf_network_size(network, &size));
    assert_int_equal(size, count);
    for (size_t i = 0; i < count; i++) {
        uint64_t id = 0;
        size_t position = 99;

        check_ok(mf_network_layer(network, i, NULL, &id));
        assert_true(id == ids[i]);
        check_ok(mf_network_position(network, ids[i], &position));
        assert_int_equal(position, i);
    }
    check_status(MF_STATUS_NOT_FOUND, mf_network_layer(network, count, NULL, NULL));
}

static void check_has_no(const mf_network *network, uint64_t id)
{
    size_t position = 99;

    check_status(MF_STATUS_NOT_FOUND, mf_network_position(network, id, &position));
    assert_int_equal(position, 99);
}

static void test_ids_stay_when_layers_move(void **state)
{
    mf_network *network = make_network();
    mf_layer *layers[5];
    uint64_t a, b, c, d, e;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        layers[i] = make_plain_layer(4, 4, 3, i + 1);
    check_order(network, NULL, 0);
    check_has_no(network, 0);
    check_has_no(network, 1);
    check_ok(mf_network_append(network, layers[0], &a));
    check_ok(mf_network_append(network, layers[1], &b));
    assert_true(a != b);
    check_order(network, (uint64_t[]){a, b}, 2);
    check_ok(mf_network_insert(network, 0, layers[2], &c));
    check_order(network, (uint64_t[]){c, a, b}, 3);
    check_ok(mf_network_insert(network, 2, layers[3], &d));
    check_order(network, (uint64_t[]){c, a, d, b}, 4);
    check_ok(mf_network_remove(network, a));
    check_order(network, (uint64_t[]){c, d, b}, 3);
    check_has_no(network, a);
    check_ok(mf_network_insert(network, 3, layers[0], &e)); /* at the size: as append */
    check_order(network, (uint64_t[]){c, d, b, e}, 4);
    /* An id that has gone is not given again. */
    assert_true(e != a);
    check_has_no(network, a);
    check_has_no(network, e + 1);
    check_has_no(network, UINT64_MAX);
    check_status(MF_STATUS_NOT_FOUND, mf_network_remove(network, a));
    check_ok(mf_network_replace(network, d, layers[4]));
    check_order(network, (uint64_t[]){c, d, b, e}, 4);
    assert_ptr_equal(layer_at(network, 0), layers[2]);
    assert_ptr_equal(layer_at(network, 1), layers[4]);
    assert_ptr_equal(layer_at(network, 2), layers[1]);
    assert_ptr_equal(layer_at(network, 3), layers[0]);
    check_status(MF_STATUS_NOT_FOUND, mf_network_insert(network, 5, layers[3], NULL));
    check_order(network, (uint64_t[]){c, d, b, e}, 4);
    for (size_t i = 0; i < 5; i++)
        mf_layer_free(layers[i]);
    mf_network_free(network);
}

static void test_a_network_can_have_many_layers(void **state)
{
    mf_network *network = make_network();
    uint64_t ids[100];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        mf_layer *layer = make_plain_layer(2, 2, 2, i + 1);

        check_ok(mf_network_append(network, layer, &ids[i]));
        mf_layer_free(layer);
    }
    check_order(network, ids, COUNT_OF(ids));
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        check_ok(mf_network_remove(network, ids[COUNT_OF(ids) - 1 - i]));
    check_order(network, NULL, 0);
    mf_network_free(network);
}

/* Refusals: nothing changes, and the message names both sizes. */
static void test_layers_that_do_not_fit_are_refused(void **state)
{
    const size_t widths[] = {10, 20, 30, 40};
    mf_network *network = make_stack(widths, 3, 7, 1, NULL);
    mf_layer *misfit = make_plain_layer(41, 50, 7, 9);
    mf_layer *classes = make_plain_layer(40, 50, 8, 9);
    mf_layer *middle = make_plain_layer(20, 31, 7, 9);
    mf_layer *first = make_plain_layer(11, 20, 7, 9);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    uint64_t ids[3], id = 12345;
    float x[ROWS * 10] = {0};
    int32_t labels[ROWS];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        check_ok(mf_network_layer(network, i, NULL, &ids[i]));
    check_status(MF_STATUS_SHAPE, mf_network_append(network, misfit, &id));
    check_message("the layer expects 41 inputs, the one before has 40 outputs");
    check_status(MF_STATUS_SHAPE, mf_network_append(network, classes, NULL));
    check_message("the layer has 8 classes, the network has 7");
    check_status(MF_STATUS_SHAPE, mf_network_insert(network, 1, middle, NULL));
    check_message("the layer has 31 outputs, the next one expects 20 inputs");
    check_status(MF_STATUS_SHAPE, mf_network_insert(network, 0, classes, NULL));
    check_status(MF_STATUS_SHAPE, mf_network_replace(network, ids[1], middle));
    check_message("the layer has 31 outputs, the next one expects 30 inputs");
    check_status(MF_STATUS_SHAPE, mf_network_replace(network, ids[1], first));
    check_message("the layer expects 11 inputs, the one before has 20 outputs");
    check_status(MF_STATUS_SHAPE, mf_network_replace(network, ids[2], classes));
    check_status(MF_STATUS_SHAPE, mf_network_remove(network, ids[1]));
    check_message("the layer expects 30 inputs, the one before has 20 outputs");
    check_status(MF_STATUS_NOT_FOUND, mf_network_replace(network, ids[2] + 1000, classes));
    check_status(MF_STATUS_ARGUMENT, mf_network_append(network, layer_at(network, 0), NULL));
    check_order(network, ids, 3);
    /* A refused edit does not even make workspaces stale. */
    check_ok(mf_network_predict(network, workspace, MF_PREDICT_LAST, ROWS, x, labels));
    /* The ends may go, and a first layer of another width is welcome. */
    check_ok(mf_network_replace(network, ids[0], first));
    check_ok(mf_network_remove(network, ids[2]));
    check_ok(mf_network_remove(network, ids[0]));
    check_order(network, ids + 1, 1);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(misfit);
    mf_layer_free(classes);
    mf_layer_free(middle);
    mf_layer_free(first);
}

/* A layer may sit in a network once: a second place is refused, wherever. */
static void test_a_layer_can_be_in_a_network_only_once(void **state)
{
    mf_network *network = make_network();
    mf_layer *one = make_plain_layer(5, 5, 3, 1), *two = make_plain_layer(5, 5, 3, 2);
    uint64_t ids[2];

    (void)state;
    check_ok(mf_network_append(network, one, &ids[0]));
    check_ok(mf_network_append(network, two, &ids[1]));
    check_status(MF_STATUS_ARGUMENT, mf_network_append(network, one, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_insert(network, 0, two, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_replace(network, ids[0], two));
    check_order(network, ids, 2);
    mf_layer_free(one);
    mf_layer_free(two);
    mf_network_free(network);
}

/* One layer in two networks: what it learns in one, the other knows. */
static void test_two_networks_can_share_a_layer(void **state)
{
    const size_t widths[] = {4, 8, 6};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_network *one = make_stack(widths, 2, 3, 1, optimizer);
    mf_network *two = make_stack(widths, 1, 3, 9, optimizer);
    mf_layer *shared = layer_at(one, 1);
    mf_workspace *of_one = make_network_workspace(one, ROWS), *of_two;
    test_random random = {3};
    float x[ROWS * 4], before[ROWS * 3], after[ROWS * 3];
    int32_t y[ROWS];
    uint64_t id;

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    random_labels(&random, y, ROWS, 3);
    check_ok(mf_network_append(two, shared, NULL));
    of_two = make_network_workspace(two, ROWS);
    check_ok(mf_network_goodness(two, of_two, MF_PREDICT_LAST, ROWS, x, before));
    check_ok(mf_network_step(one, of_one, ROWS, x, y));
    check_ok(mf_network_goodness(two, of_two, MF_PREDICT_LAST, ROWS, x, after));
    assert_memory_not_equal(before, after, sizeof before);
    check_ok(mf_network_step(two, of_two, ROWS, x, y));
    assert_int_equal(read_report(of_two, 1).applied, 2);
    assert_int_equal(read_report(of_two, 0).applied, 1);
    /* Taken out of the one, it lives on in the other. */
    check_ok(mf_network_layer(one, 1, NULL, &id));
    check_ok(mf_network_remove(one, id));
    check_ok(mf_network_step(two, of_two, ROWS, x, y));
    check_status(MF_STATUS_STALE, mf_network_step(one, of_one, ROWS, x, y));
    mf_network_free(one);
    check_ok(mf_network_step(two, of_two, ROWS, x, y));
    assert_int_equal(read_report(of_two, 1).applied, 4);
    mf_workspace_free(of_one);
    mf_workspace_free(of_two);
    mf_network_free(two);
    mf_optimizer_free(optimizer);
}

/* Every order of frees of an optimizer, two layers, a network and a workspace that hold each other. */
static void test_handles_can_be_freed_in_any_order(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 120; order++) {
        test_memory memory = {0};
        mf_allocator allocator = memory_allocator(&memory);
        mf_optimizer_spec optimizer_values = optimizer_spec(MF_OPTIMIZER_ADAM, 0.01);
        mf_layer_spec values = layer_spec(3, 3, 2);
        mf_network_spec network_values;
        mf_workspace_spec workspace_values;
        mf_optimizer *optimizer;
        mf_layer *layers[2];
        mf_network *network;
        mf_workspace *workspace;
        float x[3] = {1, 2, 3};
        int32_t y = 1;
        int left[5] = {0, 1, 2, 3, 4};
        unsigned digits = order;

        optimizer_values.allocator = values.allocator = &allocator;
        check_ok(mf_network_spec_init(&network_values, sizeof network_values));
        check_ok(mf_workspace_spec_init(&workspace_values, sizeof workspace_values));
        network_values.allocator = workspace_values.allocator = &allocator;
        check_ok(mf_optimizer_create(&optimizer_values, &optimizer));
        check_ok(mf_network_create(&network_values, &network));
        for (int i = 0; i < 2; i++) {
            check_ok(mf_layer_create(&values, &layers[i]));
            check_ok(mf_network_append(network, layers[i], NULL));
        }
        check_ok(mf_network_set_optimizer(network, optimizer));
        workspace_values.network = network;
        workspace_values.max_batch = 1;
        check_ok(mf_workspace_create(&workspace_values, &workspace));
        check_ok(mf_network_step(network, workspace, 1, x, &y));
        for (unsigned count = 5; count > 0; count--) {
            unsigned chosen = digits % count;
            int what = left[chosen];

            digits /= count;
            left[chosen] = left[count - 1];
            if (what == 0)
                mf_optimizer_free(optimizer);
            else if (what <= 2)
                mf_layer_free(layers[what - 1]);
            else if (what == 3)
                mf_network_free(network);
            else
                mf_workspace_free(workspace);
        }
        assert_int_equal(memory.blocks_out, 0);
        assert_int_equal(memory.bytes_out, 0);
        assert_int_equal(memory.faults, 0);
        memory_release(&memory);
    }
    mf_optimizer_free(NULL);
    mf_layer_free(NULL);
    mf_network_free(NULL);
    mf_workspace_free(NULL);
}

static void test_changing_the_classes_keeps_weights_and_biases(void **state)
{
    const size_t widths[] = {4, 7, 5};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.05);
    mf_network *network = make_stack(widths, 2, 3, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, ROWS);
    float *weights[2], *biases[2];
    test_random random = {3};
    float x[ROWS * 4];
    int32_t y[ROWS] = {0, 1, 2, 0, 1, 2};

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    for (int step = 0; step < 5; step++)
        check_ok(mf_network_step(network, workspace, ROWS, x, y));
    for (size_t i = 0; i < 2; i++) {
        weights[i] = read_parameter(layer_at(network, i), "weight", NULL);
        biases[i] = read_parameter(layer_at(network, i), "bias", NULL);
    }
    check_ok(mf_network_set_classes(network, 6));
    check_status(MF_STATUS_STALE, mf_network_step(network, workspace, ROWS, x, y));
    mf_workspace_free(workspace);
    workspace = make_network_workspace(network, ROWS);
    for (size_t i = 0; i < 2; i++) {
        size_t count;
        double sum = 0.0;
        float *w = read_parameter(layer_at(network, i), "weight", &count);
        float *m = read_parameter(layer_at(network, i), "projection", NULL);
        mf_layer_spec now = {.struct_size = sizeof now};

        assert_memory_equal(w, weights[i], count * sizeof *w);
        free(w);
        w = read_parameter(layer_at(network, i), "bias", &count);
        assert_memory_equal(w, biases[i], count * sizeof *w);
        free(w);
        /* M starts as the spec said: within 1 / sqrt(n), and not at zero. */
        assert_int_equal(parameter_count(layer_at(network, i), "projection"), 6 * widths[i + 1]);
        for (size_t v = 0; v < 6 * widths[i + 1]; v++) {
            assert_true(fabsf(m[v]) <= 1.0f / sqrtf((float)widths[i + 1]));
            sum += fabs((double)m[v]);
        }
        assert_true(sum > 0.5);
        free(m);
        check_ok(mf_layer_describe(layer_at(network, i), &now));
        assert_int_equal(now.classes, 6);
        assert_int_equal(now.outputs, widths[i + 1]);
        free(weights[i]);
        free(biases[i]);
    }
    y[0] = 5;
    check_ok(mf_network_step(network, workspace, ROWS, x, y));
    assert_int_equal(read_report(workspace, 0).applied, 6);
    check_status(MF_STATUS_ARGUMENT, mf_network_set_classes(network, 1));
    check_ok(mf_network_step(network, workspace, ROWS, x, y));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

/* M starts anew each time, not with the numbers it has had; equal layers change alike. */
static void test_new_classes_draw_a_new_projection(void **state)
{
    mf_layer *layer = make_plain_layer(4, 6, 3, 8), *twin = make_plain_layer(4, 6, 3, 8);
    float *seen[4];
    saved_values same;

    (void)state;
    seen[0] = read_parameter(layer, "projection", NULL);
    for (size_t change = 1; change < 4; change++) {
        check_ok(mf_layer_set_classes(layer, 3 + change % 2));
        check_ok(mf_layer_set_classes(twin, 3 + change % 2));
        seen[change] = read_parameter(layer, "projection", NULL);
        for (size_t before = 0; before < change; before++)
            for (size_t i = 0; i < 18; i++)
                assert_true(seen[change][i] != seen[before][i]);
    }
    same = save_layer_values(twin);
    check_layer_unchanged(&same, layer);
    free_saved_values(&same);
    for (size_t i = 0; i < 4; i++)
        free(seen[i]);
    mf_layer_free(layer);
    mf_layer_free(twin);
}

/* A layer's own change of classes leaves the network with layers that differ. */
static void test_layers_with_different_classes_are_refused_together(void **state)
{
    const size_t widths[] = {4, 7, 5};
    mf_network *network = make_stack(widths, 2, 3, 1, NULL);
    mf_workspace *workspace = make_network_workspace(network, ROWS), *other = (mf_workspace *)1;
    mf_workspace_spec spec;
    float x[ROWS * 4] = {0};
    int32_t labels[ROWS];

    (void)state;
    check_ok(mf_layer_set_classes(layer_at(network, 1), 4));
    check_status(MF_STATUS_STALE, mf_network_predict(network, workspace, MF_PREDICT_LAST, ROWS, x, labels));
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    check_status(MF_STATUS_SHAPE, mf_workspace_create(&spec, &other));
    assert_null(other);
    check_message("layer 1 has 4 classes, layer 0 has 3");
    check_ok(mf_network_set_classes(network, 4));
    check_ok(mf_workspace_create(&spec, &other));
    check_ok(mf_network_predict(network, other, MF_PREDICT_SUM, ROWS, x, labels));
    mf_workspace_free(other);
    mf_workspace_free(workspace);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_stay_when_layers_move),
        cmocka_unit_test(test_a_network_can_have_many_layers),
        cmocka_unit_test(test_layers_that_do_not_fit_are_refused),
        cmocka_unit_test(test_a_layer_can_be_in_a_network_only_once),
        cmocka_unit_test(test_two_networks_can_share_a_layer),
        cmocka_unit_test(test_handles_can_be_freed_in_any_order),
        cmocka_unit_test(test_changing_the_classes_keeps_weights_and_biases),
        cmocka_unit_test(test_layers_with_different_classes_are_refused_together),
        cmocka_unit_test(test_new_classes_draw_a_new_projection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
