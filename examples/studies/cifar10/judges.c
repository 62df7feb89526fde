/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "judges.h"

#include "clock.h"
#include "complain.h"

#include <pthread.h>
#include <stdlib.h>

enum { JUDGED_BATCH = 100 };

/* The counts of right answers: of the layers one by one, then of the sum. */
enum { MOST_COUNTS = MOST_LAYERS + 1 };

struct judge {
    const struct judges *all;
    size_t number;
    size_t images; /* that all judges look at together */
    bool mirrored;
    mf_workspace *workspace;
    float *inputs; /* one batch */
    int32_t *classes;
    float *goodness; /* [JUDGED_BATCH, classes], of one answer, */
    float *both[2];  /* and of an image with its mirror image: MF_PREDICT_LAST, MF_PREDICT_SUM */
    uint64_t correct[MOST_COUNTS];
    bool good;
    bool running; /* on a thread of its own */
    pthread_t thread;
};

static bool open_judge(struct judge *judge, const struct judges *judges, size_t number)
{
    mf_workspace_spec spec;
    *judge = (struct judge){.all = judges, .number = number};
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.purpose = MF_WORKSPACE_INFERENCE;
    spec.network = judges->model->network;
    spec.max_batch = JUDGED_BATCH;
    if (!library_ok(mf_workspace_create(&spec, &judge->workspace)))
        return false;
    judge->inputs = calloc(JUDGED_BATCH, PIXELS * sizeof(float));
    judge->classes = calloc(JUDGED_BATCH, sizeof(int32_t));
    judge->goodness = calloc(3 * JUDGED_BATCH, judges->data->classes * sizeof(float));
    if (judge->inputs == NULL || judge->classes == NULL || judge->goodness == NULL)
        return complain("no memory for a batch of %d images", JUDGED_BATCH);
    judge->both[MF_PREDICT_LAST] = judge->goodness + JUDGED_BATCH * judges->data->classes;
    judge->both[MF_PREDICT_SUM] = judge->goodness + 2 * JUDGED_BATCH * judges->data->classes;
    return true;
}

static void close_judge(struct judge *judge)
{
    mf_workspace_free(judge->workspace);
    free(judge->inputs);
    free(judge->classes);
    free(judge->goodness);
}

bool judges_open(struct judges *judges, const struct data *data, const struct model *model, size_t count)
{
    *judges = (struct judges){.data = data, .model = model, .each = calloc(count, sizeof(struct judge))};
    if (judges->each == NULL)
        return complain("no memory for %zu judges", count);
    while (judges->count < count) {
        struct judge *judge = &judges->each[judges->count++];
        if (!open_judge(judge, judges, judges->count - 1))
            return false;
    }
    return true;
}

void judges_close(struct judges *judges)
{
    for (size_t i = 0; i < judges->count; i++)
        close_judge(&judges->each[i]);
    free(judges->each);
    *judges = (struct judges){0};
}

static void make_batch(struct judge *judge, size_t first, size_t rows, bool mirrored)
{
    const struct judges *all = judge->all;
    if (all->on_validation)
        data_validation_batch(all->data, first, rows, mirrored, judge->inputs, judge->classes);
    else
        data_test_batch(all->data, first, rows, mirrored, judge->inputs, judge->classes);
}

static bool judge_batch(struct judge *judge, size_t first, size_t rows)
{
    const struct model *model = judge->all->model;
    mf_report report = {.struct_size = sizeof report};
    make_batch(judge, first, rows, false);
    if (!library_ok(
            mf_network_evaluate(model->network, judge->workspace, rows, judge->inputs, judge->classes)))
        return false;
    for (size_t i = 0; i < model->layer_count; i++) {
        if (!library_ok(mf_workspace_report(judge->workspace, i, &report)))
            return false;
        judge->correct[i] += report.correct;
    }
    if (!library_ok(mf_workspace_report_sum(judge->workspace, &report)))
        return false;
    judge->correct[model->layer_count] += report.correct;
    return true;
}

static size_t highest(const float *scores, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (scores[i] > scores[best])
            best = i;
    return best;
}

static uint64_t count_correct(const struct judge *judge, int32_t mode, size_t rows)
{
    size_t classes = judge->all->data->classes;
    uint64_t correct = 0;
    for (size_t i = 0; i < rows; i++)
        correct += highest(judge->both[mode] + i * classes, classes) == (size_t)judge->classes[i];
    return correct;
}

/* Counts LAST where the last layer's count is otherwise. */
static bool judge_mirrored_batch(struct judge *judge, size_t first, size_t rows)
{
    const struct model *model = judge->all->model;
    size_t classes = judge->all->data->classes;
    for (size_t i = 0; i < 2 * JUDGED_BATCH * classes; i++)
        judge->both[0][i] = 0;
    for (int side = 0; side < 2; side++) {
        make_batch(judge, first, rows, side == 1);
        for (int32_t mode = MF_PREDICT_LAST; mode <= MF_PREDICT_SUM; mode++) {
            if (!library_ok(mf_network_goodness(model->network, judge->workspace, mode, rows, judge->inputs,
                                                judge->goodness)))
                return false;
            for (size_t i = 0; i < rows * classes; i++)
                judge->both[mode][i] += judge->goodness[i];
        }
    }
    judge->correct[model->layer_count - 1] += count_correct(judge, MF_PREDICT_LAST, rows);
    judge->correct[model->layer_count] += count_correct(judge, MF_PREDICT_SUM, rows);
    return true;
}

/* Judges take the batches in turn. */
static void *judge_share(void *user)
{
    struct judge *judge = user;
    size_t stride = judge->all->count * JUDGED_BATCH;
    judge->good = true;
    for (size_t first = judge->number * JUDGED_BATCH; judge->good && first < judge->images; first += stride) {
        size_t left = judge->images - first, rows = left < JUDGED_BATCH ? left : JUDGED_BATCH;
        judge->good =
            judge->mirrored ? judge_mirrored_batch(judge, first, rows) : judge_batch(judge, first, rows);
    }
    return NULL;
}

/* Lets all judges look at the first `images` images, and adds up what they count. Where the system gives
 * no thread, the caller's does the work. */
static bool judge_all(struct judges *judges, size_t images, bool mirrored, uint64_t *correct)
{
    bool good = true;
    for (size_t i = judges->count; i-- > 0;) {
        struct judge *judge = &judges->each[i];
        judge->images = images;
        judge->mirrored = mirrored;
        for (size_t j = 0; j < MOST_COUNTS; j++)
            judge->correct[j] = 0;
        judge->running = i > 0 && pthread_create(&judge->thread, NULL, judge_share, judge) == 0;
        if (!judge->running)
            judge_share(judge);
    }
    for (size_t i = 0; i < judges->count; i++) {
        struct judge *judge = &judges->each[i];
        if (judge->running)
            pthread_join(judge->thread, NULL);
        good = good && judge->good;
        for (size_t j = 0; j < MOST_COUNTS; j++)
            correct[j] += judge->correct[j];
    }
    return good;
}

static size_t image_count(const struct judges *judges)
{
    return judges->on_validation ? judges->data->validation : judges->data->test.count;
}

static bool reach_verdict(struct judges *judges, bool mirrored, struct verdict *verdict)
{
    uint64_t correct[MOST_COUNTS] = {0};
    size_t layers = judges->model->layer_count, images = image_count(judges);
    if (!judge_all(judges, images, mirrored, correct))
        return false;
    double percent = 100 / (double)images;
    for (size_t i = 0; i < layers; i++)
        verdict->layers[i] = percent * (double)correct[i];
    verdict->last = verdict->layers[layers - 1];
    verdict->sum = percent * (double)correct[layers];
    return true;
}

bool judges_evaluate(struct judges *judges, struct verdict *verdict)
{
    return reach_verdict(judges, false, verdict);
}

bool judges_evaluate_mirrored(struct judges *judges, struct verdict *verdict)
{
    return reach_verdict(judges, true, verdict);
}

bool judges_estimate(struct judges *judges, double *seconds)
{
    uint64_t correct[MOST_COUNTS] = {0};
    size_t all = image_count(judges), few = 2 * judges->count * JUDGED_BATCH;
    double started = clock_seconds();
    if (few > all)
        few = all;
    if (!judge_all(judges, few, false, correct))
        return false;
    *seconds = (clock_seconds() - started) * (double)all / (double)few;
    return true;
}
