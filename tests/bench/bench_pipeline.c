/* Layers that train at the same time against layers one after the other.
 *
 *     bench_pipeline [--layers=2,4,8] [--width=1000] [--batch=128,32] [--optimizer=sgd,adam] [--rounds=5]
 *                    [--precision=float32,bf16] [--seconds=0.4]
 *
 * A round times, one after the other, on the same batches: a sequential run with one BLAS thread; one with
 * two; a pipeline with two workers and one BLAS thread; two sequential runs with one thread each, side by
 * side, in processes of their own, which share nothing but the machine; the pipeline again while another
 * process holds a core. Each competitor is a process (pipeline_worker), so that none inherits another's
 * threads. Printed are medians over the rounds:
 *
 *     speedup          rate of the pipeline / rate of the sequential run with one BLAS thread
 *     of_two_processes rate of the pipeline / rate of the two processes together
 *     vs_blas_threads  rate of the pipeline / rate of the sequential run with two BLAS threads
 *     two_processes, blas_threads, with_hog, sequential_with_hog: their rates / that of the sequential run
 *                      with one BLAS thread
 *     of_peak          rate of the pipeline, in FLOPs of the steps / the peak of two cores (peak.h), in bf16
 *                      where the layers compute in it and the processor can; peak= tells which it is
 *     bound, of_bound  what two workers or the slowest layer allow, by the measured times of the layers
 *
 * Lines that begin with "simulated" are computed from these times, not measured. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "peak.h"
#include "simulate.h"
#include "support.h"

enum { MOST_ROUNDS = 101, TEXT = CHILD_TEXT, HASH_STEPS = 10, LAYER_STEPS = 15 };

static char worker_path[TEXT];

static child start_trainer(const char *arch, const char *batch, const char *optimizer, const char *workers,
                           const char *threads, const char *precision)
{
    const char *const command[] = {worker_path, arch, batch, optimizer, workers, precision, NULL};
    return start_child(command, threads);
}

enum { SPEEDUP, OF_TWO, VS_THREADS, TWO, THREADS, HOG, HOG_SEQUENTIAL, OF_PEAK, RATIOS };

typedef struct race {
    child one, other, threaded, piped;
    size_t steps, rounds;
    double flops; /* of a step */
    int bf16;
    double alone[MOST_ROUNDS], ratios[RATIOS][MOST_ROUNDS];
    char hash_seq[TEXT], hash_pipe[TEXT];
} race;

static double two_at_once(race *r)
{
    char answer[2][TEXT];
    tell(&r->one, "run", r->steps);
    tell(&r->other, "run", r->steps);
    hear(&r->one, answer[0]);
    hear(&r->other, answer[1]);
    return 1.0 / (1.0 / strtod(answer[0], NULL) + 1.0 / strtod(answer[1], NULL));
}

static double beside_a_hog(race *r, child *one)
{
    pid_t hog = fork();
    if (hog == 0)
        for (volatile unsigned long i = 0;; i++)
            ;
    double seconds = ask_seconds(one, r->steps);
    if (hog > 0) {
        kill(hog, SIGKILL);
        waitpid(hog, NULL, 0);
    }
    return seconds;
}

static void run_round(race *r, size_t round)
{
    double alone = ask_seconds(&r->one, r->steps), piped = ask_seconds(&r->piped, r->steps);
    double two = two_at_once(r), hog = beside_a_hog(r, &r->piped);
    double alone_hog = beside_a_hog(r, &r->one), threaded = ask_seconds(&r->threaded, r->steps);
    let_threads_sleep();
    r->alone[round] = alone;
    r->ratios[SPEEDUP][round] = alone / piped;
    r->ratios[OF_TWO][round] = two / piped;
    r->ratios[VS_THREADS][round] = threaded / piped;
    r->ratios[TWO][round] = alone / two;
    r->ratios[THREADS][round] = alone / threaded;
    r->ratios[HOG][round] = alone / hog;
    r->ratios[HOG_SEQUENTIAL][round] = alone / alone_hog;
    r->ratios[OF_PEAK][round] = (double)r->steps * r->flops / piped / (2.0 * peak_for(r->bf16));
}

static void compare_hashes(race *r)
{
    ask_seconds(&r->one, HASH_STEPS);
    ask_seconds(&r->piped, HASH_STEPS);
    tell(&r->one, "hash", 0);
    hear(&r->one, r->hash_seq);
    tell(&r->piped, "hash", 0);
    hear(&r->piped, r->hash_pipe);
}

static size_t read_layer_times(race *r, double *times)
{
    char answer[TEXT], *at = answer, *end;
    size_t count = 0;
    tell(&r->one, "layers", LAYER_STEPS);
    hear(&r->one, answer);
    for (double time; count < MOST_LAYERS && (time = strtod(at, &end), end != at); at = end)
        times[count++] = time;
    return count;
}

/* What is behind the last measured layer is taken to be like it. */
static void print_simulated(const double *times, size_t measured, size_t layers, const char *what)
{
    enum { DEEPEST = 64 };
    double deep[DEEPEST];
    for (size_t i = 0; i < layers; i++)
        deep[i] = times[i < measured ? i : measured - 1];
    for (size_t workers = 2; workers <= DEEPEST; workers *= 2)
        printf("simulated bench=pipeline %s layers=%zu workers=%zu speedup=%.2f bound=%.2f\n", what, layers,
               workers, simulated_speedup(deep, layers, workers), speedup_bound(deep, layers, workers));
}

static void race_all(race *r, size_t layers, const char *width, const char *batch, const char *optimizer,
                     double seconds)
{
    double times[MOST_LAYERS], m[RATIOS];
    char what[TEXT];
    compare_hashes(r);
    r->steps = (size_t)(seconds * HASH_STEPS / ask_seconds(&r->one, HASH_STEPS)) + 1;
    ask_seconds(&r->other, HASH_STEPS);
    ask_seconds(&r->threaded, HASH_STEPS);
    let_threads_sleep();
    for (size_t round = 0; round < r->rounds; round++)
        run_round(r, round);
    size_t measured = read_layer_times(r, times);
    double bound = speedup_bound(times, measured, 2);
    for (size_t i = 0; i < RATIOS; i++)
        m[i] = median(r->ratios[i], r->rounds);
    snprintf(what, sizeof what, "width=%s batch=%s optimizer=%s precision=%s", width, batch, optimizer,
             r->bf16 ? "bf16" : "float32");
    printf("result bench=pipeline layers=%zu %s workers=2 speedup=%.3f of_two_processes=%.3f "
           "vs_blas_threads=%.3f two_processes=%.3f blas_threads=%.3f with_hog=%.3f sequential_with_hog=%.3f "
           "of_peak=%.3f peak=%s bound=%.3f of_bound=%.3f samples_per_second=%.0f hash_seq=%s hash_pipe=%s\n",
           layers, what, m[SPEEDUP], m[OF_TWO], m[VS_THREADS], m[TWO], m[THREADS], m[HOG], m[HOG_SEQUENTIAL],
           m[OF_PEAK], peak_name_for(r->bf16), bound, m[SPEEDUP] / bound,
           strtod(batch, NULL) * (double)r->steps / median(r->alone, r->rounds) * m[SPEEDUP], r->hash_seq,
           r->hash_pipe);
    print_simulated(times, measured, layers, what);
    if (layers >= 8)
        print_simulated(times, measured, 64, what);
    fflush(stdout);
}

static void measure(size_t layers, const char *width, const char *batch, const char *optimizer,
                    const char *precision, size_t rounds, double seconds)
{
    static race r;
    char arch[TEXT] = "";
    for (size_t i = 0; i <= layers; i++)
        snprintf(arch + strlen(arch), sizeof arch - strlen(arch), "%s%s", i ? "-" : "", width);
    shape parsed = parse_dense_shape(arch);
    r = (race){.rounds = rounds, .bf16 = precision_of_name(precision) == MF_PRECISION_BF16};
    r.flops = flops_of_dense_step(&parsed, strtoul(batch, NULL, 10));
    r.one = start_trainer(arch, batch, optimizer, "0", "1", precision);
    r.other = start_trainer(arch, batch, optimizer, "0", "1", precision);
    r.threaded = start_trainer(arch, batch, optimizer, "0", "2", precision);
    r.piped = start_trainer(arch, batch, optimizer, "2", "1", precision);
    race_all(&r, layers, width, batch, optimizer, seconds);
    end_child(&r.one);
    end_child(&r.other);
    end_child(&r.threaded);
    end_child(&r.piped);
}

static void for_precisions(const char *precisions, size_t layers, const char *width, const char *batch,
                           const char *optimizer, size_t rounds, double seconds)
{
    char *words = copy_words(precisions);
    for (char *precision, *list = words; (precision = next_word(&list));)
        measure(layers, width, batch, optimizer, precision, rounds, seconds);
    free(words);
}

int main(int count, char **arguments)
{
    const char *width = argument(count, arguments, "width", "1000");
    const char *precisions = argument(count, arguments, "precision", "float32,bf16");
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    double seconds = strtod(argument(count, arguments, "seconds", "0.4"), NULL);
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return 1;
    path_beside(arguments[0], "pipeline_worker", worker_path);
    signal(SIGPIPE, SIG_IGN);
    printf("# monoforward %s, products: %s, BLAS: %s\n", mf_version(), mf_products_name(), mf_blas_name());
    fflush(stdout);
    char *layers = copy_words(argument(count, arguments, "layers", "2,4,8"));
    for (char *layer, *layer_list = layers; (layer = next_word(&layer_list));) {
        char *batches = copy_words(argument(count, arguments, "batch", "128,32"));
        for (char *batch, *batch_list = batches; (batch = next_word(&batch_list));) {
            char *optimizers = copy_words(argument(count, arguments, "optimizer", "sgd,adam"));
            for (char *optimizer, *optimizer_list = optimizers; (optimizer = next_word(&optimizer_list));)
                if (strtoul(layer, NULL, 10) >= 1 && strtoul(layer, NULL, 10) <= MOST_LAYERS)
                    for_precisions(precisions, strtoul(layer, NULL, 10), width, batch, optimizer, rounds,
                                   seconds);
            free(optimizers);
        }
        free(batches);
    }
    free(layers);
    return 0;
}
