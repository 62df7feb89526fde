/* Handles in one line each. SPDX-License-Identifier: MIT */
#include "build.h"

mf_layer_spec layer_spec(size_t inputs, size_t outputs, size_t classes)
{
    mf_layer_spec spec;

    check_ok(mf_layer_spec_init(&spec, sizeof spec));
    spec.inputs = inputs;
    spec.outputs = outputs;
    spec.classes = classes;
    spec.seed = 7;
    return spec;
}

mf_layer_spec conv_spec(size_t channels, size_t height, size_t width, size_t filters, size_t classes)
{
    mf_layer_spec spec = layer_spec(0, 0, classes);

    spec.kind = MF_LAYER_CONV2D;
    spec.channels = channels;
    spec.height = height;
    spec.width = width;
    spec.filters = filters;
    return spec;
}

mf_layer *make_layer(const mf_layer_spec *spec)
{
    mf_layer *layer = NULL;

    check_ok(mf_layer_create(spec, &layer));
    assert_non_null(layer);
    return layer;
}

mf_layer *make_plain_layer(size_t inputs, size_t outputs, size_t classes, uint64_t seed)
{
    mf_layer_spec spec = layer_spec(inputs, outputs, classes);

    spec.seed = seed;
    return make_layer(&spec);
}

mf_optimizer_spec optimizer_spec(int32_t kind, double learning_rate)
{
    mf_optimizer_spec spec;

    check_ok(mf_optimizer_spec_init(&spec, sizeof spec));
    spec.kind = kind;
    spec.learning_rate = (float)learning_rate;
    return spec;
}

mf_optimizer *make_optimizer(int32_t kind, double learning_rate)
{
    mf_optimizer_spec spec = optimizer_spec(kind, learning_rate);
    mf_optimizer *optimizer = NULL;

    check_ok(mf_optimizer_create(&spec, &optimizer));
    assert_non_null(optimizer);
    return optimizer;
}

mf_network *make_network(void)
{
    mf_network *network = NULL;

    check_ok(mf_network_create(NULL, &network));
    assert_non_null(network);
    return network;
}

mf_network *make_stack(const size_t *widths, size_t layers, size_t classes, uint64_t seed,
                       mf_optimizer *optimizer)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < layers; i++) {
        mf_layer *layer = make_plain_layer(widths[i], widths[i + 1], classes, seed + i);

        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    if (optimizer != NULL)
        check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

mf_layer *layer_at(const mf_network *network, size_t position)
{
    mf_layer *layer = NULL;

    check_ok(mf_network_layer(network, position, &layer, NULL));
    assert_non_null(layer);
    return layer;
}

mf_workspace *make_workspace(mf_network *network, mf_layer *layer, int32_t purpose, size_t max_batch)
{
    mf_workspace_spec spec;
    mf_workspace *workspace = NULL;

    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.layer = layer;
    spec.purpose = purpose;
    spec.max_batch = max_batch;
    check_ok(mf_workspace_create(&spec, &workspace));
    assert_non_null(workspace);
    return workspace;
}

mf_workspace *make_layer_workspace(mf_layer *layer, size_t max_batch)
{
    return make_workspace(NULL, layer, MF_WORKSPACE_TRAINING, max_batch);
}

mf_workspace *make_network_workspace(mf_network *network, size_t max_batch)
{
    return make_workspace(network, NULL, MF_WORKSPACE_TRAINING, max_batch);
}

mf_pool *make_pool(uint32_t threads)
{
    mf_pool_spec spec;
    mf_pool *pool = NULL;
    uint32_t started = 0;

    check_ok(mf_pool_spec_init(&spec, sizeof spec));
    spec.threads = threads;
    check_ok(mf_pool_create(&spec, &pool));
    check_ok(mf_pool_threads(pool, &started));
    assert_int_equal(started, threads);
    return pool;
}

mf_pipeline *make_network_pipeline(mf_network *network, size_t max_batch, uint32_t workers)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline = NULL;

    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = max_batch;
    spec.workers = workers;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    return pipeline;
}

mf_report read_report(const mf_workspace *workspace, size_t position)
{
    mf_report report;

    memset(&report, 0, sizeof report);
    report.struct_size = sizeof report;
    check_ok(mf_workspace_report(workspace, position, &report));
    return report;
}

mf_batch make_batch(size_t rows, const float *x, const int32_t *y)
{
    mf_batch batch;

    check_ok(mf_batch_init(&batch, sizeof batch));
    batch.rows = rows;
    batch.inputs = x;
    batch.targets = y;
    return batch;
}

static int find_parameter(const mf_layer *layer, const char *name, mf_parameter_info *found)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        memset(found, 0, sizeof *found);
        found->struct_size = sizeof *found;
        check_ok(mf_layer_parameter_info(layer, i, found));
        if (strcmp(found->name, name) == 0)
            return 1;
    }
    return 0;
}

int has_parameter(const mf_layer *layer, const char *name)
{
    mf_parameter_info info;

    return find_parameter(layer, name, &info);
}

size_t parameter_count(const mf_layer *layer, const char *name)
{
    mf_parameter_info info;

    if (!find_parameter(layer, name, &info))
        fail_msg("the layer has no parameter %s", name);
    return info.count;
}

float *read_parameter(const mf_layer *layer, const char *name, size_t *count)
{
    size_t values = parameter_count(layer, name);
    float *copy = get_memory(values * sizeof *copy);

    check_ok(mf_layer_get_parameter(layer, name, copy, values));
    if (count != NULL)
        *count = values;
    return copy;
}

static void add_layer(saved_values *one, const mf_layer *layer)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        one->values = realloc(one->values, (one->count + info.count) * sizeof *one->values);
        assert_non_null(one->values);
        check_ok(mf_layer_get_parameter(layer, info.name, one->values + one->count, info.count));
        one->count += info.count;
    }
}

saved_values save_layer_values(const mf_layer *layer)
{
    saved_values one = {0, NULL};

    add_layer(&one, layer);
    return one;
}

saved_values save_network_values(const mf_network *network)
{
    saved_values one = {0, NULL};
    size_t layers = 0;

    check_ok(mf_network_size(network, &layers));
    for (size_t i = 0; i < layers; i++)
        add_layer(&one, layer_at(network, i));
    return one;
}

int same_values(const saved_values *one, const saved_values *other)
{
    return one->count == other->count &&
           (one->count == 0 || memcmp(one->values, other->values, one->count * sizeof *one->values) == 0);
}

void free_saved_values(saved_values *one)
{
    free(one->values);
    one->values = NULL;
    one->count = 0;
}

static void require_same(const saved_values *before, saved_values *now, const char *file, int line)
{
    int same = same_values(before, now);

    free_saved_values(now);
    if (!same) {
        print_error("parameters have changed\n");
        _fail(file, line);
    }
}

void check_layer_unchanged_at(const saved_values *before, const mf_layer *layer, const char *file, int line)
{
    saved_values now = save_layer_values(layer);

    require_same(before, &now, file, line);
}

void check_network_unchanged_at(const saved_values *before, const mf_network *network, const char *file,
                                int line)
{
    saved_values now = save_network_values(network);

    require_same(before, &now, file, line);
}
