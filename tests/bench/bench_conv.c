/* The training step of a convolutional network against the rate that the linked BLAS library reaches on its
 * products, and against PyTorch.
 *
 * A round times, one after the other: the products alone (conv_products.h says how), with THREADS threads of
 * the BLAS library; our training with a pool of THREADS, in steps, one layer after the other, and where there
 * is more than one thread in a pipeline, layers at the same time; PyTorch's backpropagation, with one linear
 * classifier on the last layer, and PyTorch's Mono-Forward of the same network. All but the products are
 * processes of their own. Medians over the rounds are printed:
 *
 *     images_s              of our training
 *     of_sgemm              (FLOPs of the step / its time) / (FLOPs of the products / their time)
 *     of_peak               the same over the peak of one core (peak.h) times the threads
 *     vs_torch_bp, _mf      images_s / that of PyTorch
 *
 * where a step has 4 B F K P + 6 B m n FLOPs a layer: F filters with K weights at P places, m classes, and a
 * head that reads n values. PyTorch tries its own number of threads and both orders of maps in memory
 * (torch_worker.py). It is looked for in python3 and /usr/bin/python3; --python=none leaves it out. With
 * --bf16 both sides also run in bf16, in the same rounds: a line for each pair of precision= and torch=.
 * of_peak in bf16 is of the peak in bf16, where there is one; peak= tells which it is.
 *
 * --layers prints a table of single layers instead, without PyTorch. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "conv_layers.h"
#include "conv_products.h"
#include "peak.h"
#include "support.h"

enum { MOST_ROUNDS = 101, MOST_PEERS = 10, MOST_TORCH = 4, TUNING_STEPS = 2 };

typedef struct options {
    const char *arch, *batch_text, *python; /* python is NULL without PyTorch */
    const char *threads, *runs, *optimizers, *norms;
    size_t batch, rounds, steps;
    int layers, bf16;
    char worker_path[CHILD_TEXT];
} options;

typedef struct peer {
    child process;
    char name[16], setting[64]; /* "bp", "mf", "steps", "pipeline"; what PyTorch has chosen */
    const char *precision;
    double times[MOST_ROUNDS];
} peer;

/* Ours come first, then PyTorch's two, if there, and its two in bf16, if wanted. */
typedef struct race {
    peer peers[MOST_PEERS];
    size_t ours, count;
    double products[MOST_ROUNDS];
    double peaks[2][MOST_ROUNDS]; /* seconds of a FLOP on one core at its peak, for float32 and bf16 */
} race;

static const char torch_worker[] = BENCH_FOLDER "/torch_worker.py";

static void start_ours(race *r, const options *o, const char *arch, const char *optimizer, int threads,
                       const char *precision)
{
    char text[16], *list = copy_words(o->runs), *rest = list;
    snprintf(text, sizeof text, "%d", threads);
    for (char *run; (run = next_word(&rest)) && r->count < MOST_PEERS - MOST_TORCH;) {
        const char *const command[] = {o->worker_path, arch, o->batch_text, optimizer,
                                       text,           run,  precision,     NULL};
        peer *p = &r->peers[r->count];
        if (threads == 1 && strcmp(run, "steps") != 0)
            continue;
        snprintf(p->name, sizeof p->name, "%s", run);
        p->precision = precision;
        p->process = start_child(command, "1");
        r->ours = ++r->count;
    }
    free(list);
}

static void start_torch(race *r, const options *o, const char *arch, const char *optimizer, int threads,
                        const char *algorithm, const char *precision)
{
    char text[16];
    snprintf(text, sizeof text, "%d", threads);
    const char *const command[] = {o->python, torch_worker, algorithm, arch, o->batch_text,
                                   optimizer, text,         precision, NULL};
    peer *p = &r->peers[r->count++];
    snprintf(p->name, sizeof p->name, "%s", algorithm);
    p->precision = precision;
    p->process = start_child(command, text);
}

static double time_products(const conv_products *products, size_t repeat)
{
    double start = seconds_now();
    for (size_t n = 0; n < repeat; n++)
        for (size_t i = 0; i < products->layers; i++)
            run_conv_product(&products->layer[i]);
    return seconds_now() - start;
}

static void warm_up(race *r)
{
    for (size_t i = 0; i < r->count; i++) {
        peer *p = &r->peers[i];
        char answer[CHILD_TEXT] = "";
        if (i >= r->ours) {
            tell(&p->process, "tune", TUNING_STEPS);
            hear(&p->process, answer);
        }
        snprintf(p->setting, sizeof p->setting, "%.60s", answer);
        ask_seconds(&p->process, 2);
    }
}

static void run_rounds(race *r, const conv_products *products, size_t rounds, size_t steps)
{
    for (size_t round = 0; round < rounds; round++) {
        r->products[round] = time_products(products, steps);
        for (int bf16 = 0; bf16 <= 1; bf16++)
            r->peaks[bf16][round] = 1.0 / peak_for(bf16);
        for (size_t i = 0; i < r->count; i++) {
            let_threads_sleep();
            r->peers[i].times[round] = ask_seconds(&r->peers[i].process, steps);
        }
        let_threads_sleep();
    }
}

/* The median over the rounds of a / b. */
static double median_ratio(const double *a, const double *b, size_t rounds)
{
    double ratios[MOST_ROUNDS];
    for (size_t i = 0; i < rounds; i++)
        ratios[i] = a[i] / b[i];
    return median(ratios, rounds);
}

static double rate(const double *times, size_t rounds, double work)
{
    double sorted[MOST_ROUNDS];
    memcpy(sorted, times, rounds * sizeof *times);
    return work / median(sorted, rounds);
}

typedef struct work {
    double step, products; /* FLOPs */
} work;

static work work_of(const shape *layers, const conv_products *products, size_t batch)
{
    work w = {0.0, 0.0};
    for (size_t i = 0; i < layers->layers; i++) {
        w.step += flops_of_conv_step(layers, i, batch);
        w.products += flops_of_product(&products->layer[i]);
    }
    return w;
}

/* What all lines of a race have in common. */
typedef struct course {
    work work;
    size_t steps;
    const char *optimizer, *norm;
    int threads;
} course;

/* One of ours; `bp` is PyTorch's backpropagation, with its Mono-Forward behind it, or NULL. */
static void print_result(const race *r, const options *o, const course *c, const peer *p, const peer *bp)
{
    double images = (double)(c->steps * o->batch), steps = (double)c->steps;
    int bf16 = precision_of_name(p->precision) == MF_PRECISION_BF16;
    printf("result bench=conv threads=%d images_s=%.1f of_sgemm=%.3f of_peak=%.3f ", c->threads,
           rate(p->times, o->rounds, images),
           c->work.step / c->work.products * median_ratio(r->products, p->times, o->rounds),
           steps * c->work.step / c->threads * median_ratio(r->peaks[bf16], p->times, o->rounds));
    if (bp)
        printf("vs_torch_bp=%.2f vs_torch_mf=%.2f ", median_ratio(bp->times, p->times, o->rounds),
               median_ratio(bp[1].times, p->times, o->rounds));
    printf("run=%s precision=%s products=%s blas=%s arch=%s optimizer=%s norm=%s batch=%zu rounds=%zu "
           "steps=%zu sgemm_gflops=%.1f peak=%s peak_gflops=%.1f",
           p->name, p->precision, mf_products_name(), mf_blas_name(), o->arch, c->optimizer, c->norm,
           o->batch, o->rounds, c->steps, 1e-9 * rate(r->products, o->rounds, steps * c->work.products),
           peak_name_for(bf16), rate(r->peaks[bf16], o->rounds, 1e-9));
    if (bp)
        printf(" torch=%s torch_bp_images_s=%.1f torch_mf_images_s=%.1f torch_threads=%s/%s", bp->precision,
               rate(bp->times, o->rounds, images), rate(bp[1].times, o->rounds, images), bp->setting,
               bp[1].setting);
    printf("\n");
}

static void print_results(const race *r, const options *o, const course *c)
{
    for (size_t i = 0; i < r->ours; i++) {
        if (r->ours == r->count)
            print_result(r, o, c, &r->peers[i], NULL);
        for (size_t torch = r->ours; torch < r->count; torch += 2)
            print_result(r, o, c, &r->peers[i], &r->peers[torch]);
    }
    fflush(stdout);
}

static void measure(const options *o, const conv_products *products, const char *optimizer, const char *norm,
                    int threads)
{
    static race r;
    char arch[CHILD_TEXT];
    snprintf(arch, sizeof arch, "%s%s", o->arch, strcmp(norm, "batch") == 0 ? "+batch" : "");
    shape layers = parse_shape(arch);
    work w = work_of(&layers, products, o->batch);
    size_t steps = (size_t)(3e11 / w.step), repeat = o->steps      ? o->steps
                                                     : steps < 3   ? 3
                                                     : steps > 200 ? 200
                                                                   : steps;
    if (o->layers) {
        printf("# threads=%d optimizer=%s norm=%s batch=%zu\n", threads, optimizer, norm, o->batch);
        print_layers(&layers, products, o->batch, optimizer, threads, o->rounds);
        return;
    }
    memset(&r, 0, sizeof r);
    start_ours(&r, o, arch, optimizer, threads, "float32");
    if (o->bf16)
        start_ours(&r, o, arch, optimizer, threads, "bf16");
    if (o->python) {
        start_torch(&r, o, arch, optimizer, threads, "bp", "float32");
        start_torch(&r, o, arch, optimizer, threads, "mf", "float32");
    }
    if (o->python && o->bf16) {
        start_torch(&r, o, arch, optimizer, threads, "bp", "bf16");
        start_torch(&r, o, arch, optimizer, threads, "mf", "bf16");
    }
    warm_up(&r);
    run_rounds(&r, products, o->rounds, repeat);
    print_results(&r, o, &(course){w, repeat, optimizer, norm, threads});
    for (size_t i = 0; i < r.count; i++)
        end_child(&r.peers[i].process);
}

static void print_blocks(const conv_products *products, int threads)
{
    printf("# columns at a time, forward/gradient, threads=%d:", threads);
    for (size_t i = 0; i < products->layers; i++)
        printf(" %zu/%zu", products->layer[i].block[FORWARD], products->layer[i].block[GRADIENT]);
    printf("\n");
    fflush(stdout);
}

static void measure_with_threads(const options *o, conv_products *products, int threads)
{
    if (mf_blas_set_threads(threads) != MF_STATUS_OK && threads > 1) {
        printf("skipped: %s\n", mf_last_message());
        return;
    }
    tune_conv_products(products);
    print_blocks(products, threads);
    char *optimizers = copy_words(o->optimizers);
    for (char *optimizer, *optimizer_list = optimizers; (optimizer = next_word(&optimizer_list));) {
        char *norms = copy_words(o->norms);
        for (char *norm, *norm_list = norms; (norm = next_word(&norm_list));)
            measure(o, products, optimizer, norm, threads);
        free(norms);
    }
    free(optimizers);
}

static const char OPTIONS[] =
    "[--arch=3x32x32:c64p-c128p-c256p-c512p] [--batch=128] [--threads=1,2]"
    " [--run=steps,pipeline] [--optimizer=sgd,adam] [--norm=none,batch] [--rounds=5] [--steps=N]"
    " [--python=PROGRAM] [--bf16] [--layers]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    options o = {.arch = argument(count, arguments, "arch", "3x32x32:c64p-c128p-c256p-c512p"),
                 .batch_text = argument(count, arguments, "batch", "128"),
                 .threads = argument(count, arguments, "threads", "1,2"),
                 .runs = argument(count, arguments, "run", "steps,pipeline"),
                 .optimizers = argument(count, arguments, "optimizer", "sgd,adam"),
                 .norms = argument(count, arguments, "norm", "none,batch"),
                 .rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10),
                 .steps = strtoul(argument(count, arguments, "steps", "0"), NULL, 10),
                 .layers = has_flag(count, arguments, "layers"),
                 .bf16 = has_flag(count, arguments, "bf16")};
    o.batch = strtoul(o.batch_text, NULL, 10);
    if (o.rounds < 1 || o.rounds > MOST_ROUNDS || o.batch < 1)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    path_beside(arguments[0], "bench_worker", o.worker_path);
    printf("# monoforward %s, products: %s, BLAS: %s\n", mf_version(), mf_products_name(), mf_blas_name());
    fflush(stdout);
    o.python = o.layers ? NULL : find_torch(argument(count, arguments, "python", ""));
    shape layers = parse_shape(o.arch);
    conv_products products = make_conv_products(&layers, o.batch);
    char *threads = copy_words(o.threads);
    for (char *number, *list = threads; (number = next_word(&list));)
        measure_with_threads(&o, &products, atoi(number));
    free(threads);
    free_conv_products(&products);
    return 0;
}
