/* words: a language model in the manner of Bengio (2003) on the words of WikiText-2, with a large softmax:
 * heads that score all words, some of them, or by way of a matrix of low rank or one that is not learned. See
 * --help.
 *
 * A row is the embeddings of the words before, which are drawn and do not learn, so that the models differ in
 * what stands above them alone. Two dense layers follow: each learns from its own head, or, with --train bp,
 * both are units of one layer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "clock.h"
#include "complain.h"
#include "lines.h"
#include "options.h"
#include "random.h"
#include "threads.h"
#include "vocabulary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 2, TOP = 10, PURPOSE_EMBEDDING = 10, PURPOSE_ORDER, PURPOSE_LAYERS };
enum { TRAIN_MF, TRAIN_BP };
enum { HEAD_FULL, HEAD_LOW_RANK, HEAD_SHARED };

struct settings {
    const char *data, *checkpoint;
    int32_t train, head, law;
    size_t window, embedding, width, rank, candidates, batch, tokens, judged, epochs, threads;
    double rate, every;
    uint64_t seed;
};

struct run {
    struct settings settings;
    struct text text;
    float *table; /* [vocabulary, embedding] */
    float *x;
    int32_t *y;
    uint32_t *order;
    mf_pool *pool;
    mf_optimizer *optimizer;
    mf_network *network;
    mf_workspace *workspace;
    mf_memory memory;
    size_t values, of_heads; /* parameters, and those of all M */
    size_t epoch, position;  /* where the run is */
    double seconds;          /* of all epochs */
};

/* ---- the model ---- */

static bool add_hidden(const struct settings *s, mf_builder *builder)
{
    mf_unit_spec unit;
    if (!library_ok(mf_unit_spec_init(&unit, sizeof unit)))
        return false;
    unit.outputs = s->width;
    if (!library_ok(mf_builder_unit(builder, &unit, NULL)))
        return false;
    unit.kind = MF_UNIT_ACTIVATION;
    return library_ok(mf_builder_unit(builder, &unit, NULL));
}

/* The shared matrix is the table of embeddings, which is wide as an embedding; a low rank is as wide as one
 * likes. */
static bool add_head(const struct run *run, mf_builder *builder)
{
    const struct settings *s = &run->settings;
    mf_head_spec head;
    mf_unit_spec unit;
    size_t hidden = s->train == TRAIN_BP ? LAYERS : 1;
    if (!library_ok(mf_head_spec_init(&head, sizeof head)) ||
        !library_ok(mf_unit_spec_init(&unit, sizeof unit)))
        return false;
    head.classes = run->text.vocabulary;
    head.projection_init = s->head == HEAD_SHARED ? MF_INIT_ZERO : MF_INIT_KAIMING_UNIFORM;
    head.sampling = s->law;
    head.candidates = s->law == MF_SAMPLING_NONE ? 0 : s->candidates;
    if (s->head != HEAD_FULL) {
        head.output_node = (int32_t)(2 * hidden);
        unit.outputs = s->head == HEAD_SHARED ? s->embedding : s->rank;
        unit.bias = 0;
        if (!library_ok(mf_builder_unit(builder, &unit, NULL)))
            return false;
    }
    return library_ok(mf_builder_head(builder, &head));
}

static bool describe(const struct run *run, size_t position, mf_builder **builder)
{
    const struct settings *s = &run->settings;
    mf_builder_spec spec;
    mf_shape input;
    if (!library_ok(mf_shape_init(&input, sizeof input)) ||
        !library_ok(mf_builder_spec_init(&spec, sizeof spec)))
        return false;
    input.dims[0] = position == 0 ? s->window * s->embedding : s->width;
    spec.input = &input;
    spec.seed = random_derive(s->seed, PURPOSE_LAYERS + position);
    bool good = library_ok(mf_builder_create(&spec, builder)) && add_hidden(s, *builder);
    if (good && s->train == TRAIN_BP)
        good = add_hidden(s, *builder);
    return good && add_head(run, *builder);
}

/* What the host knows of the head: the shared matrix, how often words occur. */
static bool prepare(struct run *run, mf_layer *layer)
{
    const struct settings *s = &run->settings;
    size_t vocabulary = run->text.vocabulary;
    if (s->law == MF_SAMPLING_COUNTS &&
        !library_ok(mf_layer_set_parameter(layer, "head.counts", run->text.counts, vocabulary)))
        return false;
    if (s->head != HEAD_SHARED)
        return true;
    return library_ok(
               mf_layer_set_parameter(layer, "head.projection", run->table, vocabulary * s->embedding)) &&
           library_ok(mf_layer_set_trainable(layer, "head.projection", 0));
}

static bool count_parameters(struct run *run, const mf_layer *layer)
{
    size_t count = 0;
    mf_parameter_info info = {.struct_size = sizeof info};
    if (!library_ok(mf_layer_parameter_count(layer, &count)))
        return false;
    for (size_t p = 0; p < count; p++) {
        if (!library_ok(mf_layer_parameter_info(layer, p, &info)))
            return false;
        if (strcmp(info.name, "head.projection") == 0)
            run->of_heads += info.count;
        else if (strcmp(info.name, "head.counts") != 0)
            run->values += info.count;
    }
    return true;
}

static bool make_network(struct run *run)
{
    mf_builder *builders[LAYERS] = {NULL, NULL};
    size_t layers = run->settings.train == TRAIN_BP ? 1 : LAYERS;
    mf_optimizer_spec adam;
    bool good = library_ok(mf_network_create(NULL, &run->network)) &&
                library_ok(mf_optimizer_spec_init(&adam, sizeof adam));
    for (size_t i = 0; good && i < layers; i++) {
        mf_layer *layer = NULL;
        good = describe(run, i, &builders[i]) && library_ok(mf_layer_build(builders[i], &layer)) &&
               library_ok(mf_network_append(run->network, layer, NULL)) && prepare(run, layer) &&
               count_parameters(run, layer);
        mf_layer_free(layer);
    }
    if (good) {
        adam.learning_rate = (float)run->settings.rate;
        run->memory.struct_size = sizeof run->memory;
        good = library_ok(mf_network_memory_built(builders, layers, &adam, MF_WORKSPACE_TRAINING,
                                                  run->settings.batch, &run->memory)) &&
               library_ok(mf_optimizer_create(&adam, &run->optimizer)) &&
               library_ok(mf_network_set_optimizer(run->network, run->optimizer));
    }
    for (size_t i = 0; i < layers; i++)
        mf_builder_free(builders[i]);
    return good;
}

static bool make_workspace(struct run *run)
{
    mf_workspace_spec spec;
    if (!library_ok(mf_workspace_spec_init(&spec, sizeof spec)))
        return false;
    spec.network = run->network;
    spec.max_batch = run->settings.batch;
    spec.pool = run->pool;
    return library_ok(mf_workspace_create(&spec, &run->workspace));
}

/* ---- batches ---- */

static void gather(struct run *run, enum part part, size_t row, size_t target)
{
    const struct settings *s = &run->settings;
    const int32_t *words = run->text.words[part] + target - s->window;
    for (size_t j = 0; j < s->window; j++)
        memcpy(run->x + (row * s->window + j) * s->embedding, run->table + (size_t)words[j] * s->embedding,
               s->embedding * sizeof *run->x);
    run->y[row] = run->text.words[part][target];
}

static bool prepare_data(struct run *run)
{
    struct settings *s = &run->settings;
    const char *folder = lines_find_wikitext(s->data);
    if (folder == NULL)
        printf("no WikiText-2 at hand: the text is drawn\n");
    if (!(folder != NULL ? text_read(&run->text, folder) : text_draw(&run->text, 5000, 20000, s->seed)))
        return false;
    for (size_t p = 0; p < PARTS; p++)
        if (run->text.count[p] <= s->window + s->batch)
            return complain("a text of %zu words is too short", run->text.count[p]);
    size_t all = run->text.count[PART_TRAIN] - s->window, values = run->text.vocabulary * s->embedding;
    s->tokens = s->tokens == 0 || s->tokens > all ? all : s->tokens;
    s->candidates = s->candidates > run->text.vocabulary ? run->text.vocabulary : s->candidates;
    run->table = malloc(values * sizeof *run->table);
    run->x = malloc(s->batch * s->window * s->embedding * sizeof *run->x);
    run->y = malloc(s->batch * sizeof *run->y);
    run->order = malloc(s->tokens * sizeof *run->order);
    if (!run->table || !run->x || !run->y || !run->order)
        return complain("no memory for %zu words", run->text.vocabulary);
    struct random_stream stream = {random_derive(s->seed, PURPOSE_EMBEDDING)};
    for (size_t i = 0; i < values; i++)
        run->table[i] = random_normal(&stream);
    return true;
}

/* ---- learning ---- */

/* The order of an epoch follows from the seed and its number alone. */
static void shuffle(struct run *run)
{
    struct random_stream stream = {random_derive(run->settings.seed, PURPOSE_ORDER + 100 * (run->epoch + 1))};
    for (size_t i = 0; i < run->settings.tokens; i++)
        run->order[i] = (uint32_t)(i + run->settings.window);
    random_shuffle(&stream, run->order, run->settings.tokens);
}

static double rate_now(const struct run *run)
{
    const struct settings *s = &run->settings;
    uint64_t steps = s->tokens / s->batch, all = steps * s->epochs;
    return s->rate *
           mf_schedule_cosine(run->epoch * steps + run->position / s->batch, all > 0 ? all : 1, 0.05);
}

static bool save(struct run *run)
{
    char place[64];
    snprintf(place, sizeof place, "%zu %zu %.3f", run->epoch, run->position, run->seconds);
    return run->settings.checkpoint == NULL ||
           (library_ok(mf_network_metadata_set(run->network, "place", place)) &&
            library_ok(mf_network_save(run->network, MF_CONTENTS_TRAINING, run->settings.checkpoint)));
}

/* Goes on from the checkpoint, if there is one. */
static bool go_on(struct run *run)
{
    mf_load_spec wanted;
    mf_network *found = NULL;
    const char *place = NULL;
    size_t bytes = 0, other = 0;
    FILE *file = run->settings.checkpoint ? fopen(run->settings.checkpoint, "rb") : NULL;
    if (file == NULL)
        return true;
    fclose(file);
    bool good = library_ok(mf_load_spec_init(&wanted, sizeof wanted));
    wanted.contents = MF_CONTENTS_TRAINING;
    good = good && library_ok(mf_network_load(&wanted, run->settings.checkpoint, &found)) &&
           library_ok(mf_network_metadata_get(found, "place", &place)) &&
           library_ok(mf_network_snapshot_size(found, &bytes)) &&
           library_ok(mf_network_snapshot_size(run->network, &other));
    void *snapshot = good ? malloc(bytes) : NULL;
    good = good && (bytes == other || complain("the checkpoint is of another model")) && snapshot != NULL &&
           sscanf(place, "%zu %zu %lf", &run->epoch, &run->position, &run->seconds) == 3 &&
           library_ok(mf_network_snapshot_save(found, snapshot, bytes)) &&
           library_ok(mf_network_snapshot_load(run->network, snapshot, bytes));
    free(snapshot);
    mf_network_free(found);
    return good;
}

static bool learn_epoch(struct run *run)
{
    const struct settings *s = &run->settings;
    double before = run->seconds, started = clock_seconds(), saved = started;
    shuffle(run);
    for (; run->position + s->batch <= s->tokens; run->position += s->batch) {
        run->seconds = before + clock_seconds() - started;
        if (clock_seconds() - saved > s->every) {
            saved = clock_seconds();
            if (!save(run))
                return false;
        }
        for (size_t b = 0; b < s->batch; b++)
            gather(run, PART_TRAIN, b, run->order[run->position + b]);
        if (!library_ok(mf_optimizer_set(run->optimizer, MF_OPTIMIZER_LEARNING_RATE, rate_now(run))) ||
            !library_ok(mf_network_step(run->network, run->workspace, s->batch, run->x, run->y)))
            return false;
    }
    run->seconds = before + clock_seconds() - started;
    run->position = 0;
    run->epoch++;
    return save(run);
}

/* ---- judging: all words are scored ---- */

struct judgement {
    double loss[LAYERS + 1], top; /* of the layers, and of their sum; the share of words among the best ten */
};

static bool judge(struct run *run, enum part part, struct judgement *found)
{
    const struct settings *s = &run->settings;
    size_t all = run->text.count[part] - s->window, layers = 0, batches, hits = 0;
    int32_t *best = malloc(s->batch * TOP * sizeof *best);
    float *scores = malloc(s->batch * TOP * sizeof *scores);
    bool good = best != NULL && scores != NULL && library_ok(mf_network_size(run->network, &layers));
    all = s->judged > 0 && s->judged < all ? s->judged : all;
    *found = (struct judgement){{0}, 0};
    for (batches = 0; good && (batches + 1) * s->batch <= all; batches++) {
        mf_report report = {.struct_size = sizeof report};
        mf_batch batch;
        for (size_t b = 0; b < s->batch; b++)
            gather(run, part, b, s->window + batches * s->batch + b);
        good = library_ok(mf_network_evaluate(run->network, run->workspace, s->batch, run->x, run->y));
        for (size_t i = 0; good && i < layers; i++) {
            good = library_ok(mf_workspace_report(run->workspace, i, &report));
            found->loss[i] += report.loss;
        }
        good = good && library_ok(mf_workspace_report_sum(run->workspace, &report)) &&
               library_ok(mf_batch_init(&batch, sizeof batch));
        found->loss[LAYERS] += report.loss;
        batch.rows = s->batch;
        batch.inputs = run->x;
        good = good && library_ok(mf_network_top(run->network, run->workspace, MF_PREDICT_LAST, &batch, TOP,
                                                 best, scores, NULL));
        for (size_t i = 0; good && i < s->batch * TOP; i++)
            hits += best[i] == run->y[i / TOP];
    }
    for (size_t i = 0; i <= LAYERS; i++)
        found->loss[i] /= (double)batches;
    found->top = (double)hits / (double)(batches * s->batch);
    free(best);
    free(scores);
    return good;
}

static void report(const struct run *run, const struct judgement *valid, const struct judgement *test)
{
    static const char *const trains[] = {"mf", "bp"}, *const heads[] = {"full", "low-rank", "shared"},
                             *const laws[] = {"none", "uniform", "log-uniform", "counts"};
    const struct settings *s = &run->settings;
    size_t last = s->train == TRAIN_BP ? 0 : LAYERS - 1;
    printf("result example=words train=%s head=%s law=%s candidates=%zu rank=%zu tokens=%zu epoch=%zu "
           "seconds=%.1f valid_first=%.1f valid=%.1f valid_sum=%.1f test=%.1f test_top10=%.4f mb=%.1f "
           "projection_values=%zu other_values=%zu\n",
           trains[s->train], heads[s->head], laws[s->law], s->law ? s->candidates : 0,
           s->head == HEAD_LOW_RANK ? s->rank : 0, s->tokens, run->epoch, run->seconds, exp(valid->loss[0]),
           exp(valid->loss[last]), exp(valid->loss[LAYERS]), exp(test->loss[last]), test->top,
           (double)run->memory.total / 1e6, run->of_heads, run->values);
    fflush(stdout);
}

static bool judge_and_report(struct run *run)
{
    struct judgement valid, test;
    if (!judge(run, PART_VALID, &valid) || !judge(run, PART_TEST, &test))
        return false;
    report(run, &valid, &test);
    return true;
}

static bool go(struct run *run)
{
    if (!threads_open(run->settings.threads, &run->pool) || !prepare_data(run) || !make_network(run) ||
        !make_workspace(run) || !go_on(run))
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
    static const char *const trains[] = {"mf", "bp", NULL},
                             *const heads[] = {"full", "low-rank", "shared", NULL},
                             *const laws[] = {"none", "uniform", "log-uniform", "counts", NULL};
    struct run run = {.settings = {.law = MF_SAMPLING_NONE,
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
        option_text("data", "DIR", "folder of WikiText-2 (a usual place)", &s->data),
        option_choice("train", "mf: every layer has a head; bp: both layers are units of one (mf)", &s->train,
                      trains),
        option_choice("head", "what scores the words; shared: the embeddings, which do not learn (full)",
                      &s->head, heads),
        option_choice("law", "how candidates are drawn; none: steps score all words (none)", &s->law, laws),
        option_count("candidates", "drawn for a batch (1000)", &s->candidates, 1, 1e6),
        option_count("rank", "of low-rank heads (32)", &s->rank, 1, 4096),
        option_count("window", "words before the one to tell (5)", &s->window, 1, 64),
        option_count("embedding", "values of a word (64)", &s->embedding, 1, 4096),
        option_count("width", "neurons of each layer (128)", &s->width, 1, 4096),
        option_count("batch", "rows of a step (128)", &s->batch, 1, 4096),
        option_count("tokens", "words of the training part to learn from, 0: all (0)", &s->tokens, 0, 1e9),
        option_count("judged", "words of the other parts to judge by, 0: all (20000)", &s->judged, 0, 1e9),
        option_count("epochs", "passes over them (1)", &s->epochs, 1, 1e6),
        option_number("rate", "of Adam, falling as a cosine (0.002)", &s->rate, 0, 10),
        option_count("threads", "that share the work (all processors)", &s->threads, 1, 1024),
        option_text("checkpoint", "FILE", "save the run here and go on from it, if it is there",
                    &s->checkpoint),
        option_number("every", "seconds from one checkpoint to the next (60)", &s->every, 0, 1e9),
        option_seed("seed", "equal seeds repeat a run (1)", &s->seed),
    };
    enum options_outcome outcome =
        options_read(argc, argv, "A language model on words, with heads for many classes.", rules,
                     sizeof rules / sizeof rules[0]);
    bool good = outcome == OPTIONS_READ && go(&run);
    mf_workspace_free(run.workspace);
    mf_network_free(run.network);
    mf_optimizer_free(run.optimizer);
    mf_pool_free(run.pool);
    text_free(&run.text);
    free(run.table);
    free(run.x);
    free(run.y);
    free(run.order);
    return good || outcome == OPTIONS_HELP ? 0 : outcome == OPTIONS_WRONG ? 2 : 1;
}
