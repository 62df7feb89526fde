/* streaming: learns from an endless stream, one sample at a time, each seen once, while the stream drifts.
 *
 * Eight clouds of points stand in a circle; clouds on opposite sides belong to the same of four classes.
 * The circle turns slowly, so what was learned becomes wrong. A second network, a copy that stopped learning
 * early, shows what happens without learning on. Both answer every sample before its label is used.
 *
 * SPDX-License-Identifier: MIT
 */
#include "clock.h"
#include "complain.h"
#include "options.h"
#include "random.h"

#include "monoforward.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUTS = 2, CLASSES = 4, CLOUDS = 2 * CLASSES, LAYERS = 2, NEURONS = 32, TABLE_ROWS = 20 };

static const float full_turn = 6.28318531f;
static const float cloud_deviation = 0.13f;

struct settings {
    size_t samples;
    double turns;
    double learning_rate;
    uint64_t seed;
};

/* A network for one sample at a time. */
struct model {
    mf_network *network;
    mf_layer *layers[LAYERS];
    mf_workspace *workspace;
};

static bool model_add_layer(struct model *model, size_t index, mf_optimizer *optimizer, uint64_t seed)
{
    mf_layer_spec spec;
    if (!library_ok(mf_layer_spec_init(&spec, sizeof spec)))
        return false;
    spec.inputs = index == 0 ? INPUTS : NEURONS;
    spec.outputs = NEURONS;
    spec.classes = CLASSES;
    spec.seed = random_derive(seed, index + 1);
    return library_ok(mf_layer_create(&spec, &model->layers[index])) &&
           library_ok(mf_layer_set_optimizer(model->layers[index], optimizer)) &&
           library_ok(mf_network_append(model->network, model->layers[index], NULL));
}

static bool model_create(struct model *model, mf_optimizer *optimizer, uint64_t seed)
{
    mf_workspace_spec spec;
    if (!library_ok(mf_network_create(NULL, &model->network)))
        return false;
    for (size_t i = 0; i < LAYERS; i++)
        if (!model_add_layer(model, i, optimizer, seed))
            return false;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.network = model->network;
    spec.max_batch = 1;
    return library_ok(mf_workspace_create(&spec, &model->workspace));
}

static void model_free(struct model *model)
{
    mf_workspace_free(model->workspace);
    for (size_t i = 0; i < LAYERS; i++)
        mf_layer_free(model->layers[i]);
    mf_network_free(model->network);
}

static bool copy_parameter(const mf_layer *from, mf_layer *to, size_t index)
{
    float values[NEURONS * NEURONS];
    mf_parameter_info info = {.struct_size = sizeof info};
    return library_ok(mf_layer_parameter_info(from, index, &info)) &&
           library_ok(mf_layer_get_parameter(from, info.name, values, info.count)) &&
           library_ok(mf_layer_set_parameter(to, info.name, values, info.count));
}

static bool model_copy(const struct model *from, struct model *to)
{
    for (size_t i = 0; i < LAYERS; i++) {
        size_t parameters = 0;
        if (!library_ok(mf_layer_parameter_count(from->layers[i], &parameters)))
            return false;
        for (size_t p = 0; p < parameters; p++)
            if (!copy_parameter(from->layers[i], to->layers[i], p))
                return false;
    }
    return true;
}

static int32_t draw_sample(struct random_stream *stream, double turn, float x[INPUTS])
{
    uint32_t cloud = random_below(stream, CLOUDS);
    float angle = full_turn * ((float)cloud / CLOUDS + (float)(turn - floor(turn)));
    x[0] = cosf(angle) + cloud_deviation * random_normal(stream);
    x[1] = sinf(angle) + cloud_deviation * random_normal(stream);
    return (int32_t)(cloud % CLASSES);
}

/* The report of a step tells whether the network was right before it learned: no prediction is needed. */
static bool learn(struct model *model, const float *x, int32_t y, size_t *right)
{
    mf_report report = {.struct_size = sizeof report};
    if (!library_ok(mf_network_step(model->network, model->workspace, 1, x, &y)) ||
        !library_ok(mf_workspace_report(model->workspace, LAYERS - 1, &report)))
        return false;
    *right += report.correct;
    return true;
}

static bool answer(struct model *model, const float *x, int32_t y, size_t *right)
{
    int32_t label = 0;
    if (!library_ok(mf_network_predict(model->network, model->workspace, MF_PREDICT_LAST, 1, x, &label)))
        return false;
    *right += label == y;
    return true;
}

struct tally {
    size_t samples, learner, stopped;
};

static double percent(size_t right, size_t samples)
{
    return 100 * (double)right / (double)samples;
}

static void print_row(size_t seen, double turn, const struct tally *row, bool stopped)
{
    printf("%10zu  %6.3f  %8.2f", seen, turn, percent(row->learner, row->samples));
    if (stopped)
        printf("  %8.2f\n", percent(row->stopped, row->samples));
    else
        printf("  %8s\n", "-");
    fflush(stdout);
}

/* Runs one row of the table; `stopped` NULL: there is no copy yet. */
static bool run_row(const struct settings *settings, struct model *learner, struct model *stopped,
                    struct random_stream *stream, size_t first, struct tally *row)
{
    for (size_t i = 0; i < row->samples; i++) {
        float x[INPUTS];
        double turn = settings->turns * (double)(first + i) / (double)settings->samples;
        int32_t y = draw_sample(stream, turn, x);
        if (!learn(learner, x, y, &row->learner))
            return false;
        if (stopped != NULL && !answer(stopped, x, y, &row->stopped))
            return false;
    }
    return true;
}

static bool run(const struct settings *settings, struct model *learner, struct model *stopped)
{
    struct random_stream stream = {random_derive(settings->seed, 0)};
    struct tally total = {0};
    double started = clock_seconds();
    printf("accuracy on the samples since the row before, each answered before its label was used:\n\n"
           "   samples    turn  learning   stopped\n");
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        size_t end = settings->samples * (i + 1) / TABLE_ROWS;
        struct tally row = {.samples = end - total.samples};
        if (!run_row(settings, learner, i > 0 ? stopped : NULL, &stream, total.samples, &row))
            return false;
        print_row(end, settings->turns * (double)(i + 1) / TABLE_ROWS, &row, i > 0);
        total.samples = end;
        total.learner += row.learner;
        total.stopped += row.stopped;
        if (i == 0 && !model_copy(learner, stopped))
            return false;
    }
    double seconds = clock_seconds() - started;
    size_t after = settings->samples - settings->samples / TABLE_ROWS;
    printf("\nresult example=streaming samples=%zu seed=%llu accuracy=%.2f stopped=%.2f seconds=%.2f "
           "samples_per_second=%.0f\n",
           total.samples, (unsigned long long)settings->seed, percent(total.learner, total.samples),
           percent(total.stopped, after), seconds, (double)total.samples / seconds);
    return true;
}

static bool create_and_run(const struct settings *settings)
{
    struct model learner = {0}, stopped = {0};
    mf_optimizer *optimizer = NULL;
    mf_optimizer_spec spec;
    bool good = library_ok(mf_optimizer_spec_init(&spec, sizeof spec));
    spec.learning_rate = (float)settings->learning_rate;
    good = good && library_ok(mf_optimizer_create(&spec, &optimizer)) &&
           model_create(&learner, optimizer, settings->seed) &&
           model_create(&stopped, NULL, settings->seed) && run(settings, &learner, &stopped);
    model_free(&stopped);
    model_free(&learner);
    mf_optimizer_free(optimizer);
    return good;
}

int main(int argc, char **argv)
{
    struct settings settings = {.samples = 200000, .turns = 0.25, .learning_rate = 0.005, .seed = 1};
    const struct option_rule rules[] = {
        option_count("samples", "length of the stream (200000)", &settings.samples, TABLE_ROWS, 1e9),
        option_number("turns", "how far the circle turns in that time (0.25)", &settings.turns, 0, 1000),
        option_number("learning-rate", "step size of Adam (0.005)", &settings.learning_rate, 0, 1),
        option_seed("seed", "equal seeds repeat a run (1)", &settings.seed),
    };
    enum options_outcome outcome =
        options_read(argc, argv, "Learns from a drifting stream, one sample at a time, in one pass.", rules,
                     sizeof rules / sizeof rules[0]);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    return create_and_run(&settings) ? EXIT_SUCCESS : EXIT_FAILURE;
}
