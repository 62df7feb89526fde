/* Our side of a comparison between processes: trains when told to and says how long it took.
 *
 *     bench_worker ARCH BATCH OPTIMIZER THREADS [HOW [PRECISION]]
 *
 * ARCH is read as in shape.h. THREADS, of a pool if there are more than one, share the work. HOW is steps,
 * one layer after the other, or pipeline, layers at the same time. PRECISION is float32 or bf16.
 *
 * Reads lines: "run N": N steps, answers with the seconds; "rss": answers with the peak resident bytes of the
 * process since the data was there, less the data, and with those beyond what it had then; "hash": with a
 * hash of all parameters; "layers N": with the seconds that a step of each layer takes, medians of N;
 * "products": with what computes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parameters.h"
#include "support.h"
#include "training.h"

enum { BATCHES = 16 };

typedef struct competitor {
    shape layers;
    size_t batch, next;
    float *x;
    int32_t *y;
    mf_network *network;
    mf_pool *pool; /* or NULL */
    struct training training;
} competitor;

static const float *next_batch(competitor *c, const int32_t **y)
{
    size_t t = c->next++ % BATCHES;
    *y = c->y + t * c->batch;
    return c->x + t * c->batch * c->layers.widths[0];
}

static double run(competitor *c, size_t steps)
{
    const int32_t *y;
    double start = seconds_now();
    for (size_t i = 0; i < steps; i++) {
        const float *x = next_batch(c, &y);
        must(training_step(&c->training, c->batch, x, y));
    }
    must(training_finish(&c->training, NULL));
    return seconds_now() - start;
}

static mf_layer *layer_at(const competitor *c, size_t position)
{
    mf_layer *layer;
    must(mf_network_layer(c->network, position, &layer, NULL));
    return layer;
}

static void print_layer_times(competitor *c, size_t steps)
{
    size_t widest = 0, layers = c->layers.layers;
    for (size_t i = 0; i <= layers; i++)
        widest = c->layers.widths[i] > widest ? c->layers.widths[i] : widest;
    float *a[2] = {make_inputs(c->batch * widest), make_inputs(c->batch * widest)};
    double *times = calloc(layers * steps, sizeof *times);
    if (!times)
        give_up("no memory for", "the times of layers");
    for (size_t step = 0; step < steps; step++) {
        const int32_t *y;
        const float *x = next_batch(c, &y);
        for (size_t i = 0; i < layers; i++) {
            double start = seconds_now();
            must(mf_layer_step(layer_at(c, i), c->training.workspace, c->batch, x, y, a[i % 2]));
            times[i * steps + step] = seconds_now() - start;
            x = a[i % 2];
        }
    }
    for (size_t i = 0; i < layers; i++)
        printf("%.9f ", median(times + i * steps, steps));
    printf("\n");
    free(a[0]);
    free(a[1]);
    free(times);
}

static void print_hash(const competitor *c)
{
    mf_layer *layers[MOST_LAYERS];
    uint64_t hash = 0;
    for (size_t i = 0; i < c->layers.layers; i++)
        layers[i] = layer_at(c, i);
    if (!parameters_hash(layers, c->layers.layers, &hash))
        exit(1);
    printf("%016llx\n", (unsigned long long)hash);
}

/* `before` is the peak before there was anything of the library's. */
static void serve(competitor *c, size_t before)
{
    size_t data = BATCHES * c->batch * (c->layers.widths[0] * sizeof *c->x + sizeof *c->y), steps;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %zu", &steps) == 1)
            printf("%.9f\n", run(c, steps));
        else if (sscanf(line, "layers %zu", &steps) == 1)
            print_layer_times(c, steps);
        else if (strncmp(line, "hash", 4) == 0)
            print_hash(c);
        else if (strncmp(line, "rss", 3) == 0)
            printf("%zu %zu\n", peak_resident() - data, peak_resident() - before);
        else
            printf("%s\n", mf_products_name());
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    if (count < 5 || count > 7) {
        fprintf(stderr, "usage: bench_worker ARCH BATCH OPTIMIZER THREADS [steps|pipeline [PRECISION]]\n");
        return 1;
    }
    competitor c = {.layers = parse_shape(arguments[1]), .batch = strtoul(arguments[2], NULL, 10)};
    unsigned threads = (unsigned)strtoul(arguments[4], NULL, 10);
    size_t workers = count > 5 && strcmp(arguments[5], "pipeline") == 0 ? threads : 0;
    c.layers.precision = precision_of_name(count > 6 ? arguments[6] : "float32");
    c.x = make_inputs(BATCHES * c.batch * c.layers.widths[0]);
    c.y = make_labels(BATCHES * c.batch);
    reset_peak_resident();
    size_t before = peak_resident();
    mf_optimizer *optimizer = make_optimizer(arguments[3], NULL);
    c.network = make_network(&c.layers, optimizer, NULL);
    c.pool = make_pool(threads);
    if (!training_open(&c.training, c.network, workers, c.pool, c.batch, NULL))
        return 1;
    serve(&c, before);
    training_close(&c.training);
    mf_pool_free(c.pool);
    mf_network_free(c.network);
    mf_optimizer_free(optimizer);
    free(c.x);
    free(c.y);
    return 0;
}
