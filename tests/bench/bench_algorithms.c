/* Time per step and memory: Mono-Forward against backpropagation, on equal terms.
 *
 * Backpropagation is the same network in one layer. Both run in turns in every round; bp_vs_mf is the median
 * of the rounds' ratios. The bytes are those of mf_network_memory_built(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { MOST_ROUNDS = 101, ALGORITHMS = 2 };

typedef struct contest {
    mf_network *networks[ALGORITHMS];
    mf_workspace *workspaces[ALGORITHMS];
    size_t batch;
    float *x;
    int32_t *y;
} contest;

static void step(const contest *c, int algorithm)
{
    must(mf_network_step(c->networks[algorithm], c->workspaces[algorithm], c->batch, c->x, c->y));
}

static double time_of(const contest *c, int algorithm, size_t repeat)
{
    double start = seconds_now();
    for (size_t i = 0; i < repeat; i++)
        step(c, algorithm);
    return (seconds_now() - start) / (double)repeat;
}

static size_t repetitions(const shape *layers, size_t batch)
{
    double flops = 0.0;
    for (size_t i = 0; i < layers->layers; i++)
        flops += 4.0 * (double)batch * (double)layers->widths[i] * (double)layers->widths[i + 1];
    size_t count = (size_t)(1e10 / flops);
    return count < 2 ? 2 : count > 500 ? 500 : count;
}

static void measure(const char *arch, size_t batch, const char *optimizer_name, int threads, size_t rounds)
{
    shape layers = parse_dense_shape(arch);
    mf_optimizer *optimizer = make_optimizer(optimizer_name, NULL);
    contest c = {.batch = batch};
    mf_optimizer_spec optimizer_spec = spec_of_optimizer(optimizer_name);
    mf_memory mf = memory_of_network(&layers, &optimizer_spec, batch);
    mf_memory bp = memory_of_backprop(&layers, &optimizer_spec, batch);
    double times[ALGORITHMS][MOST_ROUNDS], ratios[MOST_ROUNDS];
    size_t repeat = repetitions(&layers, batch);
    c.networks[0] = make_network(&layers, optimizer, NULL);
    c.networks[1] = make_backprop(&layers, optimizer, NULL);
    for (int algorithm = 0; algorithm < ALGORITHMS; algorithm++)
        c.workspaces[algorithm] = make_workspace(c.networks[algorithm], batch, NULL, NULL);
    c.x = make_inputs(batch * layers.widths[0]);
    c.y = make_labels(batch);
    if (mf_blas_set_threads(threads) != MF_STATUS_OK && threads > 1)
        printf("# %s\n", mf_last_message());
    for (int algorithm = 0; algorithm < ALGORITHMS; algorithm++)
        step(&c, algorithm);
    for (size_t round = 0; round < rounds; round++) {
        for (int algorithm = 0; algorithm < ALGORITHMS; algorithm++)
            times[algorithm][round] = time_of(&c, algorithm, repeat);
        ratios[round] = times[1][round] / times[0][round];
    }
    printf("result bench=algorithms blas=%s arch=%s batch=%zu optimizer=%s threads=%d mf_ms=%.3f bp_ms=%.3f "
           "bp_vs_mf=%.2f mf_bytes=%zu bp_bytes=%zu bp_bytes_vs_mf=%.2f\n",
           mf_blas_name(), arch, batch, optimizer_name, threads, 1e3 * median(times[0], rounds),
           1e3 * median(times[1], rounds), median(ratios, rounds), mf.total, bp.total,
           (double)bp.total / (double)mf.total);
    fflush(stdout);
    free(c.x);
    free(c.y);
    for (int algorithm = 0; algorithm < ALGORITHMS; algorithm++) {
        mf_workspace_free(c.workspaces[algorithm]);
        mf_network_free(c.networks[algorithm]);
    }
    mf_optimizer_free(optimizer);
}

static const char OPTIONS[] =
    "[--arch=784-1000-1000,...] [--batch=128] [--optimizer=sgd,adam] [--threads=1] [--rounds=5]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    char *archs =
        copy_words(argument(count, arguments, "arch",
                            "784-1000-1000,3072-2000-2000-2000,784-1000-1000-1000-1000-1000-1000-1000-1000"));
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    size_t batch = strtoul(argument(count, arguments, "batch", "128"), NULL, 10);
    int threads = atoi(argument(count, arguments, "threads", "1"));
    if (rounds < 1 || rounds > MOST_ROUNDS || batch < 1)
        return 1;
    printf("# monoforward %s, BLAS: %s\n", mf_version(), mf_blas_name());
    for (char *arch, *arch_list = archs; (arch = next_word(&arch_list));) {
        char *optimizers = copy_words(argument(count, arguments, "optimizer", "sgd,adam"));
        for (char *optimizer, *list = optimizers; (optimizer = next_word(&list));)
            measure(arch, batch, optimizer, threads, rounds);
        free(optimizers);
    }
    free(archs);
    return 0;
}
