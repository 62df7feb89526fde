/* Two threads against one, in steps and in a pipeline.
 *
 * A round times, one after the other, on the same batches: steps on one thread; steps with a pool of two
 * threads, which share each layer's work; a pipeline with such a pool, where layers train at the same time;
 * two runs on one thread each, side by side, in processes of their own, which share nothing but the machine;
 * the three again while another process holds a core. Each competitor is a process (bench_worker), so that
 * none inherits another's threads. Printed are medians over the rounds of rates, over that of the steps on
 * one thread:
 *
 *     pool, pipeline, two_processes
 *     single_with_hog, pool_with_hog, pipeline_with_hog
 *
 * and
 *
 *     of_peak   rate of the pipeline, in FLOPs of the steps / the peak of two cores (peak.h), in bf16 where
 *               the layers compute in it and the processor can; peak= tells which it is
 *     bound     what a pipeline whose workers share no layer could reach, by the measured times of the layers
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

static const char usual_archs[] =
    "1000-1000,784-1000-1000,1000-1000-1000-1000-1000,1000-1000-1000-1000-1000-1000-1000-1000-1000";
static char worker_path[TEXT];

static child start_trainer(const char *arch, const char *batch, const char *optimizer, const char *threads,
                           const char *how, const char *precision)
{
    const char *const command[] = {worker_path, arch, batch, optimizer, threads, how, precision, NULL};
    return start_child(command, "1");
}

enum { POOL, PIPELINE, TWO, HOG_SINGLE, HOG_POOL, HOG_PIPELINE, OF_PEAK, RATIOS };

typedef struct race {
    child one, other, pooled, piped;
    size_t steps, rounds;
    double flops; /* of a step */
    int bf16;
    double alone[MOST_ROUNDS], ratios[RATIOS][MOST_ROUNDS];
    char hashes[3][TEXT]; /* of one, pooled, piped */
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
    r->alone[round] = alone;
    r->ratios[PIPELINE][round] = alone / piped;
    r->ratios[POOL][round] = alone / ask_seconds(&r->pooled, r->steps);
    r->ratios[TWO][round] = alone / two_at_once(r);
    r->ratios[HOG_SINGLE][round] = alone / beside_a_hog(r, &r->one);
    r->ratios[HOG_POOL][round] = alone / beside_a_hog(r, &r->pooled);
    r->ratios[HOG_PIPELINE][round] = alone / beside_a_hog(r, &r->piped);
    r->ratios[OF_PEAK][round] = (double)r->steps * r->flops / piped / (2.0 * peak_for(r->bf16));
}

static void take_hashes(race *r)
{
    child *const all[] = {&r->one, &r->pooled, &r->piped};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ask_seconds(all[i], HASH_STEPS);
        tell(all[i], "hash", 0);
        hear(all[i], r->hashes[i]);
    }
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

static void race_all(race *r, size_t layers, const char *arch, const char *batch, const char *optimizer,
                     double seconds)
{
    double times[MOST_LAYERS], m[RATIOS];
    char what[TEXT];
    take_hashes(r);
    r->steps = (size_t)(seconds * HASH_STEPS / ask_seconds(&r->one, HASH_STEPS)) + 1;
    ask_seconds(&r->other, HASH_STEPS);
    for (size_t round = 0; round < r->rounds; round++)
        run_round(r, round);
    size_t measured = read_layer_times(r, times);
    double bound = speedup_bound(times, measured, 2);
    for (size_t i = 0; i < RATIOS; i++)
        m[i] = median(r->ratios[i], r->rounds);
    snprintf(what, sizeof what, "arch=%s batch=%s optimizer=%s precision=%s", arch, batch, optimizer,
             r->bf16 ? "bf16" : "float32");
    printf(
        "result bench=pipeline %s threads=2 pool=%.3f pipeline=%.3f two_processes=%.3f single_with_hog=%.3f "
        "pool_with_hog=%.3f pipeline_with_hog=%.3f of_peak=%.3f peak=%s bound=%.3f samples_per_second=%.0f "
        "hash=%s hash_pool=%s hash_pipeline=%s\n",
        what, m[POOL], m[PIPELINE], m[TWO], m[HOG_SINGLE], m[HOG_POOL], m[HOG_PIPELINE], m[OF_PEAK],
        peak_name_for(r->bf16), bound,
        strtod(batch, NULL) * (double)r->steps / median(r->alone, r->rounds) * m[PIPELINE], r->hashes[0],
        r->hashes[1], r->hashes[2]);
    print_simulated(times, measured, layers, what);
    if (layers >= 8)
        print_simulated(times, measured, 64, what);
    fflush(stdout);
}

static void measure(const char *arch, const char *batch, const char *optimizer, const char *precision,
                    size_t rounds, double seconds)
{
    static race r;
    shape parsed = parse_dense_shape(arch);
    r = (race){.rounds = rounds, .bf16 = precision_of_name(precision) == MF_PRECISION_BF16};
    r.flops = flops_of_dense_step(&parsed, strtoul(batch, NULL, 10));
    r.one = start_trainer(arch, batch, optimizer, "1", "steps", precision);
    r.other = start_trainer(arch, batch, optimizer, "1", "steps", precision);
    r.pooled = start_trainer(arch, batch, optimizer, "2", "steps", precision);
    r.piped = start_trainer(arch, batch, optimizer, "2", "pipeline", precision);
    race_all(&r, parsed.layers, arch, batch, optimizer, seconds);
    end_child(&r.one);
    end_child(&r.other);
    end_child(&r.pooled);
    end_child(&r.piped);
}

static void for_precisions(const char *precisions, const char *arch, const char *batch, const char *optimizer,
                           size_t rounds, double seconds)
{
    char *words = copy_words(precisions);
    for (char *precision, *list = words; (precision = next_word(&list));)
        measure(arch, batch, optimizer, precision, rounds, seconds);
    free(words);
}

static const char OPTIONS[] =
    "[--arch=1000-1000,784-1000-1000,...] [--batch=128,32] [--optimizer=sgd,adam] [--rounds=5]"
    " [--precision=float32,bf16] [--seconds=0.4]";

int main(int count, char **arguments)
{
    check_options(count, arguments, OPTIONS);
    const char *precisions = argument(count, arguments, "precision", "float32,bf16");
    size_t rounds = strtoul(argument(count, arguments, "rounds", "5"), NULL, 10);
    double seconds = strtod(argument(count, arguments, "seconds", "0.4"), NULL);
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return 1;
    path_beside(arguments[0], "bench_worker", worker_path);
    signal(SIGPIPE, SIG_IGN);
    printf("# monoforward %s, products: %s, BLAS: %s\n", mf_version(), mf_products_name(), mf_blas_name());
    fflush(stdout);
    char *archs = copy_words(argument(count, arguments, "arch", usual_archs));
    for (char *arch, *arch_list = archs; (arch = next_word(&arch_list));) {
        char *batches = copy_words(argument(count, arguments, "batch", "128,32"));
        for (char *batch, *batch_list = batches; (batch = next_word(&batch_list));) {
            char *optimizers = copy_words(argument(count, arguments, "optimizer", "sgd,adam"));
            for (char *optimizer, *optimizer_list = optimizers; (optimizer = next_word(&optimizer_list));)
                for_precisions(precisions, arch, batch, optimizer, rounds, seconds);
            free(optimizers);
        }
        free(batches);
    }
    free(archs);
    return 0;
}
