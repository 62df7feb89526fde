/* What training on 2 to 1,024 ranks would reach: a model (cluster.h) of Mono-Forward as pipeline, data
 * parallel and hybrid, and of backpropagation as a pipeline of micro-batches, on the same network and the
 * same batch.
 *
 * The network is --layers dense layers of --width neurons. How long a layer takes is measured here, on one
 * core, with Adam, or given as SECONDS of a step, of a row of it, and of what a replica does besides; ranks
 * have a core each. Lines say, for each number of ranks:
 *
 *     efficiency   one rank's time for the batch / (ranks x the time with so many ranks), of the same algorithm
 *     speedup      one rank's time / the time with so many ranks
 *     kept_mb      activations that the fullest rank keeps
 *
 * hybrid and bp_hybrid take the number of stages that is best; backpropagation also the best number of
 * micro-batches, of 32 rows at least. Its way back costs what the products cost, twice those forward, as fast
 * as in a local step.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "plot.h"
#include "support.h"

/* Micro-batches of fewer rows would slow the products down, which the model does not know. */
enum { MOST_RANKS = 1024, LEAST_ROWS = 32, ROUNDS = 7 };

/* ---- a layer's times ---- */

typedef struct subject {
    mf_network *network;
    mf_workspace *workspace;
    mf_layer *layer;
    float *x, *a, *gradients;
    int32_t *y;
    size_t values;
} subject;

static double time_step(const subject *s, size_t rows)
{
    double times[ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        double start = seconds_now();
        must(mf_layer_step(s->layer, s->workspace, rows, s->x, s->y, s->a));
        times[i] = seconds_now() - start;
    }
    return median(times, ROUNDS);
}

static double time_halves(const subject *s, size_t rows)
{
    double times[ROUNDS];
    mf_batch batch;
    must(mf_batch_init(&batch, sizeof batch));
    batch.rows = rows;
    batch.inputs = s->x;
    batch.targets = s->y;
    for (size_t i = 0; i < ROUNDS; i++) {
        double start = seconds_now();
        must(mf_layer_gradients(s->layer, s->workspace, &batch, s->a, s->gradients, s->values));
        must(mf_layer_apply(s->layer, s->gradients, s->values));
        times[i] = seconds_now() - start;
    }
    return median(times, ROUNDS);
}

/* A line through two sizes of batches. */
static void measure_layer(cluster *c, size_t rows)
{
    shape layers = {.layers = 1, .widths = {c->width, c->width}};
    mf_optimizer *optimizer = make_optimizer("adam", NULL);
    subject s = {.network = make_network(&layers, optimizer, NULL)};
    s.workspace = make_workspace(s.network, rows, NULL, NULL);
    must(mf_network_layer(s.network, 0, &s.layer, NULL));
    s.values = c->parameters;
    s.x = make_inputs(rows * c->width);
    s.a = make_inputs(rows * c->width);
    s.gradients = make_inputs(s.values);
    s.y = make_labels(rows);
    time_step(&s, rows);
    double whole = time_step(&s, rows), quarter = time_step(&s, rows / 4);
    c->step_row = (whole - quarter) / (double)(rows - rows / 4);
    c->step = fmax(0, whole - (double)rows * c->step_row);
    c->average = fmax(0, time_halves(&s, rows) - whole);
    free(s.x);
    free(s.a);
    free(s.gradients);
    free(s.y);
    mf_workspace_free(s.workspace);
    mf_network_free(s.network);
    mf_optimizer_free(optimizer);
}

/* ---- what is best ---- */

typedef struct choice {
    double seconds, activations;
    size_t stages, replicas, micro_batches;
} choice;

static bool is_possible(const cluster *c, size_t stages, size_t ranks)
{
    return ranks % stages == 0 && stages <= c->layers && ranks / stages <= c->batch;
}

static choice choose_local(const cluster *c, size_t ranks, size_t least_stages, size_t most_stages)
{
    choice best = {.seconds = INFINITY};
    for (size_t stages = least_stages; stages <= most_stages; stages *= 2) {
        size_t replicas = ranks / stages;
        double seconds = is_possible(c, stages, ranks) ? local_seconds(c, stages, replicas) : INFINITY;
        if (seconds < best.seconds)
            best = (choice){seconds, local_activations(c, replicas), stages, replicas, 1};
    }
    return best;
}

static choice choose_backprop(const cluster *c, size_t ranks, size_t least_stages, size_t most_stages,
                              schedule how)
{
    choice best = {.seconds = INFINITY};
    for (size_t stages = least_stages; stages <= most_stages; stages *= 2) {
        size_t replicas = ranks / stages;
        for (size_t micro = 1;
             is_possible(c, stages, ranks) && (micro == 1 || micro * replicas * LEAST_ROWS <= c->batch);
             micro *= 2) {
            double seconds = backprop_seconds(c, stages, replicas, micro, how);
            if (seconds < best.seconds)
                best = (choice){seconds, backprop_activations(c, stages, replicas, micro, how), stages,
                                replicas, micro};
        }
    }
    return best;
}

/* ---- lines ---- */

static void report(plot *figure, const char *mode, size_t ranks, double alone, choice best)
{
    if (isinf(best.seconds))
        return;
    double speedup = alone / best.seconds;
    printf("result bench=ranks mode=%s ranks=%zu stages=%zu replicas=%zu micro_batches=%zu efficiency=%.3f "
           "speedup=%.1f ms=%.3f kept_mb=%.2f\n",
           mode, ranks, best.stages, best.replicas, best.micro_batches, speedup / (double)ranks, speedup,
           1e3 * best.seconds, 1e-6 * best.activations);
    if (figure)
        plot_add(figure, mode, log2((double)ranks), speedup / (double)ranks);
}

static void report_ranks(const cluster *c, plot *figure, size_t ranks)
{
    double alone = local_seconds(c, 1, 1), backprop_alone = backprop_seconds(c, 1, 1, 1, GPIPE);
    report(figure, "pipeline", ranks, alone, choose_local(c, ranks, ranks, ranks));
    report(figure, "data", ranks, alone, choose_local(c, ranks, 1, 1));
    report(figure, "hybrid", ranks, alone, choose_local(c, ranks, 1, ranks));
    report(figure, "bp_gpipe", ranks, backprop_alone, choose_backprop(c, ranks, ranks, ranks, GPIPE));
    report(figure, "bp_1f1b", ranks, backprop_alone,
           choose_backprop(c, ranks, ranks, ranks, ONE_FORWARD_ONE_BACKWARD));
    report(figure, "bp_hybrid", ranks, backprop_alone,
           choose_backprop(c, ranks, 1, ranks, ONE_FORWARD_ONE_BACKWARD));
}

/* "SECONDS,SECONDS,SECONDS" */
static void read_times(cluster *c, const char *times)
{
    if (sscanf(times, "%lf,%lf,%lf", &c->step, &c->step_row, &c->average) != 3)
        give_up("not three times:", times);
}

static const char OPTIONS[] =
    "[--layers=64] [--width=1000] [--batch=1024] [--batches=1000] [--latency=30e-6] [--bandwidth=1.25e9]"
    " [--ranks=1024] [--times=SECONDS,SECONDS,SECONDS] [--plot=FILE.svg]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    cluster c = {.layers = strtoul(argument(count, arguments, "layers", "64"), NULL, 10),
                 .width = strtoul(argument(count, arguments, "width", "1000"), NULL, 10),
                 .batch = strtoul(argument(count, arguments, "batch", "1024"), NULL, 10),
                 .batches = strtoul(argument(count, arguments, "batches", "1000"), NULL, 10),
                 .latency = strtod(argument(count, arguments, "latency", "30e-6"), NULL),
                 .bandwidth = strtod(argument(count, arguments, "bandwidth", "1.25e9"), NULL)};
    size_t ranks = strtoul(argument(count, arguments, "ranks", "1024"), NULL, 10);
    const char *times = argument(count, arguments, "times", NULL);
    const char *path = argument(count, arguments, "plot", NULL);
    if (c.layers < 1 || c.width < 1 || c.batch < 8 || c.batches < 1 || !(c.bandwidth > 0) ||
        ranks > MOST_RANKS)
        give_up("a number is out of range:", OPTIONS);
    c.parameters = c.width * (c.width + 1 + CLASSES);
    if (times)
        read_times(&c, times);
    else
        measure_layer(&c, 256);
    printf("# a layer: %.3f ms a step, %.3f us a row of it, %.3f ms more with replicas\n", 1e3 * c.step,
           1e6 * c.step_row, 1e3 * c.average);
    plot *figure =
        path ? plot_create("Efficiency by ranks, a model", "log2 of the ranks", "efficiency") : NULL;
    for (size_t n = 2; n <= ranks; n *= 2)
        report_ranks(&c, figure, n);
    int good = !figure || plot_write(figure, path);
    plot_free(figure);
    return good ? 0 : 1;
}
