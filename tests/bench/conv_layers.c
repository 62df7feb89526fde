#include "conv_layers.h"

#include <stdio.h>
#include <stdlib.h>

#include "peak.h"
#include "support.h"

/* PEAK: what the step would take if all of it ran at the peak of the cores. */
enum { STEP, PASS, SGEMM, PEAK, TIMES, MOST_ROUNDS = 101 };

typedef struct trial {
    mf_layer *layer;
    mf_workspace *workspace;
    const conv_product *product;
    size_t batch;
    double flops_a_core; /* of the step */
    float *x, *a;
    int32_t *y;
} trial;

static trial make_trial(const shape *layers, size_t position, const conv_product *product, size_t batch,
                        mf_optimizer *optimizer, mf_pool *pool)
{
    trial t = {.product = product, .batch = batch};
    mf_layer_spec spec = spec_of_layer(layers, position);
    mf_workspace_spec room;
    must(mf_layer_create(&spec, &t.layer));
    must(mf_layer_set_optimizer(t.layer, optimizer));
    must(mf_workspace_spec_init(&room, sizeof room));
    room.layer = t.layer;
    room.max_batch = batch;
    room.pool = pool;
    must(mf_workspace_create(&room, &t.workspace));
    t.x = make_inputs(batch * layers->widths[position]);
    t.a = make_inputs(batch * layers->widths[position + 1]);
    t.y = make_labels(batch);
    return t;
}

static void free_trial(trial *t)
{
    mf_workspace_free(t->workspace);
    mf_layer_free(t->layer);
    free(t->x);
    free(t->a);
    free(t->y);
}

static double time_once(const trial *t, int what)
{
    double start = seconds_now();
    if (what == PEAK)
        return t->flops_a_core / peak_float32();
    if (what == STEP)
        must(mf_layer_step(t->layer, t->workspace, t->batch, t->x, t->y, t->a));
    else if (what == PASS)
        must(mf_layer_forward(t->layer, t->workspace, t->batch, t->x, t->a));
    else
        run_conv_product(t->product);
    return seconds_now() - start;
}

static void time_layer(const trial *t, size_t rounds, double medians[TIMES])
{
    double times[TIMES][MOST_ROUNDS];
    for (int what = 0; what < TIMES; what++)
        time_once(t, what);
    for (size_t round = 0; round < rounds; round++)
        for (int what = 0; what < TIMES; what++)
            times[what][round] = time_once(t, what);
    for (int what = 0; what < TIMES; what++)
        medians[what] = median(times[what], rounds);
}

static void print_row(const char *name, const double times[TIMES], double flops, double product_flops)
{
    double rate = 1e-9 * flops / times[STEP], sgemm = 1e-9 * product_flops / times[SGEMM];
    printf("%-20s %8.3f %9.2f %9.2f %8.1f %9.2f %8.1f %8.3f %8.3f\n", name, 1e-9 * flops, 1e3 * times[STEP],
           1e3 * times[PASS], rate, 1e3 * times[SGEMM], sgemm, rate / sgemm, times[PEAK] / times[STEP]);
}

void print_layers(const shape *layers, const conv_products *products, size_t batch,
                  const char *optimizer_name, int threads, size_t rounds)
{
    mf_optimizer *optimizer = make_optimizer(optimizer_name, NULL);
    mf_pool *pool = make_pool((unsigned)threads);
    double sums[TIMES] = {0.0}, flops = 0.0, product_flops = 0.0;
    printf("%-20s %8s %9s %9s %8s %9s %8s %8s %8s\n", "layer", "GFLOP", "step ms", "forward", "GFLOP/s",
           "sgemm ms", "GFLOP/s", "of_sgemm", "of_peak");
    for (size_t i = 0; i < layers->layers; i++) {
        const maps *at = &layers->maps[i];
        double times[TIMES], own = flops_of_conv_step(layers, i, batch);
        char name[64];
        trial t = make_trial(layers, i, &products->layer[i], batch, optimizer, pool);
        t.flops_a_core = own / threads;
        time_layer(&t, rounds, times);
        free_trial(&t);
        snprintf(name, sizeof name, "%zux%zux%zu to %zu", at->channels, at->height, at->width, at->filters);
        print_row(name, times, own, flops_of_product(&products->layer[i]));
        for (int what = 0; what < TIMES; what++)
            sums[what] += times[what];
        flops += own;
        product_flops += flops_of_product(&products->layer[i]);
    }
    print_row("all", sums, flops, product_flops);
    fflush(stdout);
    mf_pool_free(pool);
    mf_optimizer_free(optimizer);
}
