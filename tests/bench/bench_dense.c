/* The whole training step against the rate that the linked BLAS library reaches on the same products.
 *
 * The products of a step are x W^T and dz^T x of every layer. A round times them, with THREADS threads of the
 * BLAS library, the step, with a pool of THREADS, and multiply-adds that do nothing (peak.h), one after the
 * other. Printed are medians over the rounds:
 *
 *     of_sgemm   (FLOPs of the step / its time) / (FLOPs of the products / their time)
 *     of_peak    (FLOPs of the step / its time) / (the peak of one core times the threads)
 *
 * where a step has 4 B n k + 6 B n m FLOPs a layer. peak_gflops is of one core in float32, bf16_peak_gflops
 * in bf16 with float32 sums, and 0 on a processor that has no instruction for it. of_peak in bf16 is of the
 * peak in bf16, where there is one; peak= tells which it is. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "math/gemm.h"
#include "peak.h"
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

/* Repetitions that take about a tenth of a second. */
static size_t repetitions(double flops)
{
    size_t count = (size_t)(1e10 / flops);
    return count < 3 ? 3 : count > 5000 ? 5000 : count;
}

/* What is timed in each round, and what it gives. */
enum { PRODUCT_RATE, PEAK, BF16_PEAK, SAMPLES, OF_SGEMM, OF_PEAK, FIGURES };

typedef struct trial {
    const shape *layers;
    size_t batch, repeat, rounds;
    int threads;
    const char *precision;
    mf_network *network;
    mf_pool *pool; /* NULL with one thread */
    mf_workspace *workspace;
    products products;
    float *x;
    int32_t *y;
    double figures[FIGURES][MOST_ROUNDS];
} trial;

static void run_round(trial *t, size_t round)
{
    double steps = (double)t->repeat, start = seconds_now();
    for (size_t i = 0; i < t->repeat; i++)
        run_products(t->layers, &t->products, t->batch);
    double products = seconds_now() - start;
    if (t->pool)
        let_threads_sleep();
    start = seconds_now();
    for (size_t i = 0; i < t->repeat; i++)
        must(mf_network_step(t->network, t->workspace, t->batch, t->x, t->y));
    double step = steps / (seconds_now() - start);
    double rate = step * flops_of_dense_step(t->layers, t->batch);
    t->figures[PRODUCT_RATE][round] = steps * flops_of_dense_products(t->layers, t->batch) / products;
    t->figures[PEAK][round] = peak_float32();
    t->figures[BF16_PEAK][round] = peak_bf16();
    t->figures[SAMPLES][round] = step * (double)t->batch;
    t->figures[OF_SGEMM][round] = rate / t->figures[PRODUCT_RATE][round];
    bool bf16 = strcmp(peak_name_for(t->layers->precision == MF_PRECISION_BF16), "bf16") == 0;
    t->figures[OF_PEAK][round] = rate / (t->figures[bf16 ? BF16_PEAK : PEAK][round] * t->threads);
}

static void print_medians(trial *t, const char *arch, const char *optimizer_name)
{
    double m[FIGURES];
    for (int i = 0; i < FIGURES; i++)
        m[i] = median(t->figures[i], t->rounds);
    printf("result bench=dense blas=%s arch=%s batch=%zu optimizer=%s threads=%d precision=%s "
           "sgemm_gflops=%.1f of_sgemm=%.3f of_peak=%.3f peak=%s sps=%.0f peak_gflops=%.1f "
           "bf16_peak_gflops=%.1f\n",
           mf_blas_name(), arch, t->batch, optimizer_name, t->threads, t->precision, 1e-9 * m[PRODUCT_RATE],
           m[OF_SGEMM], m[OF_PEAK], peak_name_for(t->layers->precision == MF_PRECISION_BF16), m[SAMPLES],
           1e-9 * m[PEAK], 1e-9 * m[BF16_PEAK]);
    fflush(stdout);
}

static void measure(const char *arch, size_t batch, const char *optimizer_name, int threads,
                    const char *precision, size_t rounds)
{
    static trial t;
    shape layers = parse_dense_shape(arch);
    layers.precision = precision_of_name(precision);
    mf_pool *pool = make_pool((unsigned)threads);
    if (mf_blas_set_threads(threads) != MF_STATUS_OK && threads > 1) {
        printf("skipped: %s\n", mf_last_message());
        mf_pool_free(pool);
        return;
    }
    mf_optimizer *optimizer = make_optimizer(optimizer_name, NULL);
    t = (trial){.layers = &layers,
                .batch = batch,
                .rounds = rounds,
                .threads = threads,
                .precision = precision,
                .pool = pool};
    t.repeat = repetitions(flops_of_dense_step(&layers, batch));
    t.network = make_network(&layers, optimizer, NULL);
    t.workspace = make_workspace(t.network, batch, pool, NULL);
    t.products = make_products(&layers, batch);
    t.x = make_inputs(batch * layers.widths[0]);
    t.y = make_labels(batch);
    run_products(&layers, &t.products, batch);
    must(mf_network_step(t.network, t.workspace, batch, t.x, t.y));
    for (size_t round = 0; round < rounds; round++)
        run_round(&t, round);
    print_medians(&t, arch, optimizer_name);
    free(t.x);
    free(t.y);
    free_products(&layers, &t.products);
    mf_workspace_free(t.workspace);
    mf_network_free(t.network);
    mf_pool_free(pool);
    mf_optimizer_free(optimizer);
}

/* All threads and precisions that were asked for. */
static void measure_all(int count, char **arguments, const char *arch, size_t batch, const char *optimizer,
                        size_t rounds)
{
    char *threads = copy_words(argument(count, arguments, "threads", "1,2"));
    for (char *thread, *thread_list = threads; (thread = next_word(&thread_list));) {
        char *precisions = copy_words(argument(count, arguments, "precision", "float32,bf16"));
        for (char *precision, *list = precisions; (precision = next_word(&list));)
            measure(arch, batch, optimizer, atoi(thread), precision, rounds);
        free(precisions);
    }
    free(threads);
}

static const char OPTIONS[] =
    "[--arch=784-1000-1000,...] [--batch=1,32,128,512] [--optimizer=sgd,momentum,adam]"
    " [--threads=1,2] [--precision=float32,bf16] [--rounds=5]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    char *archs = copy_words(argument(count, arguments, "arch", "784-1000-1000,3072-2000-2000-2000"));
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return 1;
    printf("# monoforward %s, products: %s, BLAS: %s, peak by %s, bf16 %s\n", mf_version(),
           mf_products_name(), mf_blas_name(), peak_instructions(),
           peak_bf16() > 0.0 ? "by avx512-bf16" : "absent");
    for (char *arch, *arch_list = archs; (arch = next_word(&arch_list));) {
        char *batches = copy_words(argument(count, arguments, "batch", "1,32,128,512"));
        for (char *batch, *batch_list = batches; (batch = next_word(&batch_list));) {
            char *optimizers = copy_words(argument(count, arguments, "optimizer", "sgd,momentum,adam"));
            for (char *optimizer, *optimizer_list = optimizers; (optimizer = next_word(&optimizer_list));)
                measure_all(count, arguments, arch, strtoul(batch, NULL, 10), optimizer, rounds);
            free(optimizers);
        }
        free(batches);
    }
    free(archs);
    return 0;
}
