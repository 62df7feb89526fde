/* Replicas average gradients, or parameters, as a program does that has all replicas in one process; what
 * comes of it agrees with one batch of all rows; a failure of one stops all with nothing half-changed.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "ranks.h"
#include "units.h"

enum { STEPS = 8, MOST_REPLICAS = 4, MOST_VALUES = 1 << 14 };

static const float no_weights[ROWS],
    subnormal_weights[ROWS] = {1e-40f, 1e-40f, 1e-40f, 1e-40f, 1e-40f, 1e-40f, 1e-40f, 1e-40f, 1e-40f};

/* ---- batches: uneven, weighted, of some replicas none, or rows of weight 0, or of too small a one ---- */

static int has_rows(size_t t, size_t replica, size_t replicas)
{
    return !(t % 4 == 3 && replica + 1 == replicas && replicas > 1);
}

static mf_batch share_of(const training_fixture *s, size_t t, size_t replica)
{
    mf_batch batch = batch_of(s, (t + 3 * replica) % (BATCHES - 1));

    batch.rows = 2 + (t + 2 * replica) % (ROWS - 2);
    batch.sample_weights = t % 3 == 1 ? s->weights + replica % 2 : NULL;
    if (t == 2 && replica == 1)
        batch.sample_weights = no_weights;
    if (t == 5 && replica == 1)
        batch.sample_weights = subnormal_weights;
    return batch;
}

static void train(mf_mpi_trainer *trainer, training_fixture *s, mf_mpi_place place, size_t average_every)
{
    for (size_t t = 0; t < STEPS; t++) {
        mf_batch batch = share_of(s, t, place.replica);
        int gives = place.stage == 0 && has_rows(t, place.replica, place.replicas);

        change_settings(s, t);
        check_mpi_ok(mf_mpi_step(trainer, gives ? &batch : NULL));
        if (average_every > 0 && (t + 1) % average_every == 0)
            check_mpi_ok(mf_mpi_average(trainer));
    }
    check_mpi_ok(mf_mpi_gather(trainer, s->network));
}

/* ---- all replicas in one process ---- */

/* The sum of the weights of what has a label; in a step subnormal ones are 0. */
static double weight_of(const mf_batch *batch, size_t labels)
{
    double sum = 0;

    for (size_t i = 0; i < batch->rows * labels; i++)
        if (((const int32_t *)batch->targets)[i] != MF_LABEL_IGNORED)
            sum += batch->sample_weights ? (double)batch->sample_weights[i / labels] : 1.0;
    return sum < (double)FLT_MIN ? 0 : sum;
}

static size_t count_values(const mf_layer *layer)
{
    saved_values values = save_layer_values(layer);
    size_t count = values.count;

    free_saved_values(&values);
    return count;
}

static void each_value(mf_layer *layer, float *values, int into)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        if (into && info.trainable >= 0)
            check_ok(mf_layer_set_parameter(layer, info.name, values, info.count));
        else
            check_ok(mf_layer_get_parameter(layer, info.name, values, info.count));
        values += info.count;
    }
}

/* Sums in the order of the replicas, in double precision. */
static void average_into(size_t replicas, const double *weights, float values[][MOST_VALUES], size_t count,
                         float *mean)
{
    double all = 0;

    for (size_t r = 0; r < replicas; r++)
        all += weights[r];
    for (size_t i = 0; i < count; i++) {
        double sum = 0;

        for (size_t r = 0; r < replicas; r++)
            if (weights[r] > 0)
                sum += weights[r] / all * (double)values[r][i];
        mean[i] = (float)sum;
    }
}

static int is_statistic(const char *name)
{
    return strstr(name, "mean") != NULL || strstr(name, "variance") != NULL;
}

/* Running means and variances become the averages of those that the replicas would have. */
static void set_statistics(mf_layer *layer, float *values, const float *mean)
{
    size_t count = 0;

    each_value(layer, values, 0);
    check_ok(mf_layer_parameter_count(layer, &count));
    for (size_t i = 0; i < count; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        if (is_statistic(info.name))
            check_ok(mf_layer_set_parameter(layer, info.name, mean, info.count));
        mean += info.count;
    }
}

typedef struct replicas_here {
    size_t count, labels;
    mf_network *networks[MOST_REPLICAS];
    mf_workspace *workspaces[MOST_REPLICAS];
    double learned[MOST_REPLICAS];
} replicas_here;

static float gradients[MOST_REPLICAS][MOST_VALUES], statistics[MOST_REPLICAS][MOST_VALUES], mean[MOST_VALUES],
    mean_statistics[MOST_VALUES], passed[MOST_REPLICAS][2][ROWS * 128];

/* A replica that has nothing to learn from takes the mask of the others. */
static void take_mask(mf_layer *layer, mf_workspace *workspace, float *a)
{
    const float zeros[ROWS * 128] = {0};
    mf_batch row = make_batch(1, zeros, NULL);

    check_ok(mf_layer_pass_batch(layer, workspace, &row, a));
}

static void step_here(replicas_here *all, mf_batch *batches, const double *weights)
{
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer *layers[MOST_REPLICAS];
        size_t values = 0;

        for (size_t r = 0; r < all->count; r++) {
            layers[r] = layer_at(all->networks[r], i);
            values = count_values(layers[r]);
            assert_true(values <= MOST_VALUES);
            if (weights[r] > 0)
                check_ok(mf_layer_gradients(layers[r], all->workspaces[r], &batches[r], passed[r][i % 2],
                                            gradients[r], values));
            else
                take_mask(layers[r], all->workspaces[r], passed[r][i % 2]);
            each_value(layers[r], statistics[r], 0);
            batches[r].inputs = passed[r][i % 2];
        }
        average_into(all->count, weights, gradients, values, mean);
        average_into(all->count, weights, statistics, values, mean_statistics);
        for (size_t r = 0; r < all->count; r++) {
            set_statistics(layers[r], statistics[r], mean_statistics);
            check_ok(mf_layer_apply(layers[r], mean, values));
        }
    }
}

static void step_alone(replicas_here *all, mf_batch *batches, const double *weights)
{
    for (size_t r = 0; r < all->count; r++) {
        if (weights[r] > 0)
            check_ok(mf_network_step_batch(all->networks[r], all->workspaces[r], &batches[r]));
        all->learned[r] += weights[r];
    }
}

static void average_here(replicas_here *all)
{
    for (size_t i = 0; i < LAYERS; i++) {
        size_t values = count_values(layer_at(all->networks[0], i));

        for (size_t r = 0; r < all->count; r++)
            each_value(layer_at(all->networks[r], i), gradients[r], 0);
        average_into(all->count, all->learned, gradients, values, mean);
        for (size_t r = 0; r < all->count; r++)
            each_value(layer_at(all->networks[r], i), mean, 1);
    }
    memset(all->learned, 0, sizeof all->learned);
}

/* The settings of a fixture's network, in a copy of it. */
static void change_copy(mf_network *network, const training_fixture *s, size_t t)
{
    mf_optimizer *optimizer = NULL;

    check_ok(mf_layer_optimizer(layer_at(network, 0), &optimizer));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_LEARNING_RATE, 0.02 / (double)(t + 1)));
    if (t == 5)
        check_ok(mf_layer_set(layer_at(network, 1), MF_LAYER_LABEL_SMOOTHING, 0.1));
    (void)s;
}

static void train_here(replicas_here *all, training_fixture *s, size_t average_every)
{
    for (size_t t = 0; t < STEPS; t++) {
        mf_batch batches[MOST_REPLICAS];
        double weights[MOST_REPLICAS];

        for (size_t r = 0; r < all->count; r++) {
            batches[r] = share_of(s, t, r);
            weights[r] = has_rows(t, r, all->count) ? weight_of(&batches[r], all->labels) : 0;
            change_copy(all->networks[r], s, t);
        }
        if (average_every > 0)
            step_alone(all, batches, weights);
        else
            step_here(all, batches, weights);
        if (average_every > 0 && (t + 1) % average_every == 0)
            average_here(all);
    }
}

static void check_run(const mf_mpi_grid *grid, fixture_maker make, const rule *how, size_t average_every)
{
    training_fixture *s = make(how);
    mf_mpi_place place = place_in(grid);
    replicas_here all = {.count = place.replicas, .labels = make == make_positions_fixture ? POSITIONS : 1};
    mf_network *part;

    for (size_t r = 0; r < all.count; r++) {
        all.networks[r] = copy_of(s->network);
        all.workspaces[r] = make_network_workspace(all.networks[r], ROWS);
    }
    part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.local = average_every > 0;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    train(trainer, s, place, average_every);
    train_here(&all, s, average_every);
    if (place.rank == 0)
        check_same_bits(s->network, all.networks[0]);
    mf_mpi_trainer_free(trainer);
    if (average_every == 0) /* replicas are equal in every bit, so that another trainer takes them */
        mf_mpi_trainer_free(make_trainer(grid, &spec));
    mf_network_free(part);
    for (size_t r = 0; r < all.count; r++) {
        mf_workspace_free(all.workspaces[r]);
        mf_network_free(all.networks[r]);
    }
    free_training_fixture(s);
}

static void test_replicas_give_the_bits_of_one_process(const mf_mpi_grid *grid)
{
    for (size_t k = 0; fixture_makers[k] != NULL; k++)
        for (size_t r = 0; r < RULES; r += 2) {
            check_run(grid, fixture_makers[k], &rules[r], 0);
            check_run(grid, fixture_makers[k], &rules[r], 2);
        }
}

/* ---- one batch of all rows ---- */

/* What the replicas have learned is what `alone` has, but for the order of sums. */
static void check_gathered(mf_mpi_trainer *trainer, mf_network *network, const mf_network *alone,
                           double tolerance)
{
    check_mpi_ok(mf_mpi_gather(trainer, network));
    saved_values one = save_network_values(network), other = save_network_values(alone);
    for (size_t i = 0; mpi_rank() == 0 && i < one.count; i++)
        check_near((double)other.values[i], (double)one.values[i], tolerance);
    free_saved_values(&one);
    free_saved_values(&other);
}

/* Without normalisation and dropout, n replicas of a batch's rows step as one process with all of them, but
 * for rounding. */
static void test_shares_of_a_batch_are_the_batch(const mf_mpi_grid *grid)
{
    const size_t widths[] = {6, 9, 7, 8, 5};
    mf_mpi_place place = place_in(grid);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.2);
    mf_network *network = make_stack(widths, 4, 3, 11, optimizer), *alone = copy_of(network), *part;
    mf_workspace *workspace = make_network_workspace(alone, 4 * ROWS);
    float x[4 * ROWS * 6], weights[4 * ROWS];
    int32_t y[4 * ROWS];
    size_t rows = 4 * ROWS - 3, begin = rows * place.replica / place.replicas,
           end = rows * (place.replica + 1) / place.replicas;

    part = take_part(grid, network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.max_batch = 4 * ROWS;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    for (size_t t = 0; t < 10; t++) {
        for (size_t i = 0; i < COUNT_OF(x); i++)
            x[i] = (float)((i * 31 + t * 17) % 23) / 11.0f - 1.0f;
        for (size_t i = 0; i < COUNT_OF(y); i++) {
            y[i] = (int32_t)((i * 7 + t) % 3);
            weights[i] = (float)(1 + i % 4);
        }
        mf_batch whole = make_batch(rows, x, y), share = make_batch(end - begin, x + 6 * begin, y + begin);

        whole.sample_weights = t % 2 ? weights : NULL;
        share.sample_weights = t % 2 ? weights + begin : NULL;
        check_ok(mf_network_step_batch(alone, workspace, &whole));
        check_mpi_ok(mf_mpi_step(trainer, &share));
    }
    check_gathered(trainer, network, alone, 2e-5);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    mf_network_free(network);
    mf_network_free(alone);
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
}

/* Labels may be ignored also where a row has one. */
static void test_ignored_labels_of_one_position(const mf_mpi_grid *grid)
{
    mf_mpi_place place = place_in(grid);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.2);
    units_plan plans[2] = {plan_sequence(1, 6, CLASSES), plan_sequence(1, 4, CLASSES)};
    float x[MOST_REPLICAS * 3 * 6];
    int32_t y[MOST_REPLICAS * 3];
    size_t rows = 3 * place.replicas, first = 3 * place.replica;

    for (size_t i = 0; i < 2; i++) {
        plans[i].head.kind = MF_HEAD_POSITIONS;
        plan_add(&plans[i], unit_dense(4));
    }
    mf_network *network = make_units_network(plans, 2, optimizer), *alone = copy_of(network);
    mf_workspace *workspace = make_network_workspace(alone, rows);
    mf_network *part = take_part(grid, network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = (float)(i * 31 % 23) / 11.0f - 1.0f;
    for (size_t t = 0; t < 4; t++) {
        for (size_t i = 0; i < COUNT_OF(y);
             i++) /* the first replica has the fewest, and none in the last step */
            y[i] = i < (t < 2 ? 1 : t) ? MF_LABEL_IGNORED : (int32_t)(i % CLASSES);
        mf_batch whole = make_batch(rows, x, y), share = make_batch(3, x + 6 * first, y + first);

        check_ok(mf_network_step_batch(alone, workspace, &whole));
        check_mpi_ok(mf_mpi_step(trainer, &share));
    }
    check_gathered(trainer, network, alone, 2e-6);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    mf_network_free(network);
    mf_network_free(alone);
    mf_workspace_free(workspace);
    mf_optimizer_free(optimizer);
}

/* ---- bytes ---- */

static void test_bytes_sent(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_mpi_traffic traffic = {.struct_size = sizeof traffic};
    size_t layers = 0, expected = 0, n = place.replicas;

    for (size_t t = 0; t < 3; t++) {
        mf_batch batch = batch_of(s, t);

        check_mpi_ok(mf_mpi_step(trainer, &batch));
    }
    check_mpi_ok(mf_mpi_flush(trainer));
    check_ok(mf_network_size(part, &layers));
    for (size_t i = 0; i < layers; i++)
        expected += 3 * 2 * (n - 1) * 4 * ((count_values(layer_at(part, i)) + n - 1) / n);
    check_mpi_ok(mf_mpi_sent(trainer, &traffic));
    assert_int_equal(traffic.average_bytes, expected);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* ---- failures ---- */

/* A layer of the last replica gets a weight that makes its loss infinite, or a batch has a wrong label. */
static void test_a_failure_stops_all_at_the_same_step(const mf_mpi_grid *grid, int numeric)
{
    training_fixture *s = make_maps_fixture(&rules[3]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    float x[ROWS * INPUTS];
    saved_values before;

    for (size_t t = 0; t < 3; t++) {
        mf_batch batch = batch_of(s, t);

        check_mpi_ok(mf_mpi_step(trainer, &batch));
    }
    check_mpi_ok(mf_mpi_flush(trainer));
    before = save_network_values(part);
    mf_batch batch = batch_of(s, 3);
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = (float)(i % 2 ? 3e38 : -3e38);
    if (place.replica + 1 == place.replicas) {
        if (numeric)
            batch.inputs = x;
        else
            s->y[3][1] = CLASSES;
    }
    check_mpi(numeric ? MF_STATUS_NUMERIC : MF_STATUS_LABEL, mf_mpi_step(trainer, &batch));
    check_mpi_message("batch 3");
    check_network_unchanged(&before, part);
    if (numeric) {
        check_mpi(MF_STATUS_STATE, mf_mpi_step(trainer, &batch));
        check_mpi(MF_STATUS_NUMERIC, mf_mpi_flush(trainer));
        check_mpi_message("batch 3");
    } else { /* only that batch is refused */
        mf_batch next = batch_of(s, 4);

        check_mpi_ok(mf_mpi_step(trainer, &next));
        check_mpi_ok(mf_mpi_flush(trainer));
    }
    free_saved_values(&before);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* One replica has nothing, the other something wrong: that is what all ranks hear. */
static void test_a_wrong_batch_beside_none(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_batch batch = batch_of(s, 0), wrong = batch;
    int last = place.replica + 1 == place.replicas;

    wrong.struct_size = 3;
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step(trainer, last ? &wrong : NULL));
    check_mpi_message("struct_size");
    check_mpi(MF_STATUS_CAPACITY, mf_mpi_step(trainer, NULL));
    wrong = batch;
    wrong.input_type = 77; /* which the first layer finds */
    check_mpi(MF_STATUS_UNSUPPORTED, mf_mpi_step(trainer, last ? &wrong : &batch));
    check_mpi_message("layer 0 of the network: inputs have type 77");
    check_mpi_ok(mf_mpi_step(trainer, &batch));
    check_mpi_ok(mf_mpi_flush(trainer));
    mf_mpi_trainer_free(trainer);
    mf_mpi_trainer_free(make_trainer(grid, &spec)); /* replicas are equal, their masks as well */
    mf_network_free(part);
    free_training_fixture(s);
}

/* How inputs are scaled: each run of values by one of `count` numbers, over and over. */
typedef struct scaled_inputs {
    fixture_maker make;
    size_t count, run;
    float shift, scale; /**< The first shift, those behind it are multiples; all scales. */
} scaled_inputs;

static void scale_inputs(training_fixture *s, const scaled_inputs *how)
{
    float shift[INPUTS], scale[INPUTS];

    for (size_t i = 0; i < how->count; i++) {
        shift[i] = (float)(i + 1) * how->shift;
        scale[i] = how->scale;
    }
    check_ok(mf_network_set_input_scaling(s->network, shift, scale, how->count));
    for (size_t t = 0; t < BATCHES; t++) /* all of it becomes 0 */
        for (size_t i = 0; i < ROWS * INPUTS; i++)
            s->x[t][i] = -shift[i % INPUTS / how->run % how->count];
}

/* Zeros that are scaled would be no token, or no number: replicas without rows, or with a batch that is
 * refused, take part all the same, and stay equal. */
static void test_no_rows_of_scaled_inputs(const mf_mpi_grid *grid)
{
    const scaled_inputs ways[] = {{make_tokens_fixture, 1, INPUTS, -1, 1},
                                  {make_maps_fixture, 1, INPUTS, 1e10f, 1e35f},
                                  {make_training_fixture, 3, INPUTS / 3, 1e10f, 1e35f},
                                  {make_sequence_fixture, 3, 1, 1e10f, 1e35f}};
    mf_mpi_place place = place_in(grid);
    const int last = place.replica + 1 == place.replicas;

    for (size_t k = 0; k < COUNT_OF(ways); k++) {
        training_fixture *s = ways[k].make(&rules[3]);
        scale_inputs(s, &ways[k]);
        mf_network *part = take_part(grid, s->network);
        mf_mpi_trainer_spec spec = trainer_spec(part);
        mf_mpi_trainer *trainer = make_trainer(grid, &spec);
        mf_batch batch = batch_of(s, 0), wrong = batch_of(s, 2);

        s->y[2][1] = CLASSES;
        check_mpi_ok(mf_mpi_step(trainer, last ? NULL : &batch));
        check_mpi(MF_STATUS_LABEL, mf_mpi_step(trainer, last ? &wrong : &batch));
        check_mpi_ok(mf_mpi_flush(trainer));
        mf_mpi_trainer_free(trainer);
        mf_mpi_trainer_free(make_trainer(grid, &spec));
        mf_network_free(part);
        free_training_fixture(s);
    }
}

/* An update overflows in the first stage, which has passed the batch on already. */
static void test_an_update_that_overflows(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_status status = MF_STATUS_OK;

    if (place.stage == 0)
        check_ok(mf_optimizer_set(s->optimizer, MF_OPTIMIZER_LEARNING_RATE, 3e38));
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        s->x[0][i] *= 1000.0f;
    for (size_t t = 0; t < 5 && status == MF_STATUS_OK; t++) {
        mf_batch batch = batch_of(s, t);

        status = mf_mpi_step(trainer, &batch);
    }
    check_mpi(MF_STATUS_NUMERIC, status);
    check_mpi(MF_STATUS_NUMERIC, mf_mpi_flush(trainer));
    check_mpi_message("rank 0, batch 0: layer 0 of the network: the update");
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* A layer whose scores are so far apart that its gradients times 3e38 are no numbers: an update that is
 * refused. */
static mf_optimizer *break_updates(mf_layer *layer)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 3e38);
    size_t count = 0;
    float *values = read_parameter(layer, "projection", &count);

    for (size_t i = 0; i < count; i++)
        values[i] *= 1e4f;
    check_ok(mf_layer_set_parameter(layer, "projection", values, count));
    check_ok(mf_optimizer_set(optimizer, MF_OPTIMIZER_CHECKED, 1));
    check_ok(mf_layer_set_optimizer(layer, optimizer));
    free(values);
    return optimizer;
}

/* That layer and those behind it in the first stage have not learned, of running means and variances neither;
 * those in front of it have, and so have the stages behind, which had the batch by then. */
static void test_an_update_that_is_refused(const mf_mpi_grid *grid, size_t failing)
{
    training_fixture *s = make_maps_fixture(&rules[3]);
    mf_mpi_place place = place_in(grid);
    mf_optimizer *optimizer = break_updates(layer_at(s->network, failing));
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_batch batch = batch_of(s, place.replica);
    saved_values before[LAYERS];
    size_t layers = 0;

    check_ok(mf_network_size(part, &layers));
    for (size_t i = 0; i < layers; i++)
        before[i] = save_layer_values(layer_at(part, i));
    check_mpi(place.stage == 0 ? MF_STATUS_NUMERIC : MF_STATUS_OK, mf_mpi_step(trainer, &batch));
    check_mpi(MF_STATUS_NUMERIC, mf_mpi_flush(trainer));
    check_mpi_message("of the network: the update");
    for (size_t i = 0; i < layers; i++) {
        saved_values after = save_layer_values(layer_at(part, i));

        assert_int_equal(same_values(&before[i], &after), place.stage == 0 && i >= failing);
        free_saved_values(&before[i]);
        free_saved_values(&after);
    }
    mf_mpi_trainer_free(trainer);
    mf_mpi_trainer_free(make_trainer(grid, &spec)); /* replicas are equal */
    mf_network_free(part);
    mf_optimizer_free(optimizer);
    free_training_fixture(s);
}

/* Where replicas learn on their own, a batch that is refused is so on the ranks of its replica alone, and a
 * step without rows changes nothing. */
static void test_replicas_on_their_own(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.local = 1;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    const int last = place.replica + 1 == place.replicas;
    mf_batch batch = batch_of(s, 0), none = batch, wrong = batch_of(s, 2);
    saved_values before = save_network_values(part);

    none.rows = 0;
    s->y[2][1] = CLASSES;
    check_mpi_ok(mf_mpi_step(trainer, NULL));
    check_mpi_ok(mf_mpi_step(trainer, &none));
    check_mpi(last ? MF_STATUS_LABEL : MF_STATUS_OK, mf_mpi_step(trainer, last ? &wrong : NULL));
    check_mpi_ok(mf_mpi_average(trainer)); /* of nothing that anybody has learned */
    check_network_unchanged(&before, part);
    check_mpi_ok(mf_mpi_step(trainer, &batch));
    check_mpi_ok(mf_mpi_flush(trainer));
    free_saved_values(&before);
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* Vectors have no room for what layers of more classes have: nothing is averaged, also if only one rank has
 * such. Another trainer averages it. */
static void test_averages_of_other_classes(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.local = 1;
    mf_mpi_trainer *trainer = make_trainer(grid, &spec);
    mf_batch batch = batch_of(s, 0);
    saved_values before;
    const int last = place.rank + 1 == place.ranks;

    check_mpi_ok(mf_mpi_step(trainer, &batch));
    check_mpi_ok(mf_mpi_flush(trainer));
    for (int all = 0; all < 2; all++) {
        if (last ? !all : all)
            check_ok(mf_network_set_classes(part, 200 * CLASSES));
        before = save_network_values(part);
        check_mpi(MF_STATUS_STALE, mf_mpi_average(trainer));
        check_mpi_message("has 1000 classes, the trainer was made for 5");
        check_network_unchanged(&before, part);
        free_saved_values(&before);
    }
    check_mpi(MF_STATUS_STALE, mf_mpi_step(trainer, &batch));
    mf_mpi_trainer_free(trainer);
    trainer = make_trainer(grid, &spec);
    s->y[0][0] = 200 * CLASSES - 1;
    check_mpi_ok(mf_mpi_step(trainer, &batch));
    check_mpi_ok(mf_mpi_average(trainer));
    mf_mpi_trainer_free(trainer);
    mf_network_free(part);
    free_training_fixture(s);
}

/* A replica that is not the first of its stage, in a stage that is not the first. */
static void test_the_last_replica_differs(const mf_mpi_grid *grid)
{
    training_fixture *s = make_training_fixture(&rules[3]);
    mf_mpi_place place = place_in(grid);
    mf_network *part = take_part(grid, s->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    mf_mpi_trainer *trainer = NULL;
    char words[64];

    if (place.rank + 1 == place.ranks)
        check_ok(mf_layer_set(layer_at(part, 0), MF_LAYER_LABEL_SMOOTHING, 0.3));
    check_mpi(MF_STATUS_SHAPE, mf_mpi_trainer_create(grid, &spec, &trainer));
    snprintf(words, sizeof words, "rank %u: the network is not that of rank %u", place.ranks - 1,
             place.ranks - place.replicas);
    check_mpi_message(words);
    mf_network_free(part);
    free_training_fixture(s);
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int hybrid = argc > 1 && strcmp(argv[1], "hybrid") == 0;
    mf_mpi_grid *grid = make_grid(hybrid ? 2 : 0);
    test_replicas_give_the_bits_of_one_process(grid);
    test_shares_of_a_batch_are_the_batch(grid);
    test_ignored_labels_of_one_position(grid);
    test_bytes_sent(grid);
    test_a_wrong_batch_beside_none(grid);
    test_no_rows_of_scaled_inputs(grid);
    test_an_update_that_overflows(grid);
    test_an_update_that_is_refused(grid, 0);
    test_replicas_on_their_own(grid);
    test_averages_of_other_classes(grid);
    test_the_last_replica_differs(grid);
    if (!hybrid) {
        test_a_failure_stops_all_at_the_same_step(grid, 1);
        test_an_update_that_is_refused(grid, 2);
    }
    test_a_failure_stops_all_at_the_same_step(grid, 0);
    mf_mpi_grid_free(grid);
    if (mpi_rank() == 0)
        printf("replicas have the bits of one process\n");
    MPI_Finalize();
    return 0;
}
