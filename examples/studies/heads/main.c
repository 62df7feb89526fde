/* heads: what each kind of head costs in layers of some shapes, and with --train how well two layers learn
 * images of digits with each of them. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "clock.h"
#include "complain.h"
#include "dataset.h"
#include "datasets.h"
#include "heads.h"
#include "options.h"
#include "places.h"
#include "random.h"
#include "threads.h"
#include "updates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    const char *data;
    bool train;
    size_t epochs, batch, hidden, limit, threads;
    double rate;
    uint64_t seed;
};

/* ---- what they cost ---- */

static const struct layer_shape shapes[] = {
    {"dense-784-1000", 1, {784}, 1000, false, 10},
    {"dense-1000-1000", 1, {1000}, 1000, false, 10},
    {"conv-3-64-at-32", 3, {3, 32, 32}, 64, true, 10},
    {"conv-128-256-at-8", 3, {128, 8, 8}, 256, true, 10},
    {"conv-256-256-at-8", 3, {256, 8, 8}, 256, false, 100},
    {"dense-512-512", 1, {512}, 512, false, 10000},
};

static bool print_costs(size_t batch)
{
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        printf("\n%s, %zu classes, batch %zu: shares of the head\n%-16s %10s %10s %11s\n", shapes[s].name,
               shapes[s].classes, batch, "head", "arithmetic", "parameters", "training MB");
        for (int kind = 0; kind < HEAD_KINDS; kind++) {
            struct head_cost cost;
            if (!head_fits((enum head_kind)kind, &shapes[s]))
                continue;
            if (!head_cost((enum head_kind)kind, &shapes[s], batch, &cost))
                return false;
            printf("%-16s %9.1f%% %9.1f%% %11.2f\n", head_names[kind], 100 * cost.arithmetic,
                   100 * cost.parameters, cost.training / 1e6);
        }
    }
    printf("\n");
    return true;
}

/* ---- how well they learn ---- */

enum { LAYERS = 2, PURPOSE_LAYER = 1, PURPOSE_ORDER = 10 };

struct run {
    const struct settings *settings;
    const struct dataset *set;
    struct dataset_split split;
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    float *x;
    int32_t *y;
    double seconds;
};

static bool make_network(struct run *run, enum head_kind kind)
{
    const struct settings *s = run->settings;
    if (!update_create(UPDATE_ADAM, s->rate, 0, 0, NULL, &run->optimizer) ||
        !library_ok(mf_network_create(NULL, &run->network)))
        return false;
    for (size_t i = 0; i < LAYERS; i++) {
        const struct layer_shape shape = {"layer",   1,     {i == 0 ? run->set->features : s->hidden},
                                          s->hidden, false, run->set->classes};
        mf_builder *builder = NULL;
        mf_layer *layer = NULL;
        bool good = head_builder(kind, &shape, random_derive(s->seed, PURPOSE_LAYER + i), &builder) &&
                    library_ok(mf_layer_build(builder, &layer)) &&
                    library_ok(mf_network_append(run->network, layer, NULL));
        mf_layer_free(layer);
        mf_builder_free(builder);
        if (!good)
            return false;
    }
    mf_workspace_spec spec;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.network = run->network;
    spec.max_batch = s->batch;
    return library_ok(mf_network_set_optimizer(run->network, run->optimizer)) &&
           library_ok(mf_workspace_create(&spec, &run->workspace));
}

/* The last batch of an epoch may be smaller. */
static size_t rows_at(const struct run *run, size_t first, size_t count)
{
    return count - first < run->settings->batch ? count - first : run->settings->batch;
}

static bool learn(struct run *run)
{
    const struct settings *s = run->settings;
    size_t count = run->split.train_count, steps = (count + s->batch - 1) / s->batch, step = 0;
    double started = clock_seconds();
    for (size_t epoch = 0; epoch < s->epochs; epoch++) {
        struct random_stream stream = {random_derive(s->seed, PURPOSE_ORDER + epoch)};
        random_shuffle(&stream, run->split.train, count);
        for (size_t first = 0; first < count; first += s->batch, step++) {
            size_t rows = rows_at(run, first, count);
            double rate = s->rate * mf_schedule_cosine(step, steps * s->epochs, 0);
            dataset_gather(run->set, &run->set->train, run->split.train, first, rows, CHANGE_NONE, NULL,
                           run->x, run->y);
            if (!library_ok(mf_optimizer_set(run->optimizer, MF_OPTIMIZER_LEARNING_RATE, rate)) ||
                !library_ok(mf_network_step(run->network, run->workspace, rows, run->x, run->y)))
                return false;
        }
    }
    run->seconds = clock_seconds() - started;
    return true;
}

static bool judge(struct run *run, double correct[LAYERS + 1])
{
    size_t count = run->set->test.count;
    for (size_t first = 0; first < count; first += run->settings->batch) {
        size_t rows = rows_at(run, first, count);
        dataset_gather(run->set, &run->set->test, NULL, first, rows, CHANGE_NONE, NULL, run->x, run->y);
        if (!library_ok(mf_network_evaluate(run->network, run->workspace, rows, run->x, run->y)))
            return false;
        for (size_t i = 0; i <= LAYERS; i++) {
            mf_report report = {.struct_size = sizeof report};
            if (!library_ok(i < LAYERS ? mf_workspace_report(run->workspace, i, &report)
                                       : mf_workspace_report_sum(run->workspace, &report)))
                return false;
            correct[i] += 100.0 * (double)report.correct / (double)count;
        }
    }
    return true;
}

static bool train_with(struct run *run, enum head_kind kind)
{
    double correct[LAYERS + 1] = {0};
    bool good = make_network(run, kind) && learn(run) && judge(run, correct);
    if (good)
        printf("result example=heads data=%s head=%s hidden=%zu epochs=%zu batch=%zu limit=%zu rate=%g "
               "seed=%llu layer1=%.2f last=%.2f sum=%.2f seconds=%.1f\n",
               run->set->drawn ? "drawn" : run->set->name, head_names[kind], run->settings->hidden,
               run->settings->epochs, run->settings->batch, run->settings->limit, run->settings->rate,
               (unsigned long long)run->settings->seed, correct[0], correct[1], correct[2], run->seconds);
    fflush(stdout);
    mf_workspace_free(run->workspace);
    mf_network_free(run->network);
    mf_optimizer_free(run->optimizer);
    run->workspace = NULL;
    run->network = NULL;
    run->optimizer = NULL;
    return good;
}

static bool train_all(const struct settings *s)
{
    /* A folder that was named counts, whatever it holds. */
    const struct dataset_options options = {.folder = s->data,
                                            .folder_alone = s->data != NULL,
                                            .seed = s->seed,
                                            .train_limit = s->limit,
                                            .stand_in = s->data == NULL};
    struct dataset set;
    if (!dataset_load("mnist", &options, &set))
        return false;
    struct run run = {.settings = s, .set = &set};
    printf("%s\n", set.story);
    bool good = dataset_split_open(&run.split, &set, 0, s->seed);
    run.x = malloc(s->batch * set.features * sizeof *run.x);
    run.y = malloc(s->batch * sizeof *run.y);
    good =
        good && ((run.x != NULL && run.y != NULL) || complain("no memory for a batch of %zu rows", s->batch));
    for (int kind = 0; good && kind < HEAD_KINDS; kind++) {
        const struct layer_shape shape = {"layer", 1, {set.features}, s->hidden, false, set.classes};
        if (head_fits((enum head_kind)kind, &shape))
            good = train_with(&run, (enum head_kind)kind);
    }
    free(run.x);
    free(run.y);
    dataset_split_free(&run.split);
    dataset_free(&set);
    return good;
}

int main(int argc, char **argv)
{
    struct settings s = {.epochs = 3, .batch = 128, .hidden = 1000, .threads = 1, .rate = 0.001, .seed = 1};
    const struct option_rule rules[] = {
        option_flag("train", "also train two layers on MNIST with each head that stands on rows", &s.train),
        option_text("data", "DIR",
                    "folder of MNIST's files (mnist in " PLACES_NAMED ", else digits are drawn)", &s.data),
        option_count("epochs", "passes over the training set (3)", &s.epochs, 1, 1e6),
        option_count("batch", "samples of a step (128)", &s.batch, 1, 1e5),
        option_count("hidden", "neurons of each layer (1000)", &s.hidden, 2, 1e5),
        option_count("limit", "learn from the first N images only, 0: all (0)", &s.limit, 0, 1e9),
        option_number("learning-rate", "step size of Adam (0.001)", &s.rate, 1e-12, 1e6),
        option_count("threads", "threads of the BLAS library (1)", &s.threads, 1, 1024),
        option_seed("seed", "equal seeds repeat a run (1)", &s.seed),
    };
    enum options_outcome outcome =
        options_read(argc, argv, "Prints what each kind of head costs in layers of some shapes.", rules,
                     sizeof rules / sizeof rules[0]);
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!threads_set(s.threads) || !print_costs(s.batch) || (s.train && !train_all(&s)))
        return EXIT_FAILURE;
    if (!s.train)
        printf("result example=heads shapes=%zu heads=%d\n", sizeof shapes / sizeof shapes[0],
               (int)HEAD_KINDS);
    return output_arrived() ? EXIT_SUCCESS : EXIT_FAILURE;
}
