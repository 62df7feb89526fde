/* Structs of later versions and sizes that none had, for those that errors_spec does not look at: shapes,
 * memory, parameters, pipelines and loading. SPDX-License-Identifier: MIT */
#include "build.h"

#define LATER 24 /* bytes that a later version would have more */
#define FENCE 8  /* and bytes behind it, which are nobody's */

/* What the calls below need. */
typedef struct stage {
    mf_layer *layer;
    mf_network *network;
    mf_pipeline *pipeline;
    size_t bytes;
    unsigned char *file;
} stage;

static stage set_up(void)
{
    const size_t widths[] = {2, 4};
    const float x[2] = {1, 2};
    const int32_t y = 1;
    stage s = {0};
    mf_pipeline_spec spec;
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);

    s.network = make_stack(widths, 1, 2, 1, optimizer);
    mf_optimizer_free(optimizer);
    s.layer = layer_at(s.network, 0);
    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = s.network;
    spec.workers = 0;
    spec.max_batch = 1;
    check_ok(mf_pipeline_create(&spec, &s.pipeline));
    check_ok(mf_pipeline_submit(s.pipeline, 1, x, &y));
    check_ok(mf_pipeline_flush(s.pipeline));
    check_ok(mf_network_save_size(s.network, MF_CONTENTS_MODEL, &s.bytes));
    s.file = get_memory(s.bytes);
    check_ok(mf_network_save_buffer(s.network, MF_CONTENTS_MODEL, s.file, s.bytes, NULL));
    return s;
}

static void take_down(stage *s)
{
    mf_pipeline_free(s->pipeline);
    mf_network_free(s->network);
    free(s->file);
}

static mf_status ask_shape(const stage *s, void *result)
{
    return mf_layer_shape(s->layer, NULL, result);
}

static mf_status ask_parameter(const stage *s, void *result)
{
    return mf_layer_parameter_info(s->layer, 0, result);
}

static mf_status ask_memory(const stage *s, void *result)
{
    mf_layer_spec spec = layer_spec(3, 4, 2);
    const mf_layer_spec *layers[1] = {&spec};

    (void)s;
    return mf_network_memory(layers, 1, NULL, MF_WORKSPACE_TRAINING, 1, result);
}

static mf_status ask_progress(const stage *s, void *result)
{
    return mf_pipeline_progress(s->pipeline, result);
}

static mf_status ask_poll(const stage *s, void *result)
{
    return mf_pipeline_poll(s->pipeline, result);
}

static const struct {
    const char *name;
    size_t first, size; /* when it was introduced, and now */
    mf_status (*ask)(const stage *s, void *result);
} results[] = {
    {"mf_shape", UP_TO(mf_shape, dims), sizeof(mf_shape), ask_shape},
    {"mf_parameter_info", UP_TO(mf_parameter_info, name), sizeof(mf_parameter_info), ask_parameter},
    {"mf_memory", offsetof(mf_memory, shared), sizeof(mf_memory), ask_memory},
    {"mf_pipeline_progress_info", UP_TO(mf_pipeline_progress_info, reserved),
     sizeof(mf_pipeline_progress_info), ask_progress},
    {"mf_pipeline_report", UP_TO(mf_pipeline_report, applied), sizeof(mf_pipeline_report), ask_poll},
};

static void set_size(void *object, uint32_t size)
{
    memcpy(object, &size, sizeof size);
}

/* Filled as far as it is known, zeroed as far as it goes, untouched behind. */
static void test_results_of_a_later_version(void **state)
{
    stage s = set_up();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        size_t known = results[i].size, whole = known + LATER;
        union {
            uint64_t aligned;
            unsigned char bytes[512];
        } later;
        uint32_t size;

        memset(&later, 0x5a, sizeof later);
        set_size(&later, (uint32_t)whole);
        check_ok(results[i].ask(&s, &later));
        memcpy(&size, &later, sizeof size);
        assert_int_equal(size, whole);
        for (size_t k = known; k < whole; k++)
            if (later.bytes[k] != 0)
                fail_msg("%s: byte %zu was not zeroed", results[i].name, k);
        for (size_t k = whole; k < whole + FENCE; k++)
            if (later.bytes[k] != 0x5a)
                fail_msg("%s: byte %zu was written, which is behind it", results[i].name, k);
    }
    take_down(&s);
}

static void test_results_of_sizes_that_no_version_had(void **state)
{
    stage s = set_up();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        const uint32_t sizes[] = {0, 4, (uint32_t)results[i].first - 1, UINT32_MAX};

        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            union {
                uint64_t aligned;
                unsigned char bytes[512];
            } wrong, kept;

            memset(&wrong, 0x5a, sizeof wrong);
            set_size(&wrong, sizes[k]);
            kept = wrong;
            check_status(MF_STATUS_ARGUMENT, results[i].ask(&s, &wrong));
            check_message(results[i].name);
            assert_memory_equal(&wrong, &kept, sizeof wrong);
        }
    }
    take_down(&s);
}

static mf_status create_pipeline(const stage *s, void *spec)
{
    mf_pipeline *pipeline = (mf_pipeline *)1;
    mf_status status = mf_pipeline_create(spec, &pipeline);

    (void)s;
    mf_pipeline_free(pipeline); /* NULL after a failure */
    return status;
}

static mf_status load(const stage *s, void *spec)
{
    mf_network *network = (mf_network *)1;
    mf_status status = mf_network_load_buffer(spec, s->file, s->bytes, &network);

    mf_network_free(network);
    return status;
}

static int32_t swallow(void *user, const void *bytes, size_t count)
{
    (void)user, (void)bytes, (void)count;
    return 0;
}

static mf_status save_to(const stage *s, void *output)
{
    return mf_network_save_to(s->network, MF_CONTENTS_MODEL, output);
}

/* A spec of a later version, filled by its _init: a tail of zeros asks for nothing, anything else is refused.
 */
static void check_later_spec(const stage *s, void *spec, size_t first, size_t known,
                             mf_status (*use)(const stage *s, void *spec), mf_status expected)
{
    unsigned char *bytes = spec;

    check_status(expected, use(s, spec));
    for (size_t k = known; k < known + LATER; k++) {
        assert_int_equal(bytes[k], 0);
        bytes[k] = 1;
        check_status(MF_STATUS_ARGUMENT, use(s, spec));
        bytes[k] = 0;
    }
    set_size(spec, (uint32_t)first);
    check_status(expected, use(s, spec));
    set_size(spec, (uint32_t)first - 1);
    check_status(MF_STATUS_ARGUMENT, use(s, spec));
    set_size(spec, UINT32_MAX);
    check_status(MF_STATUS_ARGUMENT, use(s, spec));
}

static void test_specs_of_a_later_version(void **state)
{
    union {
        mf_pipeline_spec spec;
        unsigned char bytes[sizeof(mf_pipeline_spec) + LATER];
    } pipeline;
    union {
        mf_load_spec spec;
        unsigned char bytes[sizeof(mf_load_spec) + LATER];
    } loading;
    union {
        mf_output output;
        unsigned char bytes[sizeof(mf_output) + LATER];
    } saving;
    stage s = set_up();
    mf_network *network = NULL;
    mf_status can_load = mf_network_load_buffer(NULL, s.file, s.bytes, &network);

    (void)state;
    mf_network_free(network);
    memset(&pipeline, 0x5a, sizeof pipeline);
    check_ok(mf_pipeline_spec_init(&pipeline.spec, sizeof pipeline));
    pipeline.spec.network = s.network;
    pipeline.spec.workers = 0;
    pipeline.spec.max_batch = 1;
    check_later_spec(&s, &pipeline, offsetof(mf_pipeline_spec, pool), sizeof(mf_pipeline_spec),
                     create_pipeline, MF_STATUS_OK);
    memset(&loading, 0x5a, sizeof loading);
    check_ok(mf_load_spec_init(&loading.spec, sizeof loading));
    check_later_spec(&s, &loading, UP_TO(mf_load_spec, allocator), sizeof(mf_load_spec), load, can_load);
    memset(&saving, 0x5a, sizeof saving);
    check_ok(mf_output_init(&saving.output, sizeof saving));
    saving.output.write = swallow;
    check_later_spec(&s, &saving, UP_TO(mf_output, user), sizeof(mf_output), save_to, MF_STATUS_OK);
    take_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_of_a_later_version),
        cmocka_unit_test(test_results_of_sizes_that_no_version_had),
        cmocka_unit_test(test_specs_of_a_later_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
