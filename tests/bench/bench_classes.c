/* A step with many classes: all scored, or sampled, or sampled by heads that read one matrix; against PyTorch
 * with all of them, in turns.
 *
 *     bench_classes [--classes=100000] [--width=512] [--batch=128] [--candidates=1000] [--shared=512] [--rank=8]
 *                   [--optimizer=adam] [--threads=1] [--rounds=5] [--python=PROGRAM]
 *
 * Two layers of `width` neurons on as many inputs, each with a head. PyTorch trains the same two with their
 * heads (torch_mf), and backpropagation through both with one classifier on top (torch_bp). Every competitor
 * is a process of its own. Printed are medians over the rounds, and the peak resident bytes beyond those of a
 * process that has made no network yet; of ours also what mf_memory_query() tells. `shared` are the columns
 * of the matrix, to which each head adds `rank` of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "support.h"

enum { LAYERS = 2, MOST_ROUNDS = 101, BATCHES = 16 };

/* ---- a process of ours: WIDTH CLASSES BATCH CANDIDATES OPTIMIZER THREADS SHARED RANK ---- */

typedef struct setting {
    size_t width, classes, batch, candidates, shared, rank;
} setting;

/* NULL if heads share none. */
static mf_matrix *make_matrix(const setting *s)
{
    mf_matrix_spec spec;
    mf_matrix *matrix;
    if (s->shared == 0)
        return NULL;
    float *values = make_inputs(s->classes * s->shared);
    must(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = s->classes;
    spec.columns = s->shared;
    spec.values = values;
    must(mf_matrix_create(&spec, &matrix));
    free(values);
    return matrix;
}

static mf_builder *make_builder(const setting *s, const mf_matrix *matrix)
{
    mf_builder *builder;
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
    if (matrix) {
        unit.kind = MF_UNIT_DENSE;
        unit.outputs = s->shared + s->rank;
        unit.bias = 0;
        must(mf_builder_unit(builder, &unit, NULL));
        head.output_node = 2;
        head.shared = matrix;
    }
    must(mf_builder_head(builder, &head));
    return builder;
}

/* Both layers, and the bytes that the library tells before. */
static mf_network *make_heads(const setting *s, const char *optimizer, const mf_matrix *matrix, size_t *told)
{
    mf_builder *builders[LAYERS];
    mf_optimizer_spec how = spec_of_optimizer(optimizer);
    mf_memory_spec query;
    mf_memory memory;
    mf_network *network;
    must(mf_memory_init(&memory, sizeof memory));
    must(mf_memory_spec_init(&query, sizeof query));
    for (int i = 0; i < LAYERS; i++)
        builders[i] = make_builder(s, matrix);
    query.builders = builders;
    query.count = LAYERS;
    query.optimizer = &how;
    query.max_batch = s->batch;
    must(mf_memory_query(&query, &memory));
    *told = memory.total;
    must(mf_network_create(NULL, &network));
    for (int i = 0; i < LAYERS; i++) {
        mf_layer *layer;
        must(mf_layer_build(builders[i], &layer));
        must(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
        mf_builder_free(builders[i]);
    }
    return network;
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
                       strtoul(words[3], NULL, 10), strtoul(words[6], NULL, 10), strtoul(words[7], NULL, 10)};
    float *x = make_inputs(BATCHES * s.batch * s.width);
    int32_t *y = make_frequent_labels(BATCHES * s.batch, s.classes);
    mf_optimizer *optimizer = make_optimizer(words[4], NULL);
    mf_pool *pool = make_pool((unsigned)strtoul(words[5], NULL, 10));
    size_t next = 0, told = 0, before = peak_resident();
    char line[CHILD_TEXT];
    mf_matrix *matrix = make_matrix(&s);
    mf_network *network = make_heads(&s, words[4], matrix, &told);
    mf_matrix_free(matrix);
    must(mf_network_set_optimizer(network, optimizer));
    mf_workspace *workspace = make_workspace(network, s.batch, pool, NULL);
    while (fgets(line, sizeof line, stdin)) {
        double start = seconds_now();
        if (strncmp(line, "rss", 3) == 0) {
            printf("%zu %zu\n", peak_resident() - before, told);
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
        char answer[CHILD_TEXT], *end;
        double middle = median(rivals[i].seconds, rounds);
        reference = i == 0 ? middle : reference;
        tell(&rivals[i].process, "rss", 0);
        hear(&rivals[i].process, answer);
        double resident = strtod(answer, &end), told = strtod(end, NULL); /* PyTorch tells nothing */
        printf("result bench=classes %s optimizer=%s competitor=%s ms=%.2f mb=%.0f told_mb=%.0f "
               "of_sampled=%.1f\n",
               what, optimizer, rivals[i].name, middle * 1e3, resident / 1e6, told / 1e6, middle / reference);
        fflush(stdout);
        end_child(&rivals[i].process);
    }
}

static child start_ours(const char *self, const char *const *sizes, const char *candidates,
                        const char *optimizer, const char *threads, const char *shared, const char *rank)
{
    const char *const command[] = {self,      "worker", sizes[0], sizes[1], sizes[2], candidates,
                                   optimizer, threads,  shared,   rank,     NULL};
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
    if (count == 10 && strcmp(arguments[1], "worker") == 0)
        return work(arguments + 2);
    check_options(
        count, arguments,
        "[--classes=100000] [--width=512] [--batch=128] [--candidates=1000] [--shared=512] [--rank=8] "
        "[--optimizer=adam] [--threads=1] [--rounds=5] [--python=PROGRAM]");
    const char *const sizes[] = {argument(count, arguments, "width", "512"),
                                 argument(count, arguments, "classes", "100000"),
                                 argument(count, arguments, "batch", "128")};
    const char *candidates = argument(count, arguments, "candidates", "1000");
    const char *shared = argument(count, arguments, "shared", "512");
    const char *rank = argument(count, arguments, "rank", "8");
    const char *threads = argument(count, arguments, "threads", "1");
    const char *python = find_torch(argument(count, arguments, "python", ""));
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    char *optimizers = copy_words(argument(count, arguments, "optimizer", "adam")), what[CHILD_TEXT];
    if (rounds < 1 || rounds > MOST_ROUNDS)
        give_up("rounds must be 1 to 101, got", argument(count, arguments, "rounds", ""));
    snprintf(what, sizeof what, "width=%s classes=%s batch=%s candidates=%s shared=%s rank=%s threads=%s",
             sizes[0], sizes[1], sizes[2], candidates, shared, rank, threads);
    for (char *optimizer, *list = optimizers; (optimizer = next_word(&list));) {
        rival rivals[5] = {{.name = "sampled", .steps = 10},
                           {.name = "full", .steps = 1},
                           {.name = "shared", .steps = 10},
                           {.name = "torch_mf", .steps = 1},
                           {.name = "torch_bp", .steps = 1}};
        rivals[0].process = start_ours(arguments[0], sizes, candidates, optimizer, threads, "0", "0");
        rivals[1].process = start_ours(arguments[0], sizes, "0", optimizer, threads, "0", "0");
        rivals[2].process = start_ours(arguments[0], sizes, candidates, optimizer, threads, shared, rank);
        if (python) {
            rivals[3].process = start_torch(python, "mf", sizes, optimizer, threads);
            rivals[4].process = start_torch(python, "bp", sizes, optimizer, threads);
        }
        measure(rivals, python ? 5 : 3, rounds, optimizer, what);
    }
    free(optimizers);
    return 0;
}
