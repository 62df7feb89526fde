/* Structs of every size that end where memory ends: what is read and written of them is what their
 * struct_size says, and of an impossible one only struct_size itself. SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "page.h"
#include "units.h"

enum { STEP = 4 };

/* ---- structs that functions fill ---- */

typedef struct stage {
    mf_builder *builder;
    mf_layer *layer;
    mf_network *network;
    mf_workspace *workspace;
    mf_pipeline *pipeline;
} stage;

static stage set_up(void)
{
    units_plan plan = plan_residual(2, 3, 3, 2);
    stage s = {.builder = make_builder(&plan, NULL), .network = make_units_network(&plan, 1, NULL)};
    mf_pipeline_spec spec;

    s.layer = layer_at(s.network, 0);
    s.workspace = make_network_workspace(s.network, 2);
    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = s.network;
    spec.workers = 0;
    spec.max_batch = 2;
    check_ok(mf_pipeline_create(&spec, &s.pipeline));
    return s;
}

static void take_down(stage *s)
{
    mf_pipeline_free(s->pipeline);
    mf_workspace_free(s->workspace);
    mf_network_free(s->network);
    mf_builder_free(s->builder);
}

static mf_status unit_of_layer(const stage *s, void *result)
{
    return mf_layer_unit(s->layer, 6, result, NULL);
}

static mf_status shape_of_unit(const stage *s, void *result)
{
    return mf_layer_unit(s->layer, 6, NULL, result);
}

static mf_status head_of_layer(const stage *s, void *result)
{
    return mf_layer_head(s->layer, result);
}

static mf_status shape_of_node(const stage *s, void *result)
{
    return mf_builder_shape(s->builder, MF_NODE_PREVIOUS, result);
}

static mf_status shape_of_input(const stage *s, void *result)
{
    return mf_layer_shape(s->layer, result, NULL);
}

static mf_status parameter(const stage *s, void *result)
{
    return mf_layer_parameter_info(s->layer, 1, result);
}

static mf_status report(const stage *s, void *result)
{
    return mf_workspace_report(s->workspace, 0, result);
}

static mf_status progress(const stage *s, void *result)
{
    return mf_pipeline_progress(s->pipeline, result);
}

static mf_status memory(const stage *s, void *result)
{
    mf_builder *list[1] = {s->builder};

    return mf_network_memory_built(list, 1, NULL, MF_WORKSPACE_TRAINING, 1, result);
}

/* The sizes of the structs that have grown, when they were introduced. */
enum { FIRST_UNIT = UP_TO(mf_unit_spec, reserved), FIRST_HEAD = UP_TO(mf_head_spec, output_node) };

static const struct {
    const char *name;
    size_t first, size;
    mf_status (*ask)(const stage *s, void *result);
} results[] = {
    {"unit", FIRST_UNIT, sizeof(mf_unit_spec), unit_of_layer},
    {"shape of a unit", sizeof(mf_shape), sizeof(mf_shape), shape_of_unit},
    {"head", FIRST_HEAD, sizeof(mf_head_spec), head_of_layer},
    {"shape of a node", sizeof(mf_shape), sizeof(mf_shape), shape_of_node},
    {"shape of an input", sizeof(mf_shape), sizeof(mf_shape), shape_of_input},
    {"parameter", sizeof(mf_parameter_info), sizeof(mf_parameter_info), parameter},
    {"report", sizeof(mf_report), sizeof(mf_report), report},
    {"progress", sizeof(mf_pipeline_progress_info), sizeof(mf_pipeline_progress_info), progress},
    {"memory", offsetof(mf_memory, shared), sizeof(mf_memory), memory},
};

static void test_results(void **state)
{
    stage s = set_up();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(results); i++)
        for (size_t size = 4; size <= LARGEST_STRUCT; size += size < 400 ? STEP : 924) {
            unsigned char *at = place_struct(size);
            mf_status status = results[i].ask(&s, at);

            if (status != (size < results[i].first ? MF_STATUS_ARGUMENT : MF_STATUS_OK))
                fail_msg("%s of %zu bytes: %s", results[i].name, size, mf_last_message());
            if (status == MF_STATUS_OK)
                check_before(size);
            else
                check_untouched(size);
            for (size_t k = results[i].size; status == MF_STATUS_OK && k < size; k++)
                assert_int_equal(at[k], 0);
        }
    take_down(&s);
}

/* ---- structs that functions read ---- */

static mf_status use_unit(const void *unit)
{
    units_plan plan = plan_row(3, 2);
    mf_builder *builder = start_builder(&plan, NULL);
    mf_status status = mf_builder_unit(builder, unit, NULL);

    mf_builder_free(builder);
    return status;
}

static mf_status use_block(const void *block)
{
    units_plan plan = plan_maps(3, 2, 2, 2);
    mf_builder *builder = start_builder(&plan, NULL);
    mf_status status = mf_builder_block(builder, block, NULL);

    mf_builder_free(builder);
    return status;
}

static mf_status use_head(const void *head)
{
    mf_shape input = shape_row(3);
    mf_builder_spec spec = builder_spec(&input);
    mf_builder *builder = NULL;
    mf_status status;

    check_ok(mf_builder_create(&spec, &builder));
    status = mf_builder_head(builder, head);
    mf_builder_free(builder);
    return status;
}

static mf_status use_builder(const void *spec)
{
    mf_builder *builder = NULL;
    mf_status status = mf_builder_create(spec, &builder);

    mf_builder_free(builder);
    return status;
}

static mf_status use_input(const void *input)
{
    mf_builder_spec spec = builder_spec(input);

    return use_builder(&spec);
}

static void check_spec(const void *spec, size_t first, size_t known, mf_status (*use)(const void *spec))
{
    for (size_t size = 4; size <= LARGEST_STRUCT; size += size < 400 ? STEP : 924) {
        unsigned char *at = place_spec(size, spec, known);

        check_status(size < first ? MF_STATUS_ARGUMENT : MF_STATUS_OK, use(at));
        check_before(size);
        if (size > known) {
            page_end[-1] = 1; /* the last byte is a wish that nobody knows */
            check_status(MF_STATUS_ARGUMENT, use(at));
        }
    }
    /* Sizes that no memory of the caller's could have. */
    for (size_t i = 0; i < 3; i++) {
        const uint32_t sizes[] = {0, 4097, UINT32_MAX};
        unsigned char *at = place_struct(4);

        memcpy(at, &sizes[i], 4);
        check_status(MF_STATUS_ARGUMENT, use(at));
    }
}

static void test_specs(void **state)
{
    const mf_shape input = shape_maps(2, 3, 4);
    const mf_unit_spec unit = unit_dense(3);
    mf_block_spec block;
    const mf_head_spec head = head_spec(2);
    const mf_builder_spec builder = builder_spec(&input);

    (void)state;
    check_spec(&unit, FIRST_UNIT, sizeof unit, use_unit);
    check_ok(mf_block_spec_init(&block, sizeof block));
    check_spec(&block, UP_TO(mf_block_spec, reserved), sizeof block, use_block);
    check_spec(&head, FIRST_HEAD, sizeof head, use_head);
    check_spec(&builder, UP_TO(mf_builder_spec, allocator), sizeof builder, use_builder);
    check_spec(&input, UP_TO(mf_shape, dims), sizeof input, use_input);
}

/* ---- structs that are filled with defaults ---- */

#define init_of(type)                                       \
    static mf_status init_##type(void *result, size_t size) \
    {                                                       \
        return type##_init(result, size);                   \
    }
init_of(mf_unit_spec) init_of(mf_block_spec) init_of(mf_head_spec) init_of(mf_builder_spec) init_of(mf_shape)
    init_of(mf_report) init_of(mf_memory) init_of(mf_matrix_spec) init_of(mf_parameter_info)
        init_of(mf_pipeline_report) init_of(mf_pipeline_progress_info)

            static const struct {
    size_t first, size;
    mf_status (*init)(void *result, size_t size);
} defaults[] = {
    {FIRST_UNIT, sizeof(mf_unit_spec), init_mf_unit_spec},
    {UP_TO(mf_block_spec, reserved), sizeof(mf_block_spec), init_mf_block_spec},
    {FIRST_HEAD, sizeof(mf_head_spec), init_mf_head_spec},
    {UP_TO(mf_builder_spec, allocator), sizeof(mf_builder_spec), init_mf_builder_spec},
    {UP_TO(mf_shape, dims), sizeof(mf_shape), init_mf_shape},
    {UP_TO(mf_report, applied), sizeof(mf_report), init_mf_report},
    {offsetof(mf_memory, shared), sizeof(mf_memory), init_mf_memory},
    {UP_TO(mf_matrix_spec, allocator), sizeof(mf_matrix_spec), init_mf_matrix_spec},
    {UP_TO(mf_parameter_info, name), sizeof(mf_parameter_info), init_mf_parameter_info},
    {UP_TO(mf_pipeline_report, applied), sizeof(mf_pipeline_report), init_mf_pipeline_report},
    {UP_TO(mf_pipeline_progress_info, reserved), sizeof(mf_pipeline_progress_info),
     init_mf_pipeline_progress_info},
};

static void test_defaults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(defaults); i++)
        for (size_t size = 4; size <= LARGEST_STRUCT; size += size < 400 ? STEP : 924) {
            unsigned char *at = place_struct(size);

            check_status(size < defaults[i].first ? MF_STATUS_ARGUMENT : MF_STATUS_OK,
                         defaults[i].init(at, size));
            check_before(size);
            for (size_t k = defaults[i].size; k < size; k++)
                assert_int_equal(at[k], 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_defaults),
    };

    return cmocka_run_group_tests(tests, open_page, close_page);
}
