/* Inputs as bytes, bf16 and int32: every call gives the bits of the same values as floats; what is refused;
 * memory. SPDX-License-Identifier: MIT */
#include <math.h>

#include "fixture.h"
#include "memory.h"
#include "random.h"
#include "training_fixture.h"
#include "typed_inputs.h"

enum { GAP = 5, MOST_VALUES = 1 << 12 };

/* A network and all that its calls give. */
typedef struct side {
    training_fixture *s;
    mf_workspace *workspace;
    float a[ROWS * 64], gradients[MOST_VALUES], goodness[ROWS * CLASSES], probabilities[ROWS * CLASSES];
    int32_t labels[ROWS];
    mf_report reports[2 * LAYERS + 1];
} side;

static side *make_side(training_fixture *(*make)(const rule *how), int32_t purpose)
{
    side *one = get_zeroed(1, sizeof *one);
    one->s = make(&rules[4]);
    one->workspace = make_workspace(one->s->network, NULL, purpose, ROWS);
    return one;
}

static void free_side(side *one)
{
    mf_workspace_free(one->workspace);
    free_training_fixture(one->s);
    free(one);
}

/* Every call that takes an mf_batch and a workspace. */
static void make_every_call(side *one, const mf_batch *batch)
{
    mf_network *network = one->s->network;
    mf_layer *first = layer_at(network, 0);
    saved_values all = save_layer_values(first);

    check_ok(mf_network_step_batch(network, one->workspace, batch));
    check_ok(mf_network_step_layer_batch(network, one->workspace, 2, batch));
    check_ok(mf_network_step_layer_batch(network, one->workspace, 0, batch));
    check_ok(mf_layer_step_batch(first, one->workspace, batch, NULL));
    check_ok(mf_layer_step_batch(first, one->workspace, batch, one->a));
    for (size_t i = 0; i < LAYERS; i++)
        one->reports[i] = read_report(one->workspace, i);
    assert_in_range(all.count, 1, MOST_VALUES);
    check_ok(mf_layer_gradients(first, one->workspace, batch, one->a, one->gradients, all.count));
    check_ok(mf_layer_forward_batch(first, one->workspace, batch, one->a));
    check_ok(mf_network_evaluate_batch(network, one->workspace, batch));
    for (size_t i = 0; i < LAYERS; i++)
        one->reports[LAYERS + i] = read_report(one->workspace, i);
    one->reports[2 * LAYERS].struct_size = sizeof(mf_report);
    check_ok(mf_workspace_report_sum(one->workspace, &one->reports[2 * LAYERS]));
    check_ok(mf_network_infer(network, one->workspace, MF_PREDICT_SUM, batch, one->labels, one->goodness,
                              one->probabilities));
    free_saved_values(&all);
}

static void check_same_sides(const side *one, const side *other)
{
    saved_values first = save_network_values(one->s->network),
                 second = save_network_values(other->s->network);

    assert_true(same_values(&first, &second));
    assert_memory_equal(one->a, other->a, sizeof one->a);
    assert_memory_equal(one->gradients, other->gradients, sizeof one->gradients);
    assert_memory_equal(one->goodness, other->goodness, sizeof one->goodness);
    assert_memory_equal(one->probabilities, other->probabilities, sizeof one->probabilities);
    assert_memory_equal(one->labels, other->labels, sizeof one->labels);
    assert_memory_equal(one->reports, other->reports, sizeof one->reports);
    free_saved_values(&first);
    free_saved_values(&second);
}

static void check_every_call(training_fixture *(*make)(const rule *how), const typed_kind *kind, size_t gap)
{
    side *floats = make_side(make, MF_WORKSPACE_TRAINING);
    side *typed = make_side(make, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT);
    const size_t rows[] = {ROWS, 2, ROWS - 4};

    for (size_t t = 0; t < COUNT_OF(rows); t++) {
        typed_inputs inputs = make_typed_inputs(kind, ROWS, INPUTS, gap, 10 + t);
        mf_batch of_floats = float_batch(&inputs, rows[t], floats->s->y[t]);
        mf_batch of_typed = typed_batch(&inputs, rows[t], floats->s->y[t]);

        if (t == 2)
            of_floats.sample_weights = of_typed.sample_weights = floats->s->weights;
        make_every_call(floats, &of_floats);
        make_every_call(typed, &of_typed);
        check_same_sides(floats, typed);
        free_typed_inputs(&inputs);
    }
    free_side(floats);
    free_side(typed);
}

static void test_every_call_gives_the_bits_of_floats(void **state)
{
    training_fixture *(*const makes[])(const rule *) = {make_training_fixture, make_maps_fixture,
                                                        make_units_fixture};
    (void)state;
    for (size_t m = 0; m < COUNT_OF(makes); m++)
        for (size_t k = 0; k < TYPED_KINDS; k++) {
            check_every_call(makes[m], &typed_kinds[k], 0);
            check_every_call(makes[m], &typed_kinds[k], GAP);
        }
}

/* Each layer of a network takes such batches by itself, also into the workspace's own activation; one row has
 * the bits it has in a batch of floats. */
static void test_later_layers_take_them_too(void **state)
{
    (void)state;
    for (size_t position = 0; position < LAYERS; position++)
        for (size_t k = 0; k < TYPED_KINDS; k++) {
            side *floats = make_side(make_training_fixture, MF_WORKSPACE_TRAINING);
            side *typed = make_side(make_training_fixture, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT);
            typed_inputs inputs = make_typed_inputs(&typed_kinds[k], ROWS, fixture_widths[position], 0, 3);

            for (size_t rows = 1; rows <= ROWS; rows += 4) {
                mf_batch of_floats = float_batch(&inputs, rows, floats->s->y[0]);
                mf_batch of_typed = typed_batch(&inputs, rows, floats->s->y[0]);

                for (int own = 0; own <= 1; own++) {
                    check_ok(mf_layer_step_batch(layer_at(floats->s->network, position), floats->workspace,
                                                 &of_floats, own ? NULL : floats->a));
                    check_ok(mf_layer_step_batch(layer_at(typed->s->network, position), typed->workspace,
                                                 &of_typed, own ? NULL : typed->a));
                }
            }
            check_same_sides(floats, typed);
            free_typed_inputs(&inputs);
            free_side(floats);
            free_side(typed);
        }
}

/* All 256 bytes are what people write for them, whatever the kernels. */
static void test_bytes_are_divided_by_255(void **state)
{
    mf_layer *layer = make_plain_layer(256, 3, 2, 1);
    mf_workspace *workspace = make_workspace(NULL, layer, MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT, 1);
    uint8_t bytes[256];
    float floats[256], expected[3], got[3];
    mf_batch batch = make_batch(1, floats, NULL);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        bytes[i] = (uint8_t)i;
        floats[i] = (float)i / 255.0f;
    }
    check_ok(mf_layer_forward_batch(layer, workspace, &batch, expected));
    batch.input_type = MF_TYPE_UINT8;
    batch.inputs = bytes;
    check_ok(mf_layer_forward_batch(layer, workspace, &batch, got));
    assert_memory_equal(expected, got, sizeof got);
    mf_workspace_free(workspace);
    mf_layer_free(layer);
}

/* ---- what is refused ---- */

static mf_batch bytes_of_fixture(const fixture *f, const uint8_t *bytes)
{
    mf_batch batch = make_batch(FIXTURE_ROWS, NULL, f->y);
    batch.input_type = MF_TYPE_UINT8;
    batch.inputs = bytes;
    return batch;
}

/* A batch that every call refuses with `expected`, whatever the workspace. */
static void check_refused(fixture *f, mf_status expected, const mf_batch *batch, mf_workspace *of_network,
                          mf_workspace *of_spare)
{
    float gradients[256];
    size_t count = f->spare_before.count;

    assert_in_range(count, 1, COUNT_OF(gradients));
    refused(f, expected, mf_network_step_batch(f->network, of_network, batch));
    refused(f, expected, mf_network_step_layer_batch(f->network, of_network, 1, batch));
    refused(f, expected, mf_network_evaluate_batch(f->network, of_network, batch));
    refused(f, expected, mf_network_infer(f->network, of_network, 0, batch, f->labels, NULL, NULL));
    refused(f, expected, mf_layer_step_batch(f->spare, of_spare, batch, NULL));
    refused(f, expected, mf_layer_gradients(f->spare, of_spare, batch, NULL, gradients, count));
    refused(f, expected, mf_layer_forward_batch(f->spare, of_spare, batch, f->a));
}

static void test_a_workspace_must_be_made_for_them(void **state)
{
    fixture *f = *state;
    const uint16_t values[FIXTURE_ROWS * FIXTURE_INPUTS] = {0};
    mf_batch batch = bytes_of_fixture(f, (const uint8_t *)values);

    check_refused(f, MF_STATUS_STATE, &batch, f->training, f->of_spare);
    check_message("MF_WORKSPACE_CONVERT");
    batch.input_type = MF_TYPE_BF16;
    check_refused(f, MF_STATUS_STATE, &batch, f->training, f->of_spare);
    refused(f, MF_STATUS_STATE, mf_network_infer(f->network, f->inference, 0, &batch, f->labels, NULL, NULL));
}

typedef struct converting {
    mf_workspace *of_network, *of_spare;
} converting;

static converting make_converting(fixture *f)
{
    const int32_t purpose = MF_WORKSPACE_TRAINING + MF_WORKSPACE_CONVERT;
    return (converting){make_workspace(f->network, NULL, purpose, FIXTURE_ROWS),
                        make_workspace(NULL, f->spare, purpose, FIXTURE_ROWS)};
}

static void free_converting(converting *made)
{
    mf_workspace_free(made->of_network);
    mf_workspace_free(made->of_spare);
}

static void test_scales_that_make_no_number_are_refused(void **state)
{
    fixture *f = *state;
    const uint8_t bytes[FIXTURE_ROWS * FIXTURE_INPUTS] = {0};
    const float wrong[][2] = {{NAN, 0},   {INFINITY, 0}, {-INFINITY, 1}, {1, NAN},
                              {0, NAN},   {1, INFINITY}, {0, -INFINITY}, {3e38f, 0},
                              {2e38f, 2}, {2, 3e38f},    {-2e36f, 0},    {2e36f, -255}};
    mf_batch batch = bytes_of_fixture(f, bytes);
    converting made = make_converting(f);

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        batch.input_scale = wrong[i][0];
        batch.input_shift = wrong[i][1];
        check_refused(f, MF_STATUS_ARGUMENT, &batch, made.of_network, made.of_spare);
        check_message("finite");
    }
    free_converting(&made);
}

static void test_scales_are_for_bytes_alone(void **state)
{
    fixture *f = *state;
    const uint16_t halves[FIXTURE_ROWS * FIXTURE_INPUTS] = {0};
    const float some[][2] = {{1, 0}, {0, 1}, {NAN, 0}};
    converting made = make_converting(f);

    for (size_t i = 0; i < COUNT_OF(some); i++) {
        mf_batch batch = make_batch(FIXTURE_ROWS, f->x, f->y);
        batch.input_scale = some[i][0];
        batch.input_shift = some[i][1];
        check_refused(f, MF_STATUS_ARGUMENT, &batch, made.of_network, made.of_spare);
        batch.input_type = MF_TYPE_BF16;
        batch.inputs = halves;
        check_refused(f, MF_STATUS_ARGUMENT, &batch, made.of_network, made.of_spare);
    }
    free_converting(&made);
}

static void test_bf16_that_is_not_finite_is_refused(void **state)
{
    fixture *f = *state;
    const uint16_t wrong[] = {0x7F80, 0xFF80, 0x7FC0, 0x7F81, 0xFFFF};
    uint16_t halves[FIXTURE_ROWS * (FIXTURE_INPUTS + 1)];
    mf_batch batch = bytes_of_fixture(f, NULL);
    converting made = make_converting(f);

    batch.input_type = MF_TYPE_BF16;
    batch.inputs = halves;
    for (size_t stride = FIXTURE_INPUTS; stride <= FIXTURE_INPUTS + 1; stride++)
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
            batch.input_stride = stride;
            for (size_t j = 0; j < COUNT_OF(halves); j++)
                halves[j] = 0x3F80;
            halves[(FIXTURE_ROWS - 1) * stride + 4] = wrong[i];
            check_refused(f, MF_STATUS_NUMERIC, &batch, made.of_network, made.of_spare);
            check_message("input 4 of row 7");
        }
    halves[0] = 0x7F7F; /* the largest that is */
    batch.rows = 1;
    check_ok(mf_layer_forward_batch(f->spare, made.of_spare, &batch, f->a));
    free_converting(&made);
}

/* ---- older callers ---- */

static void test_a_batch_of_before_has_the_usual_scale(void **state)
{
    fixture *f = *state;
    uint8_t bytes[FIXTURE_ROWS * FIXTURE_INPUTS];
    mf_batch batch = bytes_of_fixture(f, bytes);
    converting made = make_converting(f);
    float other[COUNT_OF(f->a)];

    for (size_t i = 0; i < COUNT_OF(bytes); i++)
        bytes[i] = (uint8_t)(5 * i);
    check_ok(mf_layer_forward_batch(f->spare, made.of_spare, &batch, f->a));
    batch.struct_size = offsetof(mf_batch, input_scale);
    batch.input_scale = batch.input_shift = NAN;
    check_ok(mf_layer_forward_batch(f->spare, made.of_spare, &batch, other));
    assert_memory_equal(f->a, other, sizeof other);
    free_converting(&made);
}

/* ---- memory ---- */

static size_t bytes_of_workspace(const size_t *widths, size_t layers, int32_t purpose, size_t rows)
{
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_network *network = make_stack(widths, layers, 3, 1, NULL);
    mf_layer_spec specs[4];
    const mf_layer_spec *list[4];
    mf_memory foreseen = {.struct_size = sizeof foreseen};
    mf_workspace_spec spec;
    mf_workspace *workspace;
    size_t bytes;

    for (size_t i = 0; i < layers; i++) {
        specs[i] = layer_spec(widths[i], widths[i + 1], 3);
        list[i] = &specs[i];
    }
    check_ok(mf_network_memory(list, layers, NULL, purpose, rows, &foreseen));
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.purpose = purpose;
    spec.max_batch = rows;
    spec.allocator = &allocator;
    check_ok(mf_workspace_create(&spec, &workspace));
    bytes = memory.bytes_out;
    assert_int_equal(bytes, foreseen.workspace);
    mf_workspace_free(workspace);
    mf_network_free(network);
    memory_release(&memory);
    return bytes;
}

/* The floats lie in the activation of the odd layers: no byte more if one of those is as wide as the input.
 */
static void test_floats_take_memory_only_where_there_is_none(void **state)
{
    enum { BATCH = 16 };
    const struct {
        size_t layers, widths[4], more;
    } cases[] = {{2, {48, 32, 48}, 0}, {3, {48, 16, 64, 16}, 0},  {2, {48, 64, 32}, 16},
                 {1, {48, 64}, 48},    {3, {96, 128, 16, 8}, 80}, {2, {1024, 16, 1008}, 16}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int32_t purpose = MF_WORKSPACE_TRAINING; purpose <= MF_WORKSPACE_INFERENCE; purpose++) {
            size_t plain = bytes_of_workspace(cases[i].widths, cases[i].layers, purpose, BATCH);
            size_t converts =
                bytes_of_workspace(cases[i].widths, cases[i].layers, purpose + MF_WORKSPACE_CONVERT, BATCH);
            assert_int_equal(converts - plain, BATCH * cases[i].more * sizeof(float));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_gives_the_bits_of_floats),
        cmocka_unit_test(test_later_layers_take_them_too),
        cmocka_unit_test(test_bytes_are_divided_by_255),
        cmocka_unit_test_setup_teardown(test_a_workspace_must_be_made_for_them, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_scales_that_make_no_number_are_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_scales_are_for_bytes_alone, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bf16_that_is_not_finite_is_refused, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_batch_of_before_has_the_usual_scale, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(test_floats_take_memory_only_where_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
