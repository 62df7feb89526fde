/* Peak training memory against depth: Mono-Forward, and backpropagation, which is the same network in one
 * layer.
 *
 * Every measurement is a process of its own that builds the network and takes one step. peak_mb is the
 * peak of a counting allocator through which all of it goes; rss_mb is what the system saw beyond the
 * data. slope_mb is the growth per layer since the depth before; predicted_mb is what
 * mf_network_memory_built() said before anything existed. 1 MB = 10^6 bytes. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "plot.h"

typedef struct count {
    size_t now, peak;
} count;

static void *count_alloc(void *user, size_t bytes, size_t alignment)
{
    count *bytes_of = user;
    void *pointer = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (pointer)
        bytes_of->now += bytes;
    if (bytes_of->now > bytes_of->peak)
        bytes_of->peak = bytes_of->now;
    return pointer;
}

static void count_free(void *user, void *pointer, size_t bytes)
{
    ((count *)user)->now -= bytes;
    free(pointer);
}

typedef struct setting {
    const char *algorithm, *optimizer;
    size_t batch, width, inputs, depth;
} setting;

typedef struct outcome {
    double peak, resident, predicted; /* bytes */
} outcome;

static shape shape_of(const setting *chosen)
{
    shape layers = {.layers = chosen->depth};
    layers.widths[0] = chosen->inputs;
    for (size_t i = 1; i <= chosen->depth; i++)
        layers.widths[i] = chosen->width;
    return layers;
}

static int is_backprop(const setting *chosen)
{
    return strcmp(chosen->algorithm, "bp") == 0;
}

/* What mf_network_memory_built() says before anything exists. */
static double predict(const setting *chosen)
{
    shape layers = shape_of(chosen);
    mf_optimizer_spec optimizer = spec_of_optimizer(chosen->optimizer);
    mf_memory memory = is_backprop(chosen) ? memory_of_backprop(&layers, &optimizer, chosen->batch)
                                           : memory_of_network(&layers, &optimizer, chosen->batch);
    return (double)memory.total;
}

static void step_once(const setting *chosen, const mf_allocator *allocator, const float *x, const int32_t *y)
{
    shape layers = shape_of(chosen);
    mf_optimizer *optimizer = make_optimizer(chosen->optimizer, allocator);
    mf_network *network = is_backprop(chosen) ? make_backprop(&layers, optimizer, allocator)
                                              : make_network(&layers, optimizer, allocator);
    mf_workspace *workspace = make_workspace(network, chosen->batch, NULL, allocator);
    must(mf_network_step(network, workspace, chosen->batch, x, y));
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

static void measure_here(const setting *chosen, int to)
{
    count bytes = {0, 0};
    const mf_allocator allocator = {count_alloc, count_free, &bytes};
    float *x = make_inputs(chosen->batch * chosen->inputs);
    int32_t *y = make_labels(chosen->batch);
    reset_peak_resident();
    size_t before = peak_resident();
    step_once(chosen, &allocator, x, y);
    outcome found = {.peak = (double)bytes.peak,
                     .resident = (double)(peak_resident() - before),
                     .predicted = predict(chosen)};
    ssize_t written = write(to, &found, sizeof found);
    _exit(written == (ssize_t)sizeof found ? 0 : 1);
}

static int measure(const setting *chosen, outcome *found)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        return 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        measure_here(chosen, ends[1]);
    close(ends[1]);
    ssize_t got = child > 0 ? read(ends[0], found, sizeof *found) : -1;
    close(ends[0]);
    if (child > 0)
        waitpid(child, &status, 0);
    return got == (ssize_t)sizeof *found && status == 0;
}

/* Peaks of Mono-Forward by depth, for the share of the others'. */
static double mf_peaks[MOST_LAYERS + 1];

static void print_result(const setting *chosen, const outcome *found, double slope)
{
    printf("result bench=memory algo=%s optimizer=%s batch=%zu width=%zu depth=%zu peak_mb=%.2f rss_mb=%.2f",
           chosen->algorithm, chosen->optimizer, chosen->batch, chosen->width, chosen->depth,
           1e-6 * found->peak, 1e-6 * found->resident);
    if (slope > 0.0)
        printf(" slope_mb=%.3f", 1e-6 * slope);
    printf(" predicted_mb=%.2f exact=%s", 1e-6 * found->predicted,
           found->predicted == found->peak ? "yes" : "no");
    if (is_backprop(chosen) && mf_peaks[chosen->depth] > 0.0)
        printf(" mf_share=%.3f", mf_peaks[chosen->depth] / found->peak);
    printf("\n");
    fflush(stdout);
}

static int measure_depths(setting chosen, const char *depths, plot *figure)
{
    char *copy = copy_words(depths), *list = copy;
    double last_peak = 0.0;
    size_t last_depth = 0;
    for (char *word; (word = next_word(&list));) {
        outcome found;
        chosen.depth = strtoul(word, NULL, 10);
        if (chosen.depth < 1 || chosen.depth > MOST_LAYERS || !measure(&chosen, &found)) {
            fprintf(stderr, "%s at depth %s could not be measured\n", chosen.algorithm, word);
            free(copy);
            return 0;
        }
        double slope = last_depth ? (found.peak - last_peak) / (double)(chosen.depth - last_depth) : 0.0;
        if (strcmp(chosen.algorithm, "mf") == 0)
            mf_peaks[chosen.depth] = found.peak;
        print_result(&chosen, &found, slope);
        if (figure)
            plot_add(figure, chosen.algorithm, (double)chosen.depth, 1e-6 * found.peak);
        last_peak = found.peak;
        last_depth = chosen.depth;
    }
    free(copy);
    return 1;
}

static const char OPTIONS[] = "[--batch=30000,128] [--depths=2,5,10,20] [--width=2000] [--inputs=784]"
                              " [--optimizer=sgd,adam] [--algo=mf,bp] [--plot=FILE.svg]";

int main(int argc, char **arguments)
{
    check_options(argc, arguments, OPTIONS);
    const char *depths = argument(argc, arguments, "depths", "2,5,10,20");
    const char *path = argument(argc, arguments, "plot", NULL);
    setting chosen = {
        .width = strtoul(argument(argc, arguments, "width", "2000"), NULL, 10),
        .inputs = strtoul(argument(argc, arguments, "inputs", "784"), NULL, 10),
    };
    plot *figure = path ? plot_create("Peak training memory", "layers", "MB") : NULL;
    int good = 1, first = 1;
    printf("# monoforward %s, BLAS: %s\n", mf_version(), mf_blas_name());
    char *batches = copy_words(argument(argc, arguments, "batch", "30000,128"));
    for (char *batch, *batch_list = batches; good && (batch = next_word(&batch_list));) {
        char *optimizers = copy_words(argument(argc, arguments, "optimizer", "sgd,adam"));
        for (char *optimizer_list = optimizers; good && (chosen.optimizer = next_word(&optimizer_list));) {
            char *algorithms = copy_words(argument(argc, arguments, "algo", "mf,bp"));
            chosen.batch = strtoul(batch, NULL, 10);
            for (char *list = algorithms; good && (chosen.algorithm = next_word(&list));)
                good = measure_depths(chosen, depths, first ? figure : NULL);
            first = 0;
            free(algorithms);
        }
        free(optimizers);
    }
    free(batches);
    if (figure && good)
        good = plot_write(figure, path);
    plot_free(figure);
    return good ? 0 : 1;
}
