/* Our side of a comparison between processes: trains when told to and says how long it took.
 *
 *     bench_worker ARCH BATCH OPTIMIZER THREADS [WORKERS [PRECISION]]
 *
 * ARCH is read as in shape.h. With WORKERS, the layers train in a pipeline of that many, with one thread of
 * the BLAS library each; 0 is none. PRECISION is float32 or bf16.
 *
 * Reads "run N" lines: N steps, answers with the seconds; "rss": answers with the peak resident bytes of
 * the process since the data was there, less the data, and with those beyond what it had then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { BATCHES = 16 };

typedef struct trainer {
    mf_network *network;
    mf_workspace *workspace;
    mf_pipeline *pipeline; /* or NULL */
} trainer;

static mf_pipeline *make_pipeline(mf_network *network, size_t batch, unsigned workers)
{
    mf_pipeline_spec spec;
    mf_pipeline *pipeline;
    must(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = batch;
    spec.workers = workers;
    must(mf_pipeline_create(&spec, &pipeline));
    return pipeline;
}

static double train(const trainer *t, size_t steps, size_t batch, size_t inputs, const float *x,
                    const int32_t *y)
{
    static size_t next;
    double start = seconds_now();
    for (size_t i = 0; i < steps; i++, next = (next + 1) % BATCHES) {
        const float *rows = x + next * batch * inputs;
        const int32_t *labels = y + next * batch;
        if (t->pipeline)
            must(mf_pipeline_submit(t->pipeline, batch, rows, labels));
        else
            must(mf_network_step(t->network, t->workspace, batch, rows, labels));
    }
    if (t->pipeline)
        must(mf_pipeline_flush(t->pipeline));
    return seconds_now() - start;
}

static void answer(const trainer *t, size_t batch, size_t inputs, const float *x, const int32_t *y,
                   size_t before)
{
    size_t data = BATCHES * batch * (inputs * sizeof *x + sizeof *y), steps;
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %zu", &steps) == 1)
            printf("%.9f\n", train(t, steps, batch, inputs, x, y));
        else if (strcmp(line, "rss\n") == 0)
            printf("%zu %zu\n", peak_resident() - data, peak_resident() - before);
        else if (strcmp(line, "blas\n") == 0)
            printf("%s\n", mf_blas_name());
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    if (count < 5 || count > 7) {
        fprintf(stderr, "usage: bench_worker ARCH BATCH OPTIMIZER THREADS [WORKERS [PRECISION]]\n");
        return 1;
    }
    shape layers = parse_shape(arguments[1]);
    layers.precision = precision_of_name(count == 7 ? arguments[6] : "float32");
    size_t batch = strtoul(arguments[2], NULL, 10), inputs = layers.widths[0];
    int workers = count >= 6 ? atoi(arguments[5]) : 0;
    float *x = make_inputs(BATCHES * batch * inputs);
    int32_t *y = make_labels(BATCHES * batch);
    reset_peak_resident();
    size_t before = peak_resident();
    mf_optimizer *optimizer = make_optimizer(arguments[3], NULL);
    trainer t = {.network = make_network(&layers, optimizer, NULL)};
    if (workers > 0)
        t.pipeline = make_pipeline(t.network, batch, (unsigned)workers);
    else
        t.workspace = make_workspace(t.network, batch, NULL);
    if (mf_blas_set_threads(workers > 0 ? 1 : atoi(arguments[4])) != MF_STATUS_OK)
        fprintf(stderr, "%s\n", mf_last_message());
    answer(&t, batch, inputs, x, y, before);
    mf_pipeline_free(t.pipeline);
    mf_workspace_free(t.workspace);
    mf_network_free(t.network);
    mf_optimizer_free(optimizer);
    free(x);
    free(y);
    return 0;
}
