/* NULL for every pointer, a handle of another kind for every handle: refused, and nothing changes.
 * SPDX-License-Identifier: MIT */
#include "memory.h"
#include "units.h"
#include "fixture.h"

static void test_null_specs(void **state)
{
    mf_optimizer_spec optimizer_values = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_layer_spec values = layer_spec(2, 2, 2);
    mf_layer *layer = (mf_layer *)1;
    mf_optimizer *optimizer = (mf_optimizer *)1;
    mf_workspace *workspace = (mf_workspace *)1;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_spec_init(NULL, sizeof(mf_optimizer_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_layer_spec_init(NULL, sizeof(mf_layer_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_network_spec_init(NULL, sizeof(mf_network_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_workspace_spec_init(NULL, sizeof(mf_workspace_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_batch_init(NULL, sizeof(mf_batch)));
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(NULL, &optimizer));
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(NULL, &layer));
    check_status(MF_STATUS_ARGUMENT, mf_workspace_create(NULL, &workspace));
    assert_null(optimizer);
    assert_null(layer);
    assert_null(workspace);
    check_status(MF_STATUS_ARGUMENT, mf_optimizer_create(&optimizer_values, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_create(&values, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_create(NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_workspace_create(NULL, NULL));
}

static void test_null_specs_of_builders(void **state)
{
    const mf_shape input = shape_row(2);
    mf_builder_spec values = builder_spec(&input), without = builder_spec(NULL);
    mf_layer_spec layer_values = layer_spec(2, 2, 2);
    mf_builder *builder = (mf_builder *)1;

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_unit_spec_init(NULL, sizeof(mf_unit_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_head_spec_init(NULL, sizeof(mf_head_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_builder_spec_init(NULL, sizeof(mf_builder_spec)));
    check_status(MF_STATUS_ARGUMENT, mf_builder_create(NULL, &builder));
    assert_null(builder);
    builder = (mf_builder *)1;
    check_status(MF_STATUS_ARGUMENT, mf_builder_create(&without, &builder));
    assert_null(builder);
    builder = (mf_builder *)1;
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(NULL, &builder));
    assert_null(builder);
    check_status(MF_STATUS_ARGUMENT, mf_builder_create(&values, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_builder_create(NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(&layer_values, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_builder_from_spec(NULL, NULL));
    mf_builder_free(NULL);
}

/* What is missing in a question is no failure of the builder; a unit or a head that is missing is. */
static void test_null_data_of_builders(void **state)
{
    units_plan plan = plan_residual(2, 3, 3, 4);
    mf_builder *builder = make_builder(&plan, NULL), *list[2] = {builder, NULL};
    mf_layer *layer = make_units(&plan), *again = NULL;
    mf_memory memory = {.struct_size = sizeof memory};
    mf_shape shape = {.struct_size = sizeof shape};

    (void)state;
    check_status(MF_STATUS_ARGUMENT, mf_builder_shape(builder, 0, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_build(builder, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_build(NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_unit_count(layer, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_layer_head(layer, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory_built(NULL, 1, NULL, 0, 1, &memory));
    check_status(MF_STATUS_ARGUMENT, mf_network_memory_built(list, 1, NULL, 0, 1, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_memory_built(list, 2, NULL, 0, 1, &memory));
    check_ok(mf_network_memory_built(list, 1, NULL, 0, 1, &memory));
    check_ok(mf_layer_unit(layer, 1, NULL, &shape));
    check_ok(mf_layer_unit(layer, 1, NULL, NULL));
    check_ok(mf_layer_shape(layer, NULL, NULL));
    check_ok(mf_layer_build(builder, &again));
    mf_layer_free(again);
    check_status(MF_STATUS_ARGUMENT, mf_builder_unit(builder, NULL, NULL));
    check_sticks(builder, MF_STATUS_ARGUMENT, "NULL");
    mf_builder_free(builder);
    builder = make_builder(&plan, NULL);
    check_status(MF_STATUS_ARGUMENT, mf_builder_head(builder, NULL));
    check_sticks(builder, MF_STATUS_ARGUMENT, "NULL");
    mf_builder_free(builder);
    mf_layer_free(layer);
}

static void test_null_data(void **state)
{
    fixture *w = *state;
    mf_layer_spec described = {.struct_size = sizeof described};
    size_t count = 0;

    refused(w, MF_STATUS_ARGUMENT, mf_optimizer_get(w->optimizer, 0, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_describe(w->spare, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_get(w->spare, 0, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_parameter_count(w->spare, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_parameter_info(w->spare, 0, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_get_parameter(w->spare, NULL, w->a, 54));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_get_parameter(w->spare, "weight", NULL, 54));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_set_parameter(w->spare, NULL, w->a, 54));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_set_parameter(w->spare, "weight", NULL, 54));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_set_trainable(w->spare, NULL, 0));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_step(w->spare, w->of_spare, 8, NULL, w->y, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_step(w->spare, w->of_spare, 8, w->x, NULL, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_step_batch(w->spare, w->of_spare, NULL, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_forward(w->spare, w->of_spare, 8, NULL, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_forward(w->spare, w->of_spare, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_forward_batch(w->spare, w->of_spare, NULL, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_pass_batch(w->spare, w->of_spare, NULL, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_goodness(w->spare, w->of_spare, 8, NULL, w->scores));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_goodness(w->spare, w->of_spare, 8, w->a, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_size(w->network, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_position(w->network, 1, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step(w->network, w->training, 8, NULL, w->y));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step(w->network, w->training, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_batch(w->network, w->training, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_layer(w->network, w->training, 1, 8, NULL, w->y));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_layer(w->network, w->training, 1, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_layer_batch(w->network, w->training, 1, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_evaluate(w->network, w->training, 8, NULL, w->y));
    refused(w, MF_STATUS_ARGUMENT, mf_network_evaluate(w->network, w->training, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_evaluate_batch(w->network, w->training, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_predict(w->network, w->training, 0, 8, NULL, w->labels));
    refused(w, MF_STATUS_ARGUMENT, mf_network_predict(w->network, w->training, 0, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_goodness(w->network, w->training, 0, 8, NULL, w->scores));
    refused(w, MF_STATUS_ARGUMENT, mf_network_goodness(w->network, w->training, 0, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_probabilities(w->network, w->training, 0, 8, NULL, w->scores));
    refused(w, MF_STATUS_ARGUMENT, mf_network_probabilities(w->network, w->training, 0, 8, w->x, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_network_infer(w->network, w->training, 0, NULL, w->labels, NULL, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_report(w->training, 0, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_workspace_report_sum(w->training, NULL));
    /* What may be NULL is fine. */
    check_ok(mf_network_layer(w->network, 0, NULL, NULL));
    check_ok(mf_layer_parameter_count(w->spare, &count));
    check_ok(mf_layer_describe(w->spare, &described));
}

/* A batch whose pointers are missing. */
static void test_null_in_batches(void **state)
{
    fixture *w = *state;
    mf_batch no_inputs = make_batch(8, NULL, w->y), no_targets = make_batch(8, w->x, NULL);

    refused(w, MF_STATUS_ARGUMENT, mf_layer_step_batch(w->spare, w->of_spare, &no_inputs, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_step_batch(w->spare, w->of_spare, &no_targets, NULL));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_forward_batch(w->spare, w->of_spare, &no_inputs, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_layer_pass_batch(w->spare, w->of_spare, &no_inputs, w->a));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_batch(w->network, w->training, &no_inputs));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_batch(w->network, w->training, &no_targets));
    refused(w, MF_STATUS_ARGUMENT, mf_network_step_layer_batch(w->network, w->training, 0, &no_targets));
    refused(w, MF_STATUS_ARGUMENT, mf_network_evaluate_batch(w->network, w->training, &no_inputs));
    refused(w, MF_STATUS_ARGUMENT, mf_network_evaluate_batch(w->network, w->training, &no_targets));
    refused(w, MF_STATUS_ARGUMENT,
            mf_network_infer(w->network, w->training, 0, &no_inputs, w->labels, NULL, NULL));
    check_ok(mf_layer_forward_batch(w->spare, w->of_spare, &no_targets, w->a));
    check_ok(mf_network_infer(w->network, w->training, 0, &no_targets, w->labels, NULL, NULL));
}

/* Every call that takes a handle, with `wrong` in each handle's place: NULL, a handle of each other
 * kind, or a freed one. `kind` says what `wrong` is, so that it is left out where it would be right. */
enum { KIND_NONE, KIND_OPTIMIZER, KIND_BUILDER, KIND_LAYER, KIND_NETWORK, KIND_WORKSPACE };

static void wrong_optimizer(fixture *w, void *wrong)
{
    double value;

    refused(w, MF_STATUS_HANDLE, mf_optimizer_set(wrong, 0, 0.1));
    refused(w, MF_STATUS_HANDLE, mf_optimizer_get(wrong, 0, &value));
    if (wrong != NULL) { /* NULL detaches */
        refused(w, MF_STATUS_HANDLE, mf_layer_set_optimizer(w->spare, wrong));
        refused(w, MF_STATUS_HANDLE, mf_network_set_optimizer(w->network, wrong));
    }
}

static void wrong_builder(fixture *w, void *wrong)
{
    const mf_unit_spec unit = unit_dense(3);
    const mf_block_spec block = {.struct_size = sizeof block};
    const mf_head_spec head = head_spec(2);
    mf_shape shape = {.struct_size = sizeof shape};
    mf_memory memory = {.struct_size = sizeof memory};
    mf_layer *layer = (mf_layer *)1;
    mf_builder *list[1] = {wrong};
    int32_t node = 77;

    refused(w, MF_STATUS_HANDLE, mf_builder_unit(wrong, &unit, &node));
    check_message("expected a builder, got");
    refused(w, MF_STATUS_HANDLE, mf_builder_unit(wrong, NULL, NULL));
    refused(w, MF_STATUS_HANDLE, mf_builder_block(wrong, &block, &node));
    refused(w, MF_STATUS_HANDLE, mf_builder_block(wrong, NULL, NULL));
    refused(w, MF_STATUS_HANDLE, mf_builder_head(wrong, &head));
    refused(w, MF_STATUS_HANDLE, mf_builder_head(wrong, NULL));
    refused(w, MF_STATUS_HANDLE, mf_builder_shape(wrong, 0, &shape));
    refused(w, MF_STATUS_HANDLE, mf_layer_build(wrong, &layer));
    refused(w, MF_STATUS_HANDLE, mf_network_memory_built(list, 1, NULL, 0, 1, &memory));
    assert_int_equal(node, 77);
    assert_null(layer);
    mf_builder_free(wrong); /* of another kind it stays as it is */
}

static void wrong_units(fixture *w, void *wrong)
{
    mf_unit_spec unit = {.struct_size = sizeof unit};
    mf_head_spec head = {.struct_size = sizeof head};
    mf_shape shape = {.struct_size = sizeof shape};
    mf_optimizer *optimizer = NULL;
    size_t count = 77;

    refused(w, MF_STATUS_HANDLE, mf_layer_unit_count(wrong, &count));
    refused(w, MF_STATUS_HANDLE, mf_layer_unit(wrong, 1, &unit, &shape));
    refused(w, MF_STATUS_HANDLE, mf_layer_head(wrong, &head));
    refused(w, MF_STATUS_HANDLE, mf_layer_shape(wrong, &shape, NULL));
    refused(w, MF_STATUS_HANDLE, mf_layer_optimizer(wrong, &optimizer));
    assert_int_equal(count, 77);
}

static void wrong_layer(fixture *w, void *wrong)
{
    mf_layer_spec spec = {.struct_size = sizeof spec};
    mf_parameter_info info = {.struct_size = sizeof info};
    mf_workspace_spec workspace_values;
    mf_workspace *workspace = (mf_workspace *)1;
    mf_batch batch = make_batch(8, w->x, w->y);
    float gradients[99] = {0}; /* as many as the spare layer has parameters */
    double value;
    size_t count;
    uint64_t id;

    refused(w, MF_STATUS_HANDLE, mf_layer_describe(wrong, &spec));
    refused(w, MF_STATUS_HANDLE, mf_layer_set(wrong, 0, 0.1));
    refused(w, MF_STATUS_HANDLE, mf_layer_get(wrong, 0, &value));
    refused(w, MF_STATUS_HANDLE, mf_layer_set_classes(wrong, 3));
    refused(w, MF_STATUS_HANDLE, mf_layer_set_optimizer(wrong, w->optimizer));
    refused(w, MF_STATUS_HANDLE, mf_layer_parameter_count(wrong, &count));
    refused(w, MF_STATUS_HANDLE, mf_layer_parameter_info(wrong, 0, &info));
    refused(w, MF_STATUS_HANDLE, mf_layer_get_parameter(wrong, "weight", w->a, 54));
    refused(w, MF_STATUS_HANDLE, mf_layer_set_parameter(wrong, "weight", w->a, 54));
    refused(w, MF_STATUS_HANDLE, mf_layer_set_trainable(wrong, "weight", 0));
    refused(w, MF_STATUS_HANDLE, mf_layer_step(wrong, w->of_spare, 8, w->x, w->y, NULL));
    refused(w, MF_STATUS_HANDLE, mf_layer_step_batch(wrong, w->of_spare, &batch, NULL));
    refused(w, MF_STATUS_HANDLE, mf_layer_gradients(wrong, w->of_spare, &batch, NULL, gradients, 99));
    refused(w, MF_STATUS_HANDLE, mf_layer_apply(wrong, gradients, 99));
    refused(w, MF_STATUS_HANDLE, mf_layer_forward(wrong, w->of_spare, 8, w->x, w->a));
    refused(w, MF_STATUS_HANDLE, mf_layer_forward_batch(wrong, w->of_spare, &batch, w->a));
    refused(w, MF_STATUS_HANDLE, mf_layer_pass_batch(wrong, w->of_spare, &batch, w->a));
    refused(w, MF_STATUS_HANDLE, mf_layer_goodness(wrong, w->of_spare, 8, w->a, w->scores));
    refused(w, MF_STATUS_HANDLE, mf_network_append(w->network, wrong, NULL));
    refused(w, MF_STATUS_HANDLE, mf_network_insert(w->network, 0, wrong, NULL));
    check_ok(mf_network_layer(w->network, 0, NULL, &id));
    refused(w, MF_STATUS_HANDLE, mf_network_replace(w->network, id, wrong));
    if (wrong != NULL) { /* a spec with neither is another error */
        check_ok(mf_workspace_spec_init(&workspace_values, sizeof workspace_values));
        workspace_values.layer = wrong;
        workspace_values.max_batch = 4;
        refused(w, MF_STATUS_HANDLE, mf_workspace_create(&workspace_values, &workspace));
        assert_null(workspace);
    }
}

static void wrong_network(fixture *w, void *wrong)
{
    mf_workspace_spec workspace_values;
    mf_workspace *workspace = (mf_workspace *)1;
    mf_batch batch = make_batch(8, w->x, w->y);
    size_t count;

    refused(w, MF_STATUS_HANDLE, mf_network_size(wrong, &count));
    refused(w, MF_STATUS_HANDLE, mf_network_summary(wrong, 1, NULL, 0, &count));
    refused(w, MF_STATUS_HANDLE, mf_network_append(wrong, w->spare, NULL));
    refused(w, MF_STATUS_HANDLE, mf_network_insert(wrong, 0, w->spare, NULL));
    refused(w, MF_STATUS_HANDLE, mf_network_remove(wrong, 1));
    refused(w, MF_STATUS_HANDLE, mf_network_replace(wrong, 1, w->spare));
    refused(w, MF_STATUS_HANDLE, mf_network_layer(wrong, 0, NULL, NULL));
    refused(w, MF_STATUS_HANDLE, mf_network_position(wrong, 1, &count));
    refused(w, MF_STATUS_HANDLE, mf_network_set_optimizer(wrong, w->optimizer));
    refused(w, MF_STATUS_HANDLE, mf_network_set_classes(wrong, 3));
    refused(w, MF_STATUS_HANDLE, mf_network_step(wrong, w->training, 8, w->x, w->y));
    refused(w, MF_STATUS_HANDLE, mf_network_step_batch(wrong, w->training, &batch));
    refused(w, MF_STATUS_HANDLE, mf_network_step_layer(wrong, w->training, 0, 8, w->x, w->y));
    refused(w, MF_STATUS_HANDLE, mf_network_step_layer_batch(wrong, w->training, 0, &batch));
    refused(w, MF_STATUS_HANDLE, mf_network_evaluate(wrong, w->training, 8, w->x, w->y));
    refused(w, MF_STATUS_HANDLE, mf_network_evaluate_batch(wrong, w->training, &batch));
    refused(w, MF_STATUS_HANDLE, mf_network_predict(wrong, w->training, 0, 8, w->x, w->labels));
    refused(w, MF_STATUS_HANDLE, mf_network_goodness(wrong, w->training, 0, 8, w->x, w->scores));
    refused(w, MF_STATUS_HANDLE, mf_network_probabilities(wrong, w->training, 0, 8, w->x, w->scores));
    refused(w, MF_STATUS_HANDLE, mf_network_infer(wrong, w->training, 0, &batch, w->labels, NULL, NULL));
    if (wrong != NULL) {
        check_ok(mf_workspace_spec_init(&workspace_values, sizeof workspace_values));
        workspace_values.network = wrong;
        workspace_values.max_batch = 4;
        refused(w, MF_STATUS_HANDLE, mf_workspace_create(&workspace_values, &workspace));
        assert_null(workspace);
    }
}

static void wrong_workspace(fixture *w, void *wrong)
{
    mf_report report = {.struct_size = sizeof report};
    mf_batch batch = make_batch(8, w->x, w->y);
    float gradients[99] = {0};

    refused(w, MF_STATUS_HANDLE, mf_layer_step(w->spare, wrong, 8, w->x, w->y, NULL));
    refused(w, MF_STATUS_HANDLE, mf_layer_step_batch(w->spare, wrong, &batch, NULL));
    refused(w, MF_STATUS_HANDLE, mf_layer_gradients(w->spare, wrong, &batch, NULL, gradients, 99));
    refused(w, MF_STATUS_HANDLE, mf_layer_forward(w->spare, wrong, 8, w->x, w->a));
    refused(w, MF_STATUS_HANDLE, mf_layer_forward_batch(w->spare, wrong, &batch, w->a));
    refused(w, MF_STATUS_HANDLE, mf_layer_pass_batch(w->spare, wrong, &batch, w->a));
    refused(w, MF_STATUS_HANDLE, mf_layer_goodness(w->spare, wrong, 8, w->a, w->scores));
    refused(w, MF_STATUS_HANDLE, mf_network_step(w->network, wrong, 8, w->x, w->y));
    refused(w, MF_STATUS_HANDLE, mf_network_step_batch(w->network, wrong, &batch));
    refused(w, MF_STATUS_HANDLE, mf_network_step_layer(w->network, wrong, 0, 8, w->x, w->y));
    refused(w, MF_STATUS_HANDLE, mf_network_step_layer_batch(w->network, wrong, 0, &batch));
    refused(w, MF_STATUS_HANDLE, mf_network_evaluate(w->network, wrong, 8, w->x, w->y));
    refused(w, MF_STATUS_HANDLE, mf_network_evaluate_batch(w->network, wrong, &batch));
    refused(w, MF_STATUS_HANDLE, mf_network_predict(w->network, wrong, 0, 8, w->x, w->labels));
    refused(w, MF_STATUS_HANDLE, mf_network_goodness(w->network, wrong, 0, 8, w->x, w->scores));
    refused(w, MF_STATUS_HANDLE, mf_network_probabilities(w->network, wrong, 0, 8, w->x, w->scores));
    refused(w, MF_STATUS_HANDLE, mf_network_infer(w->network, wrong, 0, &batch, w->labels, NULL, NULL));
    refused(w, MF_STATUS_HANDLE, mf_workspace_report(wrong, 0, &report));
    refused(w, MF_STATUS_HANDLE, mf_workspace_report_sum(wrong, &report));
}

static void wrong_everywhere(fixture *w, void *wrong, int kind)
{
    if (kind != KIND_OPTIMIZER)
        wrong_optimizer(w, wrong);
    if (kind != KIND_BUILDER)
        wrong_builder(w, wrong);
    if (kind != KIND_LAYER) {
        wrong_layer(w, wrong);
        wrong_units(w, wrong);
    }
    if (kind != KIND_NETWORK)
        wrong_network(w, wrong);
    if (kind != KIND_WORKSPACE)
        wrong_workspace(w, wrong);
}

static void test_null_handles(void **state)
{
    wrong_everywhere(*state, NULL, KIND_NONE);
}

static void test_handles_of_another_kind(void **state)
{
    fixture *w = *state;
    units_plan plan = plan_residual(2, 3, 3, 4);
    mf_builder *builder = make_builder(&plan, NULL);

    wrong_everywhere(w, w->optimizer, KIND_OPTIMIZER);
    wrong_everywhere(w, builder, KIND_BUILDER);
    wrong_everywhere(w, w->spare, KIND_LAYER);
    wrong_everywhere(w, w->network, KIND_NETWORK);
    wrong_everywhere(w, w->training, KIND_WORKSPACE);
    mf_builder_free(builder);
}

/* Memory that was never a handle. */
static void test_no_handle_at_all(void **state)
{
    _Alignas(64) char text[512] = "This is not a handle but some text that somebody took for one.";
    uint64_t *zeros = get_zeroed(64, sizeof *zeros);

    wrong_everywhere(*state, text, KIND_NONE);
    wrong_everywhere(*state, zeros, KIND_NONE);
    check_message("got what is not a handle");
    free(zeros);
}

/* Freed handles, in memory that the allocator holds back so that looking at it is allowed. */
static void test_freed_handles(void **state)
{
    test_memory memory = {.quarantine = 1};
    mf_allocator allocator = memory_allocator(&memory);
    mf_optimizer_spec optimizer_values = optimizer_spec(MF_OPTIMIZER_SGD, 0.1);
    mf_layer_spec values = layer_spec(2, 2, 2);
    mf_network_spec network_values;
    mf_workspace_spec workspace_values;
    units_plan plan = plan_residual(2, 3, 3, 4);
    mf_builder *builder = make_builder(&plan, &allocator);
    mf_optimizer *optimizer;
    mf_layer *layer;
    mf_network *network;
    mf_workspace *workspace;

    mf_builder_free(builder);
    optimizer_values.allocator = values.allocator = &allocator;
    check_ok(mf_network_spec_init(&network_values, sizeof network_values));
    check_ok(mf_workspace_spec_init(&workspace_values, sizeof workspace_values));
    network_values.allocator = workspace_values.allocator = &allocator;
    check_ok(mf_optimizer_create(&optimizer_values, &optimizer));
    check_ok(mf_layer_create(&values, &layer));
    check_ok(mf_network_create(&network_values, &network));
    workspace_values.layer = layer;
    workspace_values.max_batch = 2;
    check_ok(mf_workspace_create(&workspace_values, &workspace));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
    assert_int_equal(memory.blocks_out, 0);
    wrong_everywhere(*state, optimizer, KIND_NONE);
    wrong_everywhere(*state, builder, KIND_NONE);
    wrong_everywhere(*state, layer, KIND_NONE);
    wrong_everywhere(*state, network, KIND_NONE);
    wrong_everywhere(*state, workspace, KIND_NONE);
    memory_release(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_specs),
        cmocka_unit_test(test_null_specs_of_builders),
        cmocka_unit_test(test_null_data_of_builders),
        cmocka_unit_test_setup_teardown(test_null_data, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_null_in_batches, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_null_handles, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_handles_of_another_kind, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_handle_at_all, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_freed_handles, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
