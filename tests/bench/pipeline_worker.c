/* One competitor of bench_pipeline: a process that trains when told to and says how long it took.
 *
 *     pipeline_worker ARCH BATCH OPTIMIZER WORKERS PRECISION
 *
 * WORKERS 0 steps in sequence, others use a pipeline. Reads lines: "run N": N batches, answers with the
 * seconds; "hash": answers with a hash of all parameters; "layers N": N batches layer by layer, answers with
 * the seconds that each layer's step takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { BATCHES = 16 };

typedef struct competitor {
    shape layers;
    size_t batch, next;
    float *x;
    int32_t *y;
    mf_network *network;
    mf_workspace *workspace;
    mf_pipeline *pipeline;
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
        if (c->pipeline)
            must(mf_pipeline_submit(c->pipeline, c->batch, x, y));
        else
            must(mf_network_step(c->network, c->workspace, c->batch, x, y));
    }
    if (c->pipeline)
        must(mf_pipeline_flush(c->pipeline));
    return seconds_now() - start;
}

static mf_layer *layer_at(const competitor *c, size_t position)
{
    mf_layer *layer;
    must(mf_network_layer(c->network, position, &layer, NULL));
    return layer;
}

/* Prints the median seconds of each layer's step. */
static void time_layers(competitor *c, size_t steps)
{
    double *times = calloc(c->layers.layers * steps, sizeof *times);
    size_t widest = 0;
    for (size_t i = 0; i <= c->layers.layers; i++)
        widest = c->layers.widths[i] > widest ? c->layers.widths[i] : widest;
    float *a[2] = {calloc(c->batch * widest, sizeof(float)), calloc(c->batch * widest, sizeof(float))};
    for (size_t step = 0; step < steps; step++) {
        const int32_t *y;
        const float *x = next_batch(c, &y);
        for (size_t i = 0; i < c->layers.layers; i++) {
            double start = seconds_now();
            must(mf_layer_step(layer_at(c, i), c->workspace, c->batch, x, y, a[i % 2]));
            times[i * steps + step] = seconds_now() - start;
            x = a[i % 2];
        }
    }
    for (size_t i = 0; i < c->layers.layers; i++)
        printf("%.9f ", median(times + i * steps, steps));
    printf("\n");
    free(a[0]);
    free(a[1]);
    free(times);
}

/* FNV-1a of all parameters. */
static uint64_t hash(const competitor *c)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < c->layers.layers; i++) {
        size_t count = 0;
        must(mf_layer_parameter_count(layer_at(c, i), &count));
        for (size_t p = 0; p < count; p++) {
            mf_parameter_info info = {.struct_size = sizeof info};
            must(mf_layer_parameter_info(layer_at(c, i), p, &info));
            float *values = malloc(info.count * sizeof *values);
            must(mf_layer_get_parameter(layer_at(c, i), info.name, values, info.count));
            for (size_t b = 0; b < info.count * sizeof *values; b++)
                sum = (sum ^ ((unsigned char *)values)[b]) * UINT64_C(0x100000001b3);
            free(values);
        }
    }
    return sum;
}

static void serve(competitor *c)
{
    char line[64];
    size_t steps;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %zu", &steps) == 1)
            printf("%.9f\n", run(c, steps));
        else if (sscanf(line, "layers %zu", &steps) == 1)
            time_layers(c, steps);
        else
            printf("%016llx\n", (unsigned long long)hash(c));
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    if (count != 6) {
        fprintf(stderr, "usage: pipeline_worker ARCH BATCH OPTIMIZER WORKERS PRECISION\n");
        return 1;
    }
    competitor c = {.layers = parse_shape(arguments[1]), .batch = strtoul(arguments[2], NULL, 10)};
    c.layers.precision = precision_of_name(arguments[5]);
    uint32_t workers = (uint32_t)strtoul(arguments[4], NULL, 10);
    mf_optimizer *optimizer = make_optimizer(arguments[3], NULL);
    c.x = make_inputs(BATCHES * c.batch * c.layers.widths[0]);
    c.y = make_labels(BATCHES * c.batch);
    c.network = make_network(&c.layers, optimizer, NULL);
    if (workers > 0) {
        mf_pipeline_spec spec;
        must(mf_pipeline_spec_init(&spec, sizeof spec));
        spec.workers = workers;
        spec.network = c.network;
        spec.max_batch = c.batch;
        must(mf_pipeline_create(&spec, &c.pipeline));
    } else {
        c.workspace = make_workspace(c.network, c.batch, NULL);
    }
    serve(&c);
    mf_pipeline_free(c.pipeline);
    mf_workspace_free(c.workspace);
    mf_network_free(c.network);
    mf_optimizer_free(optimizer);
    free(c.x);
    free(c.y);
    return 0;
}
