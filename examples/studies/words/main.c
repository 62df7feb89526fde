/* words: language models on the words of WikiText-2, with a large softmax: one in the manner of Bengio
 * (2003), and one of two transformer blocks. Their heads score all words, or some of them in training, or do
 * either by way of a matrix of low rank, or of one that all layers share. Each half of a model learns from
 * its own head, or, with --train bp, both are units of one layer. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "checkpoint.h"
#include "clock.h"
#include "complain.h"
#include "lines.h"
#include "model.h"
#include "options.h"
#include "places.h"
#include "random.h"
#include "threads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 10, PURPOSE_ORDER = 11, OPTIONS_LENGTH = 320 };

struct run {
    struct settings settings;
    struct text text;
    struct model model;
    size_t rows, told; /* rows of a batch, but for the last one, and words that each of them tells */
    size_t samples;    /* rows of an epoch */
    int32_t *x, *y;
    uint32_t *order;
    mf_pool *pool;
    mf_workspace *workspace;
    size_t epoch, position;   /* where the run is, in rows */
    double seconds, computed; /* of all epochs: those of the world, and those of the processors */
};

/* ---- batches ---- */

/* Row `row` of the batch becomes a sample: words, and those that they tell. */
static void gather(struct run *run, enum part part, size_t row, size_t sample)
{
    const struct settings *s = &run->settings;
    const int32_t *words = run->text.words[part] + sample * run->told;
    memcpy(run->x + row * s->window, words, s->window * sizeof *run->x);
    memcpy(run->y + row * run->told, words + s->window + 1 - run->told, run->told * sizeof *run->y);
}

static size_t rows_at(const struct run *run, size_t first, size_t all)
{
    return all - first < run->rows ? all - first : run->rows;
}

static bool batch_of(const struct run *run, size_t rows, mf_batch *batch)
{
    if (!library_ok(mf_batch_init(batch, sizeof *batch)))
        return false;
    batch->rows = rows;
    batch->input_type = MF_TYPE_INT32;
    batch->inputs = run->x;
    batch->targets = run->y;
    return true;
}

/* 0 stands for all words. */
static bool fills_a_row(const struct run *run, const char *option, size_t words)
{
    return words == 0 || words >= run->told ||
           complain("--%s %zu: a row of this model tells %zu words", option, words, run->told);
}

static bool prepare_data(struct run *run)
{
    struct settings *s = &run->settings;
    const char *folder = lines_find_wikitext(s->data);
    if (folder == NULL)
        printf("no WikiText-2 at hand: the text is drawn\n");
    if (!(folder != NULL ? text_read(&run->text, folder) : text_draw(&run->text, 5000, 20000, s->seed)))
        return false;
    run->rows = model_rows(s);
    run->told = model_words_of_row(s);
    for (size_t p = 0; p < PARTS; p++)
        if (run->text.count[p] <= s->window + run->rows * run->told)
            return complain("a text of %zu words is too short", run->text.count[p]);
    if (!fills_a_row(run, "tokens", s->tokens) || !fills_a_row(run, "judged", s->judged))
        return false;
    size_t all = (run->text.count[PART_TRAIN] - s->window) / run->told;
    run->samples = s->tokens / run->told;
    run->samples = run->samples == 0 || run->samples > all ? all : run->samples;
    s->tokens = run->samples * run->told;
    s->candidates = s->candidates > run->text.vocabulary ? run->text.vocabulary : s->candidates;
    run->x = malloc(run->rows * s->window * sizeof *run->x);
    run->y = malloc(run->rows * run->told * sizeof *run->y);
    run->order = malloc(run->samples * sizeof *run->order);
    return (run->x && run->y && run->order) || complain("no memory for batches");
}

static bool make_workspace(struct run *run)
{
    mf_workspace_spec spec;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.network = run->model.network;
    spec.purpose = MODEL_PURPOSE;
    spec.max_batch = run->rows;
    spec.pool = run->pool;
    return library_ok(mf_workspace_create(&spec, &run->workspace));
}

/* ---- learning ---- */

/* The order of an epoch follows from the seed and its number alone. */
static void shuffle(struct run *run)
{
    struct random_stream stream = {random_derive(run->settings.seed, PURPOSE_ORDER + 100 * (run->epoch + 1))};
    for (size_t i = 0; i < run->samples; i++)
        run->order[i] = (uint32_t)i;
    random_shuffle(&stream, run->order, run->samples);
}

static double rate_now(const struct run *run)
{
    const struct settings *s = &run->settings;
    uint64_t steps = (run->samples + run->rows - 1) / run->rows, all = steps * s->epochs;
    return s->rate * mf_schedule_cosine(run->epoch * steps + run->position / run->rows, all, 0.05);
}

static const char *data_name(const struct run *run)
{
    return run->text.drawn ? "drawn" : "wikitext-2";
}

/* What decides the bits of a run. */
static void describe(const struct run *run, char *text, size_t size)
{
    const struct settings *s = &run->settings;
    snprintf(text, size,
             "data=%s model=%d train=%d head=%d law=%d window=%zu embedding=%zu width=%zu rank=%zu "
             "candidates=%zu batch=%zu tokens=%zu epochs=%zu rate=%g seed=%llu",
             data_name(run), (int)s->model, (int)s->train, (int)s->head, (int)s->law, s->window, s->embedding,
             s->width, s->rank, s->candidates, s->batch, s->tokens, s->epochs, s->rate,
             (unsigned long long)s->seed);
}

static bool save(struct run *run)
{
    char place[96], options[OPTIONS_LENGTH];
    describe(run, options, sizeof options);
    snprintf(place, sizeof place, "%zu %zu %.3f %.3f", run->epoch, run->position, run->seconds,
             run->computed);
    return run->settings.checkpoint == NULL ||
           (library_ok(mf_network_metadata_set(run->model.network, "options", options)) &&
            library_ok(mf_network_metadata_set(run->model.network, "place", place)) &&
            library_ok(mf_network_save(run->model.network, MF_CONTENTS_TRAINING, run->settings.checkpoint)));
}

/* Nothing in a file is believed. */
static bool read_place(struct run *run, const char *text)
{
    if (text[strspn(text, "0123456789. ")] != '\0' ||
        sscanf(text, "%zu %zu %lf %lf", &run->epoch, &run->position, &run->seconds, &run->computed) != 4)
        return complain("the checkpoint does not say where its run was: it is damaged");
    if (run->position > run->samples)
        return complain("the checkpoint is of a run with more samples");
    return (run->epoch <= run->settings.epochs && run->position % run->rows == 0) ||
           complain("the checkpoint says of its run what cannot be");
}

static bool is_same_run(const struct run *run, const char *theirs)
{
    char ours[OPTIONS_LENGTH];
    describe(run, ours, sizeof ours);
    return strcmp(ours, theirs) == 0 ||
           complain("the checkpoint is of another run: it has %.250s, this one %s", theirs, ours);
}

/* Goes on from the checkpoint, if there is one. */
static bool go_on(struct run *run)
{
    const char *path = run->settings.checkpoint, *place = NULL, *options = NULL;
    mf_load_spec wanted;
    mf_network *found = NULL;
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    if (file == NULL)
        return path == NULL || errno == ENOENT || complain("cannot go on from %s: %s", path, strerror(errno));
    fclose(file);
    bool good = library_ok(mf_load_spec_init(&wanted, sizeof wanted));
    wanted.contents = MF_CONTENTS_TRAINING;
    good = good && library_ok(mf_network_load(&wanted, path, &found)) &&
           library_ok(mf_network_metadata_get(found, "place", &place)) &&
           library_ok(mf_network_metadata_get(found, "options", &options)) && is_same_run(run, options) &&
           read_place(run, place) && checkpoint_take(found, run->model.network);
    mf_network_free(found);
    return good;
}

static bool step(struct run *run, size_t rows)
{
    mf_batch batch;
    for (size_t b = 0; b < rows; b++)
        gather(run, PART_TRAIN, b, run->order[run->position + b]);
    return batch_of(run, rows, &batch) &&
           library_ok(mf_optimizer_set(run->model.optimizer, MF_OPTIMIZER_LEARNING_RATE, rate_now(run))) &&
           library_ok(mf_network_step_batch(run->model.network, run->workspace, &batch));
}

static bool learn_epoch(struct run *run)
{
    double seconds = run->seconds - clock_seconds(), computed = run->computed - clock_processor_seconds();
    double saved = clock_seconds();
    bool good = true;
    shuffle(run);
    for (; good && run->position < run->samples; run->position += run->rows) {
        run->seconds = seconds + clock_seconds();
        run->computed = computed + clock_processor_seconds();
        if (clock_seconds() - saved > run->settings.every) {
            saved = clock_seconds();
            good = save(run);
        }
        good = good && step(run, rows_at(run, run->position, run->samples));
    }
    run->seconds = seconds + clock_seconds();
    run->computed = computed + clock_processor_seconds();
    run->position = 0;
    run->epoch++;
    return good && save(run);
}

/* ---- judging: all words are scored ---- */

struct judgement {
    double loss[LAYERS], top; /* of the layers; the share of words among the best ten */
};

/* Adds the losses and the words found of a batch's rows. */
static bool judge_batch(struct run *run, size_t rows, int32_t *best, float *scores, struct judgement *found)
{
    mf_report report = {.struct_size = sizeof report};
    mf_batch batch;
    size_t layers = 0;
    if (!batch_of(run, rows, &batch) || !library_ok(mf_network_size(run->model.network, &layers)) ||
        !library_ok(mf_network_evaluate_batch(run->model.network, run->workspace, &batch)))
        return false;
    for (size_t i = 0; i < layers; i++) {
        if (!library_ok(mf_workspace_report(run->workspace, i, &report)))
            return false;
        found->loss[i] += report.loss * (double)rows;
    }
    batch.targets = NULL;
    if (!library_ok(mf_network_top(run->model.network, run->workspace, MF_PREDICT_LAST, &batch, TOP, best,
                                   scores, NULL)))
        return false;
    for (size_t i = 0; i < rows * run->told * TOP; i++)
        found->top += best[i] == run->y[i / TOP];
    return true;
}

static bool judge(struct run *run, enum part part, struct judgement *found)
{
    const struct settings *s = &run->settings;
    size_t words = run->rows * run->told, all = run->text.count[part] - s->window;
    int32_t *best = malloc(words * TOP * sizeof *best);
    float *scores = malloc(words * TOP * sizeof *scores);
    bool good = (best != NULL && scores != NULL) || complain("no memory for the best of %zu words", words);
    all = (s->judged > 0 && s->judged < all ? s->judged : all) / run->told;
    *found = (struct judgement){{0}, 0};
    for (size_t first = 0; good && first < all; first += run->rows) {
        size_t rows = rows_at(run, first, all);
        for (size_t b = 0; b < rows; b++)
            gather(run, part, b, first + b);
        good = judge_batch(run, rows, best, scores, found);
    }
    for (size_t i = 0; i < LAYERS; i++)
        found->loss[i] /= (double)all;
    found->top /= (double)(all * run->told);
    free(best);
    free(scores);
    return good;
}

static void report(const struct run *run, const struct judgement *valid, const struct judgement *test)
{
    static const char *const models[] = {"feed-forward", "transformer"}, *const trains[] = {"mf", "bp"},
                             *const heads[] = {"full", "low-rank", "shared"},
                             *const laws[] = {"none", "uniform", "log-uniform", "counts"};
    const struct settings *s = &run->settings;
    size_t last = s->train == TRAIN_BP ? 0 : LAYERS - 1;
    printf("result example=words data=%s model=%s train=%s head=%s law=%s candidates=%zu rank=%zu rate=%g "
           "tokens=%zu epoch=%zu seed=%llu window=%zu embedding=%zu width=%zu batch=%zu judged=%zu "
           "seconds=%.1f processor_seconds=%.1f valid_first=%.1f valid=%.1f valid_top10=%.4f",
           data_name(run), models[s->model], trains[s->train], heads[s->head], laws[s->law],
           s->law ? s->candidates : 0, s->head != HEAD_FULL ? s->rank : 0, s->rate, s->tokens, run->epoch,
           (unsigned long long)s->seed, s->window, s->embedding, s->width,
           model_rows(s) * model_words_of_row(s), s->judged, run->seconds, run->computed, exp(valid->loss[0]),
           exp(valid->loss[last]), valid->top);
    if (test != NULL)
        printf(" test=%.1f test_top10=%.4f", exp(test->loss[last]), test->top);
    printf(" mb=%.1f projection_values=%zu other_values=%zu\n", (double)run->model.memory.total / 1e6,
           run->model.of_heads, run->model.values);
    fflush(stdout);
}

static bool judge_and_report(struct run *run)
{
    struct judgement valid, test;
    bool tests = run->settings.tests && run->epoch == run->settings.epochs;
    if (!judge(run, PART_VALID, &valid) || (tests && !judge(run, PART_TEST, &test)))
        return false;
    report(run, &valid, tests ? &test : NULL);
    return true;
}

static bool go(struct run *run)
{
    if (!threads_set(1) || !threads_open(run->settings.threads, &run->pool) || !prepare_data(run) ||
        !model_make(&run->model, &run->settings, &run->text) || !make_workspace(run) || !go_on(run))
        return false;
    printf("%zu words of %zu in the training part, %zu in all\n", run->settings.tokens,
           run->text.count[PART_TRAIN], run->text.vocabulary);
    while (run->epoch < run->settings.epochs)
        if (!learn_epoch(run) || (run->epoch < run->settings.epochs && !judge_and_report(run)))
            return false;
    return judge_and_report(run);
}

int main(int argc, char **argv)
{
    static const char *const models[] = {"feed-forward", "transformer", NULL},
                             *const trains[] = {"mf", "bp", NULL},
                             *const heads[] = {"full", "low-rank", "shared", NULL},
                             *const laws[] = {"none", "uniform", "log-uniform", "counts", NULL},
                             *const tests[] = {"no", "yes", NULL};
    struct run run = {.settings = {.law = MF_SAMPLING_NONE,
                                   .tests = 1,
                                   .window = 5,
                                   .embedding = 64,
                                   .width = 128,
                                   .rank = 32,
                                   .candidates = 1000,
                                   .batch = 128,
                                   .judged = 20000,
                                   .epochs = 1,
                                   .threads = threads_usual(),
                                   .rate = 0.002,
                                   .every = 60,
                                   .seed = 1}};
    struct settings *s = &run.settings;
    const struct option_rule rules[] = {
        option_text("data", "DIR", "folder of WikiText-2 (text/wikitext-2 in " PLACES_NAMED ")", &s->data),
        option_choice("model",
                      "feed-forward: a window tells the next word; transformer: each of its words does "
                      "(feed-forward)",
                      &s->model, models),
        option_choice("train", "mf: every layer has a head; bp: both layers are units of one (mf)", &s->train,
                      trains),
        option_choice(
            "head",
            "M reads the layer, or, of low rank, few values; shared: vectors of words are most of M (full)",
            &s->head, heads),
        option_choice("law", "how candidates are drawn; none: steps score all words (none)", &s->law, laws),
        option_count("candidates", "drawn for a batch (1000)", &s->candidates, 1, 1e6),
        option_count("rank", "of low-rank heads, and of what layers with shared ones have of their own (32)",
                     &s->rank, 0, 4096),
        option_count("window", "words before the one to tell (5)", &s->window, 1, 512),
        option_count("embedding", "values of a word, those of a transformer are the width (64)",
                     &s->embedding, 1, 4096),
        option_count("width", "neurons of each layer, values of a transformer's positions (128)", &s->width,
                     1, 4096),
        option_count("batch", "words that a step tells (128)", &s->batch, 1, 4096),
        option_count("tokens", "words of the training part to learn from, 0: all (0)", &s->tokens, 0, 1e9),
        option_count("judged", "words of the other parts to judge by, 0: all (20000)", &s->judged, 0, 1e9),
        option_choice("test", "whether the test part is looked at in the end (yes)", &s->tests, tests),
        option_count("epochs", "passes over them (1)", &s->epochs, 1, 1e6),
        option_number("rate", "of Adam, falling as a cosine (0.002)", &s->rate, 0, 10),
        option_count("threads", "that share the work (all processors)", &s->threads, 1, 1024),
        option_text("checkpoint", "FILE", "save the run here and go on from it, if it is there",
                    &s->checkpoint),
        option_number("every", "seconds from one checkpoint to the next (60)", &s->every, 0, 1e9),
        option_seed("seed", "equal seeds repeat a run (1)", &s->seed),
    };
    enum options_outcome outcome =
        options_read(argc, argv, "Language models on words, with heads for many classes.", rules,
                     sizeof rules / sizeof rules[0]);
    bool good = outcome == OPTIONS_READ && go(&run) && output_arrived();
    mf_workspace_free(run.workspace);
    model_free(&run.model);
    mf_pool_free(run.pool);
    text_free(&run.text);
    free(run.x);
    free(run.y);
    free(run.order);
    return good || outcome == OPTIONS_HELP ? 0 : outcome == OPTIONS_WRONG ? 2 : 1;
}
