/* Networks whose heads read one matrix: predictions, threads, copies, memory and files.
 * SPDX-License-Identifier: MIT */
#include <math.h>

#include "models.h"
#include "random.h"
#include "sweep.h"
#include "units.h"

enum { SHARED = 4 };

enum { NET_LAYERS = 3, NET_CLASSES = 9001, NET_INPUTS = 12, NET_ROWS = 70 };

static units_plan network_plan(size_t layer, const mf_matrix *matrix)
{
    units_plan plan = plan_row(layer == 0 ? NET_INPUTS : 10, NET_CLASSES);

    plan_add(&plan, unit_dense(10));
    plan_add(&plan, unit_activation(MF_ACTIVATION_TANH));
    plan_shared(&plan, matrix, layer);
    plan.head.sampling = layer == 1 ? MF_SAMPLING_LOG_UNIFORM : MF_SAMPLING_NONE;
    plan.head.candidates = layer == 1 ? 50 : 0;
    plan.seed = 30 + layer;
    return plan;
}

static mf_network *network_of(const mf_matrix *matrix, mf_optimizer *optimizer)
{
    units_plan plans[NET_LAYERS];

    for (size_t i = 0; i < NET_LAYERS; i++)
        plans[i] = network_plan(i, matrix);
    return make_units_network(plans, NET_LAYERS, optimizer);
}

static void network_batch(float *x, int32_t *y, uint64_t seed)
{
    test_random random = {.state = seed};

    random_values(&random, x, NET_ROWS * NET_INPUTS, 1.0);
    random_labels(&random, y, NET_ROWS, NET_CLASSES);
}

static void train(mf_network *network, mf_workspace *workspace, int steps)
{
    float x[NET_ROWS * NET_INPUTS];
    int32_t y[NET_ROWS];

    for (int t = 0; t < steps; t++) {
        network_batch(x, y, 50 + (uint64_t)t);
        check_ok(mf_network_step(network, workspace, NET_ROWS, x, y));
    }
}

/* G of a layer for a row of its output, from the parameters, in double precision. */
static void naive_scores(const mf_layer *layer, const float *matrix, size_t columns, const float *a,
                         double *g)
{
    size_t map_count = 0, count = 0;
    float *map = read_parameter(layer, "units.3.weight", &map_count), *v = NULL;
    size_t learned = map_count / 10 - columns;

    if (learned > 0)
        v = read_parameter(layer, "head.projection", &count);
    assert_int_equal(count, NET_CLASSES * learned);
    for (size_t c = 0; c < NET_CLASSES; c++) {
        g[c] = 0.0;
        for (size_t k = 0; k < columns + learned; k++) {
            double f = 0.0;
            for (size_t j = 0; j < 10; j++)
                f += (double)map[k * 10 + j] * (double)a[j];
            g[c] += f * (double)(k < columns ? matrix[c * columns + k] : v[c * learned + k - columns]);
        }
    }
    free(map);
    free(v);
}

static size_t best_of(const double *g)
{
    size_t best = 0;

    for (size_t c = 1; c < NET_CLASSES; c++)
        best = g[c] > g[best] ? c : best;
    return best;
}

/* Over blocks of classes: the best class and the loss. */
static void test_predictions_match_all_scores(void **state)
{
    mf_matrix *matrix = make_matrix(NET_CLASSES, SHARED, 6);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = network_of(matrix, optimizer);
    mf_workspace *workspace = make_network_workspace(network, NET_ROWS);
    float x[NET_ROWS * NET_INPUTS], *values = get_memory(NET_CLASSES * SHARED * sizeof *values);
    float *layers[2] = {get_memory(NET_ROWS * 10 * sizeof(float)), get_memory(NET_ROWS * 10 * sizeof(float))};
    double *g = get_memory(NET_CLASSES * sizeof *g), *sum = get_memory(NET_CLASSES * sizeof *sum);
    int32_t y[NET_ROWS], last[NET_ROWS], of_sum[NET_ROWS];

    (void)state;
    train(network, workspace, 5);
    network_batch(x, y, 3);
    check_ok(mf_matrix_values(matrix, values, NET_CLASSES * SHARED));
    check_ok(mf_network_predict(network, workspace, MF_PREDICT_LAST, NET_ROWS, x, last));
    check_ok(mf_network_predict(network, workspace, MF_PREDICT_SUM, NET_ROWS, x, of_sum));
    for (size_t r = 0; r < NET_ROWS; r += 23) {
        memset(sum, 0, NET_CLASSES * sizeof *sum);
        for (size_t i = 0; i < NET_LAYERS; i++) {
            mf_layer *layer = layer_at(network, i);
            mf_workspace *of_layer = make_workspace(NULL, layer, MF_WORKSPACE_INFERENCE, 1);

            check_ok(mf_layer_forward(layer, of_layer, 1, i == 0 ? x + r * NET_INPUTS : layers[i % 2],
                                      layers[1 - i % 2]));
            naive_scores(layer, values, SHARED, layers[1 - i % 2], g);
            for (size_t c = 0; c < NET_CLASSES; c++)
                sum[c] += g[c];
            mf_workspace_free(of_layer);
        }
        check_near(g[best_of(g)], g[last[r]], 1e-5);
        check_near(sum[best_of(sum)], sum[of_sum[r]], 1e-5);
    }
    free(layers[0]);
    free(layers[1]);
    free(values);
    free(g);
    free(sum);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    mf_matrix_free(matrix);
}

/* Threads share the pieces of both parts of M; the bits are those of one thread. */
static void test_pools_give_the_same_bits(void **state)
{
    mf_matrix *matrix = make_matrix(NET_CLASSES, SHARED, 6);
    saved_values expected = {0};

    (void)state;
    for (uint32_t threads = 0; threads < 4; threads++) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
        mf_network *network = network_of(matrix, optimizer);
        mf_workspace_spec spec;
        mf_workspace *workspace;
        mf_pool *pool = threads > 0 ? make_pool(threads) : NULL;

        check_ok(mf_workspace_spec_init(&spec, sizeof spec));
        spec.network = network;
        spec.max_batch = NET_ROWS;
        spec.pool = pool;
        check_ok(mf_workspace_create(&spec, &workspace));
        train(network, workspace, 3);
        if (threads == 0)
            expected = save_network_values(network);
        else
            check_network_unchanged(&expected, network);
        mf_workspace_free(workspace);
        mf_pool_free(pool);
        mf_network_free(network);
        mf_optimizer_free(optimizer);
    }
    free_saved_values(&expected);
    mf_matrix_free(matrix);
}

static void test_the_matrix_is_one_and_stays_as_it_is(void **state)
{
    mf_matrix *matrix = make_matrix(NET_CLASSES, SHARED, 7), *same = make_matrix(NET_CLASSES, SHARED, 7);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_network *network = network_of(matrix, optimizer), *clone = NULL;
    const mf_matrix *kept = matrix;
    mf_workspace *workspace;

    (void)state;
    mf_matrix_free(matrix); /* layers hold references */
    workspace = make_network_workspace(network, NET_ROWS);
    train(network, workspace, 2);
    check_ok(mf_network_clone(network, MF_CONTENTS_TRAINING, NULL, &clone));
    mf_workspace_free(workspace);
    for (size_t i = 0; i < NET_LAYERS; i++) {
        assert_ptr_equal(shared_at(network, i), kept);
        assert_ptr_equal(shared_at(clone, i), kept);
    }
    check_same_model(network, clone);
    mf_network_free(network);
    check_same_matrix(shared_at(clone, 0), same);
    mf_network_free(clone);
    mf_optimizer_free(optimizer);
    mf_matrix_free(same);
}

/* A copy of values with another E would mean something else; one with the same E is none. */
static void test_copies_need_the_same_matrix(void **state)
{
    mf_matrix *matrix = make_matrix(NET_CLASSES, SHARED, 7), *same = make_matrix(NET_CLASSES, SHARED, 7),
              *other = make_matrix(NET_CLASSES, SHARED, 8);
    mf_network *networks[3] = {network_of(matrix, NULL), network_of(same, NULL), network_of(other, NULL)};
    saved_values before = save_network_values(networks[0]);
    size_t bytes = 0;
    void *snapshot;

    (void)state;
    check_ok(mf_network_snapshot_size(networks[2], &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(networks[2], snapshot, bytes));
    check_status(MF_STATUS_SHAPE, mf_network_copy_parameters(networks[0], networks[2]));
    check_message("layer 0: the heads read another shared matrix");
    check_status(MF_STATUS_SHAPE, mf_network_blend_parameters(networks[0], networks[2], 0.5));
    check_status(MF_STATUS_SHAPE, mf_network_snapshot_load(networks[0], snapshot, bytes));
    check_network_unchanged(&before, networks[0]);
    check_ok(mf_network_copy_parameters(networks[1], networks[0]));
    check_network_unchanged(&before, networks[1]);
    free(snapshot);
    free_saved_values(&before);
    for (int i = 0; i < 3; i++)
        mf_network_free(networks[i]);
    mf_matrix_free(matrix);
    mf_matrix_free(same);
    mf_matrix_free(other);
}

static void test_a_summary_tells_of_the_matrix(void **state)
{
    mf_matrix *matrix = make_matrix(NET_CLASSES, SHARED, 7);
    mf_network *network = network_of(matrix, NULL);
    char text[8192];

    (void)state;
    check_ok(mf_network_summary(network, NET_ROWS, text, sizeof text, NULL));
    assert_non_null(strstr(text, "reads 4 values, 4 by a shared matrix\n"));
    assert_non_null(strstr(text, "reads 5 values, 4 by a shared matrix, 50 candidates"));
    mf_network_free(network);
    mf_matrix_free(matrix);
}

/* What a query says is what an allocator sees, with the matrix once; steps allocate nothing. */
static void test_memory_counts_the_matrix_once(void **state)
{
    enum { BYTES = NET_CLASSES * SHARED * sizeof(float) };
    mf_matrix *model_of = make_matrix(NET_CLASSES, SHARED, 6), *matrix = NULL;
    mf_memory told = {.struct_size = sizeof told};
    mf_optimizer_spec how = optimizer_spec(MF_OPTIMIZER_ADAM, 0.01);
    mf_network_spec network_spec = {.struct_size = sizeof network_spec, .allocator = &allocator};
    mf_matrix_spec matrix_spec;
    mf_workspace_spec wanted;
    mf_builder *builders[NET_LAYERS];
    mf_network *network;
    mf_workspace *workspace;
    mf_optimizer *optimizer;
    float *values = get_memory(BYTES);

    (void)state;
    check_ok(mf_matrix_values(model_of, values, NET_CLASSES * SHARED));
    mf_matrix_free(model_of);
    check_ok(mf_matrix_spec_init(&matrix_spec, sizeof matrix_spec));
    matrix_spec.rows = NET_CLASSES;
    matrix_spec.columns = SHARED;
    matrix_spec.values = values;
    matrix_spec.allocator = &allocator;
    check_ok(mf_matrix_create(&matrix_spec, &matrix));
    size_t of_matrix = memory.bytes_out, of_builders;
    for (size_t i = 0; i < NET_LAYERS; i++) {
        units_plan plan = network_plan(i, matrix);
        builders[i] = make_builder(&plan, &allocator);
    }
    check_ok(mf_network_memory_built(builders, NET_LAYERS, &how, MF_WORKSPACE_TRAINING, NET_ROWS, &told));
    of_builders = memory.bytes_out - of_matrix;
    assert_int_equal(told.shared, of_matrix);
    assert_in_range(told.shared, BYTES, BYTES + 300);
    how.allocator = &allocator;
    check_ok(mf_optimizer_create(&how, &optimizer));
    check_ok(mf_network_create(&network_spec, &network));
    for (size_t i = 0; i < NET_LAYERS; i++) {
        mf_layer *layer;

        check_ok(mf_layer_build(builders[i], &layer));
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    check_ok(mf_workspace_spec_init(&wanted, sizeof wanted));
    wanted.network = network;
    wanted.max_batch = NET_ROWS;
    wanted.allocator = &allocator;
    check_ok(mf_workspace_create(&wanted, &workspace));
    assert_int_equal(memory.bytes_out - of_builders, told.total);
    assert_true(told.layers + told.state < 8 * BYTES); /* V has 0, 1 and 2 columns; each with its state */
    size_t calls = memory.calls;
    train(network, workspace, 2);
    assert_int_equal(memory.calls, calls);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    for (size_t i = 0; i < NET_LAYERS; i++)
        mf_builder_free(builders[i]);
    mf_matrix_free(matrix);
    free(values);
}

/* ---- files ---- */

static void test_a_file_holds_the_matrix_once(void **state)
{
    mf_matrix *matrix = make_matrix(NET_CLASSES, SHARED, 6);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = network_of(matrix, optimizer), *loaded;
    mf_workspace *workspace = make_network_workspace(network, NET_ROWS);
    size_t bytes = 0;
    void *file;

    (void)state;
    train(network, workspace, 2);
    file = model_save(network, MF_CONTENTS_MODEL, &bytes);
    assert_in_range(bytes, (SHARED + 1 + 2) * NET_CLASSES * 4, (SHARED + 1 + 2) * NET_CLASSES * 4 + 10000);
    free(file);
    file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
    loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);
    check_same_model(network, loaded);
    check_same_matrix(shared_at(loaded, 0), matrix);
    for (size_t i = 1; i < NET_LAYERS; i++)
        assert_ptr_equal(shared_at(loaded, i), shared_at(loaded, 0));
    free(file);
    mf_network_free(loaded);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    mf_matrix_free(matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_predictions_match_all_scores),
        cmocka_unit_test(test_pools_give_the_same_bits),
        cmocka_unit_test(test_the_matrix_is_one_and_stays_as_it_is),
        cmocka_unit_test(test_copies_need_the_same_matrix),
        cmocka_unit_test(test_a_summary_tells_of_the_matrix),
        with_memory(test_memory_counts_the_matrix_once),
        cmocka_unit_test(test_a_file_holds_the_matrix_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
