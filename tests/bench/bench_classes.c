/* A step with many classes: all scored, or sampled; against PyTorch with all of them, in turns.
 *
 *     bench_classes [--classes=100000] [--width=512] [--batch=128] [--candidates=1000] [--optimizer=adam]
 *                   [--threads=1] [--rounds=5] [--python=PROGRAM]
 *
 * Two layers of `width` neurons on as many inputs, each with a head. PyTorch trains the same two with their
 * heads (torch_mf), and backpropagation through both with one classifier on top (torch_bp). Every competitor
 * is a process of its own. Printed are medians over the rounds, and the peak resident bytes beyond those of a
 * process that has made no network yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "support.h"

enum { LAYERS = 2, MOST_ROUNDS = 101, BATCHES = 16 };

/* ---- a process of ours: WIDTH CLASSES BATCH CANDIDATES OPTIMIZER THREADS ---- */

typedef struct setting {
    size_t width, classes, batch, candidates;
} setting;

static mf_layer *make_head(const setting *s)
{
    mf_builder *builder;
    mf_layer *layer;
    mf_builder_spec spec;
    mf_shape input;
    mf_unit_spec unit;
    mf_head_spec head;
    must(mf_shape_init(&input, sizeof input));
    input.dims[0] = s->width;
    must(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = &input;
    must(mf_builder_create(&spec, &builder));
    must(mf_unit_spec_init(&unit, sizeof unit));
    unit.outputs = s->width;
    must(mf_builder_unit(builder, &unit, NULL));
    unit.kind = MF_UNIT_ACTIVATION;
    must(mf_builder_unit(builder, &unit, NULL));
    must(mf_head_spec_init(&head, sizeof head));
    head.classes = s->classes;
    head.sampling = s->candidates > 0 ? MF_SAMPLING_LOG_UNIFORM : MF_SAMPLING_NONE;
    head.candidates = s->candidates;
    must(mf_builder_head(builder, &head));
    must(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

/* Labels as in texts: the class is about the reciprocal of a uniform number. */
static int32_t *make_frequent_labels(size_t count, size_t classes)
{
    int32_t *labels = make_labels(count);
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t rank = (size_t)(1.0 / (((double)(state >> 40) + 1.0) / 16777217.0));
        labels[i] = (int32_t)(rank < classes ? rank : rank % classes);
    }
    return labels;
}

static int work(char **words)
{
    const setting s = {strtoul(words[0], NULL, 10), strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10),
                       strtoul(words[3], NULL, 10)};
    float *x = make_inputs(BATCHES * s.batch * s.width);
    int32_t *y = make_frequent_labels(BATCHES * s.batch, s.classes);
    mf_optimizer *optimizer = make_optimizer(words[4], NULL);
    mf_pool *pool = make_pool((unsigned)strtoul(words[5], NULL, 10));
    size_t next = 0, before = peak_resident();
    mf_network *network;
    char line[CHILD_TEXT];
    must(mf_network_create(NULL, &network));
    for (int i = 0; i < LAYERS; i++) {
        mf_layer *layer = make_head(&s);
        must(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    must(mf_network_set_optimizer(network, optimizer));
    mf_workspace *workspace = make_workspace(network, s.batch, pool, NULL);
    while (fgets(line, sizeof line, stdin)) {
        double start = seconds_now();
        if (strncmp(line, "rss", 3) == 0) {
            printf("%zu\n", peak_resident() - before);
        } else {
            for (size_t steps = strtoul(line + 4, NULL, 10); steps > 0; steps--, next++)
                must(mf_network_step(network, workspace, s.batch, x + next % BATCHES * s.batch * s.width,
                                     y + next % BATCHES * s.batch));
            printf("%.6f\n", seconds_now() - start);
        }
        fflush(stdout);
    }
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    mf_pool_free(pool);
    free(x);
    free(y);
    return 0;
}

/* ---- the comparison ---- */

typedef struct rival {
    const char *name;
    child process;
    size_t steps; /* of a round */
    double seconds[MOST_ROUNDS];
} rival;

static void measure(rival *rivals, size_t count, size_t rounds, const char *optimizer, const char *what)
{
    double reference = 0.0;
    for (size_t i = 0; i < count; i++)
        (void)ask_seconds(&rivals[i].process, 1); /* the first step meets memory that was never used */
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            rivals[i].seconds[round] =
                ask_seconds(&rivals[i].process, rivals[i].steps) / (double)rivals[i].steps;
    for (size_t i = 0; i < count; i++) {
        char answer[CHILD_TEXT];
        double middle = median(rivals[i].seconds, rounds);
        reference = i == 0 ? middle : reference;
        tell(&rivals[i].process, "rss", 0);
        hear(&rivals[i].process, answer);
        printf("result bench=classes %s optimizer=%s competitor=%s ms=%.2f mb=%.0f of_sampled=%.1f\n", what,
               optimizer, rivals[i].name, middle * 1e3, strtod(answer, NULL) / 1e6, middle / reference);
        fflush(stdout);
        end_child(&rivals[i].process);
    }
}

static child start_ours(const char *self, const char *const *sizes, const char *candidates,
                        const char *optimizer, const char *threads)
{
    const char *const command[] = {self,       "worker",  sizes[0], sizes[1], sizes[2],
                                   candidates, optimizer, threads,  NULL};
    return start_child(command, "1");
}

static child start_torch(const char *python, const char *how, const char *const *sizes, const char *optimizer,
                         const char *threads)
{
    const char *const command[] = {
        python, BENCH_FOLDER "/torch_classes.py", how, sizes[0], sizes[1], sizes[2], optimizer, threads,
        NULL};
    return start_child(command, threads);
}

int main(int count, char **arguments)
{
    if (count == 8 && strcmp(arguments[1], "worker") == 0)
        return work(arguments + 2);
    check_options(count, arguments,
                  "[--classes=100000] [--width=512] [--batch=128] [--candidates=1000] [--optimizer=adam] "
                  "[--threads=1] [--rounds=5] [--python=PROGRAM]");
    const char *const sizes[] = {argument(count, arguments, "width", "512"),
                                 argument(count, arguments, "classes", "100000"),
                                 argument(count, arguments, "batch", "128")};
    const char *candidates = argument(count, arguments, "candidates", "1000");
    const char *threads = argument(count, arguments, "threads", "1");
    const char *python = find_torch(argument(count, arguments, "python", ""));
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    char *optimizers = copy_words(argument(count, arguments, "optimizer", "adam")), what[CHILD_TEXT];
    if (rounds < 1 || rounds > MOST_ROUNDS)
        give_up("rounds must be 1 to 101, got", argument(count, arguments, "rounds", ""));
    snprintf(what, sizeof what, "width=%s classes=%s batch=%s candidates=%s threads=%s", sizes[0], sizes[1],
             sizes[2], candidates, threads);
    for (char *optimizer, *list = optimizers; (optimizer = next_word(&list));) {
        rival rivals[4] = {{.name = "sampled", .steps = 10},
                           {.name = "full", .steps = 1},
                           {.name = "torch_mf", .steps = 1},
                           {.name = "torch_bp", .steps = 1}};
        rivals[0].process = start_ours(arguments[0], sizes, candidates, optimizer, threads);
        rivals[1].process = start_ours(arguments[0], sizes, "0", optimizer, threads);
        if (python) {
            rivals[2].process = start_torch(python, "mf", sizes, optimizer, threads);
            rivals[3].process = start_torch(python, "bp", sizes, optimizer, threads);
        }
        measure(rivals, python ? 4 : 2, rounds, optimizer, what);
    }
    free(optimizers);
    return 0;
}
