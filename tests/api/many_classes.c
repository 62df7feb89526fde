/* Evaluation and predictions of more classes than are in memory at a time: against goodness that is whole,
 * with losses, ranks and probabilities in double precision. SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>

#include "memory.h"
#include "models.h"
#include "oracle.h"
#include "random.h"
#include "units.h"

enum { CLASSES = 9001, ROWS = 70, INPUTS = 24, LAYERS = 2, MOST = 7 };

typedef struct fixture {
    mf_network *network;
    size_t scored; /* labels of a row */
    float x[ROWS * INPUTS], weights[ROWS];
    int32_t y[ROWS * 4];
    double *goodness[LAYERS + 1]; /* [ROWS * scored * CLASSES] of each layer, and their sum */
} fixture;

/* Goodness of a layer, whole, and of the sum. */
static void find_goodness(fixture *f)
{
    size_t count = ROWS * f->scored * CLASSES;
    float *a[2] = {get_memory(ROWS * 64 * sizeof(float)), get_memory(ROWS * 64 * sizeof(float))};
    float *goodness = get_memory(count * sizeof *goodness);

    f->goodness[LAYERS] = get_zeroed(count, sizeof(double));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layer = layer_at(f->network, i);
        mf_workspace *workspace = make_workspace(NULL, layer, MF_WORKSPACE_INFERENCE, ROWS);

        check_ok(mf_layer_forward(layer, workspace, ROWS, i == 0 ? f->x : a[0], a[1]));
        check_ok(mf_layer_goodness(layer, workspace, ROWS, a[1], goodness));
        memcpy(a[0], a[1], ROWS * 64 * sizeof(float));
        f->goodness[i] = get_memory(count * sizeof(double));
        for (size_t v = 0; v < count; v++) {
            f->goodness[i][v] = (double)goodness[v];
            f->goodness[LAYERS][v] += (double)goodness[v];
        }
        mf_workspace_free(workspace);
    }
    free(a[0]);
    free(a[1]);
    free(goodness);
}

static void fill(fixture *f)
{
    test_random random = {.state = 31};

    random_values(&random, f->x, ROWS * INPUTS, 1.0);
    random_labels(&random, f->y, ROWS * f->scored, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        f->weights[r] = r % 5 == 4 ? 0.0f : (float)random_uniform(&random, 0.5, 2.0);
    f->y[3] = 0;
    f->y[4] = CLASSES - 1;
    find_goodness(f);
}

/* Dense layers, one with a head of two units. */
static void rows_setup(fixture *f)
{
    units_plan plans[LAYERS] = {plan_row(INPUTS, CLASSES), plan_row(16, CLASSES)};

    plan_add(&plans[0], unit_dense(16));
    plan_add(&plans[0], unit_activation(MF_ACTIVATION_TANH));
    plan_add(&plans[1], unit_dense(20));
    plan_add(&plans[1], unit_dense(12));
    plans[1].head.output_node = 1;
    for (size_t i = 0; i < LAYERS; i++)
        plans[i].head.projection_gain = 3.0f;
    f->network = make_units_network(plans, LAYERS, NULL);
    f->scored = 1;
    fill(f);
}

/* A layer whose head pools, one with scores at positions: these cannot be in one network, so each stands for
 * two. */
static void maps_setup(fixture *f)
{
    units_plan plans[LAYERS] = {plan_maps(6, 2, 2, CLASSES), plan_maps(5, 2, 2, CLASSES)};

    for (size_t i = 0; i < LAYERS; i++) {
        plan_add(&plans[i], unit_conv(5, 3, 1));
        plans[i].head.pool_size = 1;
    }
    f->network = make_units_network(plans, LAYERS, NULL);
    f->scored = 1;
    fill(f);
}

static void positions_setup(fixture *f)
{
    units_plan plans[LAYERS] = {plan_sequence(4, 6, CLASSES), plan_sequence(4, 6, CLASSES)};

    for (size_t i = 0; i < LAYERS; i++) {
        plan_add(&plans[i], unit_dense(6));
        plans[i].head.kind = MF_HEAD_POSITIONS;
    }
    f->network = make_units_network(plans, LAYERS, NULL);
    f->scored = 4;
    fill(f);
    f->y[2] = f->y[9] = MF_LABEL_IGNORED;
}

static void release(fixture *f)
{
    for (size_t i = 0; i <= LAYERS; i++)
        free(f->goodness[i]);
    mf_network_free(f->network);
}

static void (*const setups[])(fixture *f) = {rows_setup, maps_setup, positions_setup};

static double log_sum_of(const double *row)
{
    double highest = row[0], sum = 0.0;

    for (size_t c = 1; c < CLASSES; c++)
        highest = fmax(highest, row[c]);
    for (size_t c = 0; c < CLASSES; c++)
        sum += exp(row[c] - highest);
    return highest + log(sum);
}

/* How many classes have a score above that; those within rounding of it count in *close. */
static size_t rank_of(const double *row, double score, size_t *close)
{
    size_t rank = 0;

    *close = 0;
    for (size_t c = 0; c < CLASSES; c++) {
        *close += fabs(row[c] - score) < 1e-5;
        rank += row[c] >= score + 1e-5;
    }
    return rank;
}

static void check_report(const fixture *f, size_t of, int weighted, const mf_report *report)
{
    double loss = 0.0, weights = 0.0;
    uint64_t rows = 0, surely = 0, perhaps = 0;

    for (size_t r = 0; r < ROWS * f->scored; r++) {
        const double *row = f->goodness[of] + r * CLASSES;
        double weight = weighted ? (double)f->weights[r / f->scored] : 1.0;
        size_t close;

        if (f->y[r] == MF_LABEL_IGNORED)
            continue;
        size_t rank = rank_of(row, row[f->y[r]], &close);
        loss += weight * (log_sum_of(row) - row[f->y[r]]);
        weights += weight;
        rows++;
        surely += weight > 0.0 && rank == 0 && close == 1;
        perhaps += weight > 0.0 && rank == 0;
    }
    assert_int_equal(rows, report->rows);
    check_near(loss / weights, report->loss, 1e-5 * loss / weights);
    assert_in_range(report->correct, surely, perhaps);
}

static void test_losses_are_those_of_whole_scores(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(setups); s++) {
        fixture f;

        setups[s](&f);
        /* So that some labels are best. */
        for (size_t r = 0; r < ROWS * f.scored; r += 3)
            for (int32_t c = 0; f.y[r] != MF_LABEL_IGNORED && c < CLASSES; c++)
                f.y[r] = f.goodness[LAYERS][r * CLASSES + (size_t)c] >
                                 f.goodness[LAYERS][r * CLASSES + (size_t)f.y[r]]
                             ? c
                             : f.y[r];
        for (int weighted = 0; weighted <= 1; weighted++) {
            mf_workspace *workspace = make_workspace(f.network, NULL, MF_WORKSPACE_INFERENCE, ROWS + 9);
            mf_batch batch = make_batch(ROWS, f.x, f.y);
            mf_report sum = {.struct_size = sizeof sum};

            batch.sample_weights = weighted ? f.weights : NULL;
            check_ok(mf_network_evaluate_batch(f.network, workspace, &batch));
            check_ok(mf_workspace_report_sum(workspace, &sum));
            for (size_t i = 0; i < LAYERS; i++) {
                mf_report report = read_report(workspace, i);
                check_report(&f, i, weighted, &report);
            }
            check_report(&f, LAYERS, weighted, &sum);
            mf_workspace_free(workspace);
        }
        release(&f);
    }
}

/* The answers of one mode, from every call that gives them. */
static void check_answers(const fixture *f, mf_workspace *workspace, int32_t mode)
{
    size_t rows = ROWS * f->scored, count = rows * CLASSES;
    const double *whole = f->goodness[mode == MF_PREDICT_SUM ? LAYERS : LAYERS - 1];
    float *goodness = get_memory(count * sizeof(float)), *likely = get_memory(count * sizeof(float));
    int32_t labels[ROWS * 4], best[ROWS * 4 * MOST];
    float top[ROWS * 4 * MOST], chances[ROWS * 4 * MOST];
    mf_batch batch = make_batch(ROWS, f->x, NULL);

    check_ok(mf_network_infer(f->network, workspace, mode, &batch, labels, goodness, likely));
    check_ok(mf_network_top(f->network, workspace, mode, &batch, MOST, best, top, chances));
    for (size_t r = 0; r < rows; r++) {
        const double *row = whole + r * CLASSES;
        double log_sum = log_sum_of(row);
        size_t close;

        assert_int_equal(labels[r], best[r * MOST]);
        for (size_t c = 0; c < CLASSES; c++) {
            check_near(row[c], goodness[r * CLASSES + c], 1e-5);
            check_near(exp(row[c] - log_sum), likely[r * CLASSES + c], 1e-5 * exp(row[c] - log_sum) + 1e-9);
        }
        for (size_t i = r * MOST; i < (r + 1) * MOST; i++) {
            size_t rank = rank_of(row, row[best[i]], &close);

            assert_in_range(i - r * MOST, rank, rank + close - 1);
            check_near(row[best[i]], top[i], 1e-5);
            check_near(exp(row[best[i]] - log_sum), chances[i], 1e-5 * exp(row[best[i]] - log_sum));
            assert_true(i == r * MOST || top[i] <= top[i - 1]);
        }
    }
    free(goodness);
    free(likely);
}

static void test_predictions_are_those_of_whole_scores(void **state)
{
    (void)state;
    for (size_t s = 0; s < COUNT_OF(setups); s++) {
        fixture f;

        setups[s](&f);
        mf_workspace *workspace = make_workspace(f.network, NULL, MF_WORKSPACE_INFERENCE, ROWS);
        check_answers(&f, workspace, MF_PREDICT_LAST);
        check_answers(&f, workspace, MF_PREDICT_SUM);
        mf_workspace_free(workspace);
        release(&f);
    }
}

/* Blocks end at 4096 and 8192: equal scores of both sides, and of the first and the last class. */
static void test_of_equal_scores_the_lowest_class_comes_first(void **state)
{
    static const size_t equal[] = {4095, 4096, 8191, 8192, 9000};
    float x[1] = {1.0f}, top[6], m[CLASSES] = {0};
    int32_t label, best[6];
    mf_layer_spec spec = layer_spec(1, 1, CLASSES);

    (void)state;
    spec.activation = MF_ACTIVATION_IDENTITY;
    mf_layer *layer = make_layer(&spec);
    mf_network *network = make_network();
    check_ok(mf_network_append(network, layer, NULL));
    for (size_t i = 0; i < COUNT_OF(equal); i++)
        m[equal[i]] = 2.0f;
    check_ok(mf_layer_set_parameter(layer, "weight", x, 1));
    check_ok(mf_layer_set_parameter(layer, "bias", &(float){0.0f}, 1));
    check_ok(mf_layer_set_parameter(layer, "projection", m, CLASSES));
    mf_workspace *workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, 1);
    mf_batch batch = make_batch(1, x, NULL);
    check_ok(mf_network_predict(network, workspace, MF_PREDICT_LAST, 1, x, &label));
    assert_int_equal(label, 4095);
    check_ok(mf_network_top(network, workspace, MF_PREDICT_LAST, &batch, 6, best, top, NULL));
    for (size_t i = 0; i < COUNT_OF(equal); i++)
        assert_int_equal(best[i], equal[i]);
    assert_int_equal(best[5], 0);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(layer);
}

/* Of some rows, of which threads have more or less than one each, and of one, of which they share the classes. */
static void check_bits_of_rows(const fixture *f, size_t rows)
{
    int32_t labels[2][ROWS * MOST] = {{0}};
    float top[2][ROWS * MOST] = {{0}}, chances[2][ROWS * MOST] = {{0}};
    double losses[2];

    for (uint32_t run = 0; run < 2; run++) {
        mf_pool *pool = make_pool(1 + 2 * run);
        mf_workspace_spec spec;
        mf_workspace *workspace;
        mf_batch batch = make_batch(rows, f->x, f->y);

        check_ok(mf_workspace_spec_init(&spec, sizeof spec));
        spec.network = f->network;
        spec.max_batch = ROWS;
        spec.pool = pool;
        check_ok(mf_workspace_create(&spec, &workspace));
        check_ok(mf_network_evaluate_batch(f->network, workspace, &batch));
        losses[run] = read_report(workspace, 1).loss;
        check_ok(mf_network_top(f->network, workspace, MF_PREDICT_SUM, &batch, MOST, labels[run], top[run],
                                chances[run]));
        mf_workspace_free(workspace);
        mf_pool_free(pool);
    }
    assert_memory_equal(&losses[0], &losses[1], sizeof losses[0]);
    assert_memory_equal(labels[0], labels[1], sizeof labels[0]);
    assert_memory_equal(top[0], top[1], sizeof top[0]);
    assert_memory_equal(chances[0], chances[1], sizeof chances[0]);
}

static void test_bits_do_not_depend_on_threads(void **state)
{
    const size_t rows[] = {1, 3, ROWS};
    fixture f;

    (void)state;
    rows_setup(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_bits_of_rows(&f, rows[i]);
    release(&f);
}

/* Steps of one head: what M is afterwards. */
static float *trained_projection(uint32_t threads, const units_plan *plan, size_t *count)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = make_units_network(plan, 1, optimizer);
    float x[ROWS * INPUTS], weights[ROWS];
    int32_t y[ROWS];
    test_random random = {.state = 8};
    mf_pool *pool;
    mf_workspace_spec spec;
    mf_workspace *workspace;
    mf_batch batch = make_batch(ROWS, x, y);

    random_values(&random, x, ROWS * INPUTS, 1.0);
    random_labels(&random, y, ROWS, CLASSES);
    for (size_t r = 0; r < ROWS; r++)
        weights[r] = (float)(r % 3);
    batch.sample_weights = weights;
    pool = make_pool(threads);
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = ROWS;
    spec.pool = pool;
    check_ok(mf_workspace_create(&spec, &workspace));
    for (int t = 0; t < 3; t++)
        check_ok(mf_network_step_batch(network, workspace, &batch));
    float *m = read_parameter(layer_at(network, 0), "head.projection", count);
    mf_workspace_free(workspace);
    mf_pool_free(pool);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return m;
}

static void test_bits_of_steps_do_not_depend_on_threads(void **state)
{
    (void)state;
    for (int sampled = 0; sampled <= 1; sampled++) {
        units_plan plan = plan_row(INPUTS, CLASSES);
        size_t count;

        plan_add(&plan, unit_dense(20));
        plan.head.label_smoothing = sampled ? 0.0f : 0.1f;
        plan.head.sampling = sampled ? MF_SAMPLING_UNIFORM : MF_SAMPLING_NONE;
        plan.head.candidates = sampled ? 3000 : 0;
        float *one = trained_projection(1, &plan, &count), *three = trained_projection(3, &plan, &count);
        assert_memory_equal(one, three, count * sizeof *one);
        free(one);
        free(three);
    }
}

/* A copy that a file was read into, so that it has had its number of classes from the start. */
static mf_network *copy_by_file(const mf_network *network)
{
    size_t bytes;
    mf_load_spec spec;
    mf_network *copy;

    check_ok(mf_network_save_size(network, MF_CONTENTS_TRAINING, &bytes));
    void *file = get_memory(bytes);
    check_ok(mf_network_save_buffer(network, MF_CONTENTS_TRAINING, file, bytes, NULL));
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = MF_CONTENTS_TRAINING;
    check_ok(mf_network_load_buffer(&spec, file, bytes, &copy));
    free(file);
    return copy;
}

/* Heads of few classes join the dense unit that they read, those of many do not. */
static void test_few_classes_become_many(void **state)
{
    static const size_t classes[][2] = {{5, 1500}, {1024, 1025}, {1025, 1024}, {1500, 5}};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    float x[ROWS * INPUTS];
    int32_t y[ROWS];
    test_random random = {.state = 12};

    (void)state;
    random_values(&random, x, ROWS * INPUTS, 1.0);
    for (size_t c = 0; c < COUNT_OF(classes); c++) {
        mf_layer_spec spec = layer_spec(INPUTS, 9, classes[c][0]);
        mf_network *networks[2] = {make_network(), NULL};
        mf_layer *layer = make_layer(&spec);

        check_ok(mf_network_append(networks[0], layer, NULL));
        mf_layer_free(layer);
        check_ok(mf_network_set_optimizer(networks[0], optimizer));
        check_ok(mf_network_set_classes(networks[0], classes[c][1]));
        networks[1] = copy_by_file(networks[0]);
        random_labels(&random, y, ROWS, classes[c][1]);
        for (int n = 0; n < 2; n++) {
            mf_workspace *workspace = make_workspace(networks[n], NULL, MF_WORKSPACE_TRAINING, ROWS);

            for (int t = 0; t < 2; t++)
                check_ok(mf_network_step(networks[n], workspace, ROWS, x, y));
            mf_workspace_free(workspace);
        }
        check_same_model(networks[0], networks[1]);
        mf_network_free(networks[0]);
        mf_network_free(networks[1]);
    }
    mf_optimizer_free(optimizer);
}

/* More columns than a block has. Where all scores are 0, exp of what is added to them sums up to the number
 * of classes, on average, whatever was drawn. */
static void test_offsets_of_candidates_reach_all_blocks(void **state)
{
    units_plan plan = plan_row(INPUTS, CLASSES);
    float *zeros = get_zeroed(CLASSES * 4, sizeof *zeros), x[INPUTS];
    int32_t y = 0;
    test_random random = {.state = 3};

    (void)state;
    plan_add(&plan, unit_dense(4));
    plan.head.sampling = MF_SAMPLING_LOG_UNIFORM;
    plan.head.candidates = 3000;
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 1e-6);
    mf_network *network = make_units_network(&plan, 1, optimizer);
    mf_workspace *workspace = make_network_workspace(network, 1);
    random_values(&random, x, INPUTS, 1.0);
    check_ok(mf_layer_set_parameter(layer_at(network, 0), "head.projection", zeros, CLASSES * 4));
    check_ok(mf_network_step(network, workspace, 1, x, &y));
    check_near(log(CLASSES), read_report(workspace, 0).loss, 0.1);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    free(zeros);
}

static void test_scores_are_never_in_memory_together(void **state)
{
    const mf_layer_spec one = layer_spec(30, 20, 200000), other = layer_spec(20, 10, 200000);
    const mf_layer_spec *const specs[] = {&one, &other};
    mf_memory memory = {.struct_size = sizeof memory};
    test_memory seen = {0};
    mf_allocator allocator = memory_allocator(&seen);
    mf_network *network = make_network();
    mf_workspace_spec spec;
    mf_workspace *workspace;

    (void)state;
    check_ok(mf_network_memory(specs, 2, NULL, MF_WORKSPACE_INFERENCE, 128, &memory));
    assert_true(memory.workspace < 128 * (2 * 4096 + 200) * sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        mf_layer *layer = make_layer(specs[i]);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = 128;
    spec.purpose = MF_WORKSPACE_INFERENCE;
    spec.allocator = &allocator;
    check_ok(mf_workspace_create(&spec, &workspace));
    assert_int_equal(seen.bytes_out, memory.workspace);
    mf_workspace_free(workspace);
    mf_network_free(network);
}

/* 100,000 classes and two layers of 512 neurons learn within a gigabyte: by candidates with momentum, and with Adam by
 * low rank or a shared matrix. A full M of each layer with Adam's state takes 1.2 GB by itself. */
static void test_many_classes_learn_in_a_gigabyte(void **state)
{
    enum { WIDTH = 512, MANY = 100000, COLUMNS = 64 };
    mf_matrix_spec vectors = {.struct_size = sizeof vectors, .rows = MANY, .columns = COLUMNS};
    float *zeros = get_zeroed((size_t)MANY * COLUMNS, sizeof *zeros);
    mf_matrix *shared = NULL;

    (void)state;
    vectors.values = zeros;
    check_ok(mf_matrix_create(&vectors, &shared));
    for (int kind = 0; kind < 3; kind++) {
        mf_optimizer_spec optimizer = optimizer_spec(kind == 0 ? MF_OPTIMIZER_SGD : MF_OPTIMIZER_ADAM, 0.01);
        mf_memory memory = {.struct_size = sizeof memory};
        mf_builder *builders[2];
        mf_memory_spec asked;

        if (kind == 0)
            optimizer.momentum = 0.9f;
        for (size_t i = 0; i < 2; i++) {
            units_plan plan = plan_row(WIDTH, MANY);

            plan_add(&plan, unit_dense(WIDTH));
            plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
            if (kind > 0) {
                plan_add(&plan, unit_dense(COLUMNS));
                plan.head.output_node = 2;
            }
            plan.head.shared = kind == 2 ? shared : NULL;
            plan.head.sampling = MF_SAMPLING_LOG_UNIFORM;
            plan.head.candidates = 1000;
            builders[i] = make_builder(&plan, NULL);
        }
        check_ok(mf_memory_spec_init(&asked, sizeof asked));
        asked.builders = builders;
        asked.count = 2;
        asked.optimizer = &optimizer;
        asked.max_batch = 128;
        check_ok(mf_memory_query(&asked, &memory));
        print_message("kind %d: %zu bytes\n", kind, memory.total);
        assert_in_range(memory.total, kind == 2 ? 25000000 : 50000000, 1000000000);
        for (size_t i = 0; i < 2; i++)
            mf_builder_free(builders[i]);
    }
    mf_matrix_free(shared);
    free(zeros);
}

/* Few classes have the same calls. */
static void test_top_of_few_classes(void **state)
{
    static const size_t widths[] = {5, 8};
    float x[3 * 5], goodness[3 * 12], likely[3 * 12], top[3 * 12], chances[3 * 12];
    int32_t best[3 * 12];
    test_random random = {.state = 4};
    mf_network *network = make_stack(widths, 1, 12, 3, NULL);
    mf_workspace *workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, 3);
    mf_batch batch = make_batch(3, x, NULL);

    (void)state;
    random_values(&random, x, 15, 1.0);
    check_ok(mf_network_infer(network, workspace, MF_PREDICT_LAST, &batch, NULL, goodness, likely));
    check_ok(mf_network_top(network, workspace, MF_PREDICT_LAST, &batch, 12, best, top, chances));
    for (size_t r = 0; r < 3; r++)
        for (size_t i = 0; i < 12; i++) {
            assert_true(i == 0 || top[r * 12 + i] < top[r * 12 + i - 1]);
            check_near(goodness[r * 12 + (size_t)best[r * 12 + i]], top[r * 12 + i], 0.0);
            check_near(likely[r * 12 + (size_t)best[r * 12 + i]], chances[r * 12 + i], 1e-6);
        }
    mf_workspace_free(workspace);
    mf_network_free(network);
}

static void test_refused(void **state)
{
    fixture f;
    int32_t labels[2];
    float top[2];

    (void)state;
    rows_setup(&f);
    mf_workspace *workspace = make_workspace(f.network, NULL, MF_WORKSPACE_INFERENCE, 1);
    mf_batch batch = make_batch(1, f.x, f.y);
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch, 0, labels, top, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch,
                                                    CLASSES + 1, labels, top, NULL));
    check_message("9002 classes of 9001");
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch, SIZE_MAX, labels, top, NULL));
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch, 2, NULL, top, NULL));
    check_status(MF_STATUS_ARGUMENT,
                 mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch, 2, labels, NULL, NULL));
    check_status(MF_STATUS_ARGUMENT, mf_network_top(f.network, workspace, 2, &batch, 2, labels, top, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_top(NULL, workspace, 0, &batch, 2, labels, top, NULL));

    /* A goodness that is not finite, in the second block: whatever the order of its sum, its terms are too
     * large. */
    size_t count;
    float *m = read_parameter(layer_at(f.network, 1), "head.projection", &count), large[12];
    for (size_t i = 0; i < 12; i++) {
        large[i] = 1000.0f;
        m[5000 * 12 + i] = 3e38f;
    }
    check_ok(mf_layer_set_parameter(layer_at(f.network, 1), "units.2.bias", large, 12));
    check_ok(mf_layer_set_parameter(layer_at(f.network, 1), "head.projection", m, count));
    check_status(MF_STATUS_NUMERIC,
                 mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch, 2, labels, top, NULL));
    f.y[0] = 5000;
    check_status(MF_STATUS_NUMERIC, mf_network_evaluate_batch(f.network, workspace, &batch));
    check_message("layer 1: the loss of row 0");

    /* In the first: later ones do not go on with lists that have never begun. */
    for (size_t i = 0; i < 12; i++)
        m[100 * 12 + i] = 3e38f;
    check_ok(mf_layer_set_parameter(layer_at(f.network, 1), "head.projection", m, count));
    labels[0] = labels[1] = -7;
    top[0] = top[1] = -FLT_MAX;
    check_status(MF_STATUS_NUMERIC,
                 mf_network_top(f.network, workspace, MF_PREDICT_LAST, &batch, 2, labels, top, NULL));
    check_message("the goodness of row 0 is not finite");
    assert_true(labels[0] == -7 && labels[1] == -7 && top[0] == -FLT_MAX && top[1] == -FLT_MAX);
    free(m);
    mf_workspace_free(workspace);
    release(&f);
}

/* A dense unit whose head is computed apart from it. */
static mf_layer *make_head_apart(size_t inputs, size_t outputs, size_t classes)
{
    units_plan plan = plan_row(inputs, classes);

    plan_add(&plan, unit_dense(outputs));
    plan_add(&plan, unit_of(MF_UNIT_LAYER_NORM));
    return make_units(&plan);
}

/* With the dense unit, by blocks of classes, and by panels of features: all else learns as if M did, too. */
static void test_a_frozen_m_stays(void **state)
{
    enum { INS = 6, OUTS = 8, FEW_ROWS = 5 };
    static const char *const names[][3] = {{"weight", "bias", "projection"},
                                           {"units.1.weight", "units.1.bias", "head.projection"}};
    const size_t classes[] = {10, 40, 2000, 10, 40};
    const int32_t y[FEW_ROWS] = {0, 3, 9, 1, 3};
    float x[FEW_ROWS * INS];
    test_random random = {5};

    (void)state;
    random_values(&random, x, COUNT_OF(x), 1.0);
    for (size_t c = 0; c < COUNT_OF(classes); c++) {
        float *values[2][3], *drawn;
        size_t counts[3];
        for (int frozen = 0; frozen < 2; frozen++) {
            const int apart = c >= 3;
            mf_layer *layer =
                apart ? make_head_apart(INS, OUTS, classes[c]) : make_plain_layer(INS, OUTS, classes[c], 1);
            mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
            mf_workspace *workspace = make_layer_workspace(layer, FEW_ROWS);
            drawn = read_parameter(layer, names[apart][2], &counts[2]);
            check_ok(mf_layer_set_optimizer(layer, optimizer));
            check_ok(mf_layer_set_trainable(layer, names[apart][2], !frozen));
            check_ok(mf_layer_step(layer, workspace, FEW_ROWS, x, y, NULL));
            for (int i = 0; i < 3; i++)
                values[frozen][i] = read_parameter(layer, names[apart][i], &counts[i]);
            assert_int_equal(memcmp(drawn, values[frozen][2], counts[2] * sizeof *drawn) == 0, frozen);
            free(drawn);
            mf_workspace_free(workspace);
            mf_layer_free(layer);
            mf_optimizer_free(optimizer);
        }
        for (int i = 0; i < 3; i++) {
            if (i < 2)
                assert_memory_equal(values[0][i], values[1][i], counts[i] * sizeof(float));
            free(values[0][i]);
            free(values[1][i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_are_those_of_whole_scores),
        cmocka_unit_test(test_predictions_are_those_of_whole_scores),
        cmocka_unit_test(test_of_equal_scores_the_lowest_class_comes_first),
        cmocka_unit_test(test_bits_do_not_depend_on_threads),
        cmocka_unit_test(test_bits_of_steps_do_not_depend_on_threads),
        cmocka_unit_test(test_few_classes_become_many),
        cmocka_unit_test(test_offsets_of_candidates_reach_all_blocks),
        cmocka_unit_test(test_scores_are_never_in_memory_together),
        cmocka_unit_test(test_many_classes_learn_in_a_gigabyte),
        cmocka_unit_test(test_top_of_few_classes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_frozen_m_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
