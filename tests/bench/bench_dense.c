/* The whole training step against the rate that the linked BLAS library reaches on the same products.
 *
 *     bench_dense [--arch=784-1000-1000,...] [--batch=1,32,128,512] [--optimizer=sgd,momentum,adam]
 *                 [--threads=1,2] [--rounds=5]
 *
 * The products of a step are x W^T and dz^T x of every layer. A round times them and the step one after
 * the other; of_sgemm is the median over the rounds of
 *
 *     (FLOPs of the step / its time) / (FLOPs of the products / their time)
 *
 * where a step has 4 B n k + 6 B n m FLOPs a layer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/gemm.h"
#include "support.h"

enum { MOST_ROUNDS = 101 };

/* One set of operands for each layer, so that products meet caches as warm as a step's. */
typedef struct products {
    float *x[MOST_LAYERS], *w[MOST_LAYERS], *a[MOST_LAYERS];
} products;

static products make_products(const shape *layers, size_t batch)
{
    products p;
    for (size_t i = 0; i < layers->layers; i++) {
        p.x[i] = make_inputs(batch * layers->widths[i]);
        p.w[i] = make_inputs(layers->widths[i] * layers->widths[i + 1]);
        p.a[i] = make_inputs(batch * layers->widths[i + 1]);
    }
    return p;
}

static void free_products(const shape *layers, products *p)
{
    for (size_t i = 0; i < layers->layers; i++) {
        free(p->x[i]);
        free(p->w[i]);
        free(p->a[i]);
    }
}

static void run_products(const shape *layers, const products *p, size_t batch)
{
    for (size_t i = 0; i < layers->layers; i++) {
        size_t k = layers->widths[i], n = layers->widths[i + 1];
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, batch, n, k, 1.0f, p->x[i], k, p->w[i], k, 0.0f, p->a[i], n);
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, n, k, batch, 1e-9f, p->a[i], n, p->x[i], k, 0.0f, p->w[i], k);
    }
}

static double flops_of_products(const shape *layers, size_t batch)
{
    double flops = 0.0;
    for (size_t i = 0; i < layers->layers; i++)
        flops += 4.0 * (double)batch * (double)layers->widths[i] * (double)layers->widths[i + 1];
    return flops;
}

static double flops_of_step(const shape *layers, size_t batch)
{
    double flops = flops_of_products(layers, batch);
    for (size_t i = 0; i < layers->layers; i++)
        flops += 6.0 * (double)batch * (double)layers->widths[i + 1] * CLASSES;
    return flops;
}

/* Repetitions that take about a tenth of a second. */
static size_t repetitions(double flops)
{
    size_t count = (size_t)(1e10 / flops);
    return count < 3 ? 3 : count > 5000 ? 5000 : count;
}

static void measure(const char *arch, size_t batch, const char *optimizer_name, int threads, size_t rounds)
{
    shape layers = parse_dense_shape(arch);
    mf_optimizer *optimizer = make_optimizer(optimizer_name, NULL);
    mf_network *network = make_network(&layers, optimizer, NULL);
    mf_workspace *workspace = make_workspace(network, batch, NULL);
    products p = make_products(&layers, batch);
    float *x = make_inputs(batch * layers.widths[0]);
    int32_t *y = make_labels(batch);
    double product_rates[MOST_ROUNDS], ratios[MOST_ROUNDS], samples[MOST_ROUNDS];
    size_t repeat = repetitions(flops_of_step(&layers, batch));

    if (mf_blas_set_threads(threads) != MF_STATUS_OK && threads > 1) {
        printf("skipped: %s\n", mf_last_message());
        return;
    }
    run_products(&layers, &p, batch);
    must(mf_network_step(network, workspace, batch, x, y));
    for (size_t round = 0; round < rounds; round++) {
        double start = seconds_now();
        for (size_t i = 0; i < repeat; i++)
            run_products(&layers, &p, batch);
        double middle = seconds_now();
        for (size_t i = 0; i < repeat; i++)
            must(mf_network_step(network, workspace, batch, x, y));
        double end = seconds_now();
        product_rates[round] = (double)repeat * flops_of_products(&layers, batch) / (middle - start);
        samples[round] = (double)repeat * (double)batch / (end - middle);
        ratios[round] = samples[round] / (double)batch * flops_of_step(&layers, batch) / product_rates[round];
    }
    printf("result bench=dense blas=%s arch=%s batch=%zu optimizer=%s threads=%d sgemm_gflops=%.1f "
           "of_sgemm=%.3f "
           "sps=%.0f\n",
           mf_blas_name(), arch, batch, optimizer_name, threads, 1e-9 * median(product_rates, rounds),
           median(ratios, rounds), median(samples, rounds));
    fflush(stdout);
    free(x);
    free(y);
    free_products(&layers, &p);
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

int main(int count, char **arguments)
{
    char *archs = copy_words(argument(count, arguments, "arch", "784-1000-1000,3072-2000-2000-2000"));
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return 1;
    printf("# monoforward %s, BLAS: %s\n", mf_version(), mf_blas_name());
    for (char *arch, *arch_list = archs; (arch = next_word(&arch_list));) {
        char *batches = copy_words(argument(count, arguments, "batch", "1,32,128,512"));
        for (char *batch, *batch_list = batches; (batch = next_word(&batch_list));) {
            char *optimizers = copy_words(argument(count, arguments, "optimizer", "sgd,momentum,adam"));
            for (char *optimizer, *optimizer_list = optimizers; (optimizer = next_word(&optimizer_list));) {
                char *threads = copy_words(argument(count, arguments, "threads", "1,2"));
                for (char *thread, *thread_list = threads; (thread = next_word(&thread_list));)
                    measure(arch, strtoul(batch, NULL, 10), optimizer, atoi(thread), rounds);
                free(threads);
            }
            free(optimizers);
        }
        free(batches);
    }
    free(archs);
    return 0;
}
