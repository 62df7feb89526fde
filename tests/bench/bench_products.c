/* The matrix products of training steps, each by every library that is there, and against the peak.
 *
 * A dense layer of n neurons on k inputs, as BxnxK, has three products: forward x W^T [B,n], update dz^T x
 * [n,k] and input dz W [B,k], which only layers of several units have. A convolution of F filters with K
 * weights, as FxK, has two for a block of columns (conv_products.h): conv_forward W col [F,N] and conv_update
 * dz col^T [F,K].
 *
 * A round runs all competitors one after the other, N times each (about 2 GFLOP), on one thread, and measures
 * the peak (peak.h). Printed are the medians over the rounds of the rate; of of_peak, the rate over the peak
 * in the competitor's precision, or over that in float32 where the processor has none in bf16, as peak=
 * tells; and of vs_blas, the rate over that of the BLAS library. Before they are timed, results are compared
 * with sums in double precision. Packing and conversion of operands are not timed where a competitor has a
 * format of its own: libxsmm and onednn. This library, `monoforward`, takes part in dense products: what
 * layers keep packed, W, is packed before the clock starts, what they pack in every step, x and dz, is packed
 * within (rival_own.c). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "peak.h"
#include "rivals.h"
#include "support.h"

/* The competitors, the BLAS library first: vs_blas is against it. */
static const competitor *const competitors[] = {
    &rival_blas,         &rival_own,    &rival_own_bf16,
#ifdef BENCH_HAS_XSMM
    &rival_xsmm,
#endif
#ifdef BENCH_HAS_ONEDNN
    &rival_onednn_sgemm, &rival_onednn, &rival_onednn_bf16,
#endif
};

enum { COMPETITORS = sizeof competitors / sizeof *competitors, MOST_ROUNDS = 101 };

typedef struct contest {
    product product;
    size_t rounds, repeat;
    void *jobs[COMPETITORS];                                       /* NULL: takes no part */
    double rates[COMPETITORS][MOST_ROUNDS], peaks[2][MOST_ROUNDS]; /* float32, bf16 */
} contest;

static double flops_of(const product *p)
{
    return 2.0 * (double)p->m * (double)p->n * (double)p->k;
}

/* ---- is it right? ---- */

/* One value of C, and the size of what it is a sum of. */
static double value_of(const product *p, size_t i, size_t j, double *size)
{
    double sum = 0.0;
    *size = 0.0;
    for (size_t l = 0; l < p->k; l++) {
        double a = p->trans_a ? p->a[l * p->m + i] : p->a[i * p->k + l];
        double b = p->trans_b ? p->b[j * p->k + l] : p->b[l * p->n + j];
        sum += a * b;
        *size += fabs(a * b);
    }
    return sum;
}

/* A rounding of each operand to bf16 is at most 2^-8 of it. */
static void check(const product *p, const competitor *who, void *job)
{
    enum { STRIDE = 997 };
    const double tolerance = who->bf16 ? 0x1p-7 : 0x1p-16;
    for (size_t at = 0; at < p->m * p->n; at++)
        p->c[at] = NAN;
    who->run(job);
    if (who->show)
        who->show(job);
    for (size_t at = 0; at < p->m * p->n; at += STRIDE) {
        double size, value = value_of(p, at / p->n, at % p->n, &size);
        if (!(fabs(p->c[at] - value) <= tolerance * size))
            give_up("a wrong product by", who->name);
    }
    for (size_t at = 0; at < p->m * p->n; at++)
        if (isnan(p->c[at]))
            give_up("not all of a product was written by", who->name);
}

/* ---- the rounds ---- */

static double time_runs(const contest *c, size_t who)
{
    double start = seconds_now();
    for (size_t i = 0; i < c->repeat; i++)
        competitors[who]->run(c->jobs[who]);
    return seconds_now() - start;
}

static void run_round(contest *c, size_t round)
{
    c->peaks[0][round] = peak_for(0);
    c->peaks[1][round] = peak_for(1);
    for (size_t who = 0; who < COMPETITORS; who++)
        if (c->jobs[who])
            c->rates[who][round] = (double)c->repeat * flops_of(&c->product) / time_runs(c, who);
}

static double median_over(const double *values, const double *over, size_t rounds)
{
    double ratios[MOST_ROUNDS];
    for (size_t i = 0; i < rounds; i++)
        ratios[i] = over ? values[i] / over[i] : values[i];
    return median(ratios, rounds);
}

static void print_results(const contest *c)
{
    for (size_t who = 0; who < COMPETITORS; who++) {
        const competitor *one = competitors[who];
        if (!c->jobs[who]) {
            printf("# %s has no such product here\n", one->name);
            continue;
        }
        printf("result bench=products product=%s size=%s by=%s precision=%s gflops=%.1f", c->product.kind,
               c->product.size, one->name, one->bf16 ? "bf16" : "float32",
               1e-9 * median_over(c->rates[who], NULL, c->rounds));
        printf(" of_peak=%.3f peak=%s vs_blas=%.3f peak_gflops=%.1f blas=%s\n",
               median_over(c->rates[who], c->peaks[one->bf16], c->rounds), peak_name_for(one->bf16),
               median_over(c->rates[who], c->rates[0], c->rounds),
               1e-9 * median_over(c->peaks[one->bf16], NULL, c->rounds), mf_blas_name());
    }
    fflush(stdout);
}

/* Takes the product, whose operands are still missing. */
static void measure(const product *given, size_t rounds, size_t repeat)
{
    static contest c;
    c = (contest){.product = *given, .rounds = rounds};
    product *p = &c.product;
    c.repeat = repeat ? repeat : (size_t)(2e9 / flops_of(p)) + 1;
    p->a = make_inputs(p->m * p->k);
    p->b = make_inputs(p->k * p->n);
    p->c = make_inputs(p->m * p->n);
    for (size_t who = 0; who < COMPETITORS; who++)
        if ((c.jobs[who] = competitors[who]->prepare(p)))
            check(p, competitors[who], c.jobs[who]);
    for (size_t round = 0; round < rounds; round++)
        run_round(&c, round);
    print_results(&c);
    for (size_t who = 0; who < COMPETITORS; who++)
        if (c.jobs[who])
            competitors[who]->finish(c.jobs[who]);
    free(p->a);
    free(p->b);
    free(p->c);
}

/* ---- the products ---- */

static void measure_dense(const char *size, size_t rounds, size_t repeat)
{
    size_t batch, n, k;
    if (sscanf(size, "%zux%zux%zu", &batch, &n, &k) != 3 || batch * n * k == 0)
        give_up("not a batch, neurons and inputs, as in 128x1000x784:", size);
    product products[] = {{.kind = "forward", .m = batch, .n = n, .k = k, .trans_b = 1},
                          {.kind = "update", .m = n, .n = k, .k = batch, .trans_a = 1},
                          {.kind = "input", .m = batch, .n = k, .k = n}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(products[i].size, sizeof products[i].size, "%s", size);
        measure(&products[i], rounds, repeat);
    }
}

static void measure_conv(const char *size, size_t columns, size_t rounds, size_t repeat)
{
    size_t filters, weights;
    if (sscanf(size, "%zux%zu", &filters, &weights) != 2 || filters * weights == 0)
        give_up("not filters and weights of each, as in 64x27:", size);
    product products[] = {{.kind = "conv_forward", .m = filters, .n = columns, .k = weights},
                          {.kind = "conv_update", .m = filters, .n = weights, .k = columns, .trans_b = 1}};
    for (size_t i = 0; i < 2; i++) {
        snprintf(products[i].size, sizeof products[i].size, "%s", size);
        measure(&products[i], rounds, repeat);
    }
}

static void say_who_is_missing(void)
{
#ifndef BENCH_HAS_XSMM
    printf("# libxsmm was not found when this was built (on Debian: apt-get install libxsmm-dev)\n");
#endif
#ifndef BENCH_HAS_ONEDNN
    printf("# oneDNN was not found when this was built (on Debian: apt-get install libdnnl-dev)\n");
#endif
}

static const char OPTIONS[] =
    "[--dense=128x1000x784,...] [--conv=64x27,...] [--columns=512] [--rounds=7] [--repeat=N]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    char *dense = copy_words(argument(count, arguments, "dense", "128x1000x784,128x1000x1000,128x2000x2000"));
    char *conv = copy_words(argument(count, arguments, "conv", "64x27,128x576,256x1152,512x2304"));
    size_t columns = strtoul(argument(count, arguments, "columns", "512"), NULL, 10);
    size_t rounds = strtoul(argument(count, arguments, "rounds", "7"), NULL, 10);
    size_t repeat = strtoul(argument(count, arguments, "repeat", "0"), NULL, 10);
    if (rounds < 1 || rounds > MOST_ROUNDS || columns < 1)
        return 1;
    printf("# monoforward %s, products: %s, BLAS: %s, peak by %s, bf16 %s\n", mf_version(),
           mf_products_name(), mf_blas_name(), peak_instructions(),
           peak_bf16() > 0.0 ? "by avx512-bf16" : "absent");
    say_who_is_missing();
    if (mf_blas_set_threads(1) != MF_STATUS_OK)
        printf("# %s\n", mf_last_message());
    for (char *size, *list = dense; (size = next_word(&list));)
        measure_dense(size, rounds, repeat);
    for (char *size, *list = conv; (size = next_word(&list));)
        measure_conv(size, columns, rounds, repeat);
    free(dense);
    free(conv);
    return 0;
}
