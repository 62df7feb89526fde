/* Owns: what the benchmarks share. */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "baseline.h"

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

_Noreturn void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "%s %s\n", what, detail);
    exit(1);
}

void must(mf_status status)
{
    if (status != MF_STATUS_OK)
        give_up(mf_status_name(status), mf_last_message());
}

mf_optimizer_spec spec_of_optimizer(const char *name)
{
    mf_optimizer_spec spec;
    must(mf_optimizer_spec_init(&spec, sizeof spec));
    spec.learning_rate = 1e-3f;
    if (strcmp(name, "sgd") == 0 || strcmp(name, "momentum") == 0)
        spec.kind = MF_OPTIMIZER_SGD;
    else if (strcmp(name, "adam") != 0)
        give_up("unknown optimizer", name);
    if (strcmp(name, "momentum") == 0)
        spec.momentum = 0.9f;
    return spec;
}

mf_optimizer *make_optimizer(const char *name, const mf_allocator *allocator)
{
    mf_optimizer_spec spec = spec_of_optimizer(name);
    mf_optimizer *optimizer;
    spec.allocator = allocator;
    must(mf_optimizer_create(&spec, &optimizer));
    return optimizer;
}

int32_t precision_of_name(const char *name)
{
    if (strcmp(name, "bf16") == 0)
        return MF_PRECISION_BF16;
    if (strcmp(name, "float32") != 0)
        give_up("unknown precision", name);
    return MF_PRECISION_FLOAT32;
}

static mf_network *empty_network(const mf_allocator *allocator)
{
    mf_network_spec spec;
    mf_network *network;
    must(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = allocator;
    must(mf_network_create(&spec, &network));
    return network;
}

static void append(mf_network *network, mf_layer *layer)
{
    must(mf_network_append(network, layer, NULL));
    mf_layer_free(layer);
}

mf_network *make_network(const shape *layers, mf_optimizer *optimizer, const mf_allocator *allocator)
{
    mf_network *network = empty_network(allocator);
    for (size_t i = 0; i < layers->layers; i++) {
        mf_layer_spec spec = spec_of_layer(layers, i);
        mf_layer *layer;
        spec.allocator = allocator;
        must(mf_layer_create(&spec, &layer));
        append(network, layer);
    }
    must(mf_network_set_optimizer(network, optimizer));
    return network;
}

/* `specs` has room for the layers. */
static struct baseline_spec baseline_of(const shape *layers, mf_layer_spec *specs,
                                        const mf_allocator *allocator)
{
    for (size_t i = 0; i < layers->layers; i++)
        specs[i] = spec_of_layer(layers, i);
    return (struct baseline_spec){.layers = specs,
                                  .count = layers->layers,
                                  .features = layers->widths[0],
                                  .classes = CLASSES,
                                  .seed = 1,
                                  .allocator = allocator};
}

mf_network *make_backprop(const shape *layers, mf_optimizer *optimizer, const mf_allocator *allocator)
{
    mf_layer_spec specs[MOST_LAYERS];
    const struct baseline_spec spec = baseline_of(layers, specs, allocator);
    mf_network *network = empty_network(allocator);
    mf_layer *layer;
    must(baseline_create(&spec, &layer));
    append(network, layer);
    must(mf_network_set_optimizer(network, optimizer));
    return network;
}

static mf_memory memory_of_built(mf_builder *const *builders, size_t count,
                                 const mf_optimizer_spec *optimizer, size_t max_batch)
{
    mf_memory memory = {.struct_size = sizeof memory};
    must(mf_network_memory_built(builders, count, optimizer, MF_WORKSPACE_TRAINING, max_batch, &memory));
    for (size_t i = 0; i < count; i++)
        mf_builder_free(builders[i]);
    return memory;
}

mf_memory memory_of_network(const shape *layers, const mf_optimizer_spec *optimizer, size_t max_batch)
{
    mf_builder *builders[MOST_LAYERS] = {NULL};
    for (size_t i = 0; i < layers->layers; i++) {
        mf_layer_spec spec = spec_of_layer(layers, i);
        must(mf_builder_from_spec(&spec, &builders[i]));
    }
    return memory_of_built(builders, layers->layers, optimizer, max_batch);
}

mf_memory memory_of_backprop(const shape *layers, const mf_optimizer_spec *optimizer, size_t max_batch)
{
    mf_layer_spec specs[MOST_LAYERS];
    const struct baseline_spec spec = baseline_of(layers, specs, NULL);
    mf_builder *builder;
    must(baseline_describe(&spec, &builder));
    return memory_of_built(&builder, 1, optimizer, max_batch);
}

mf_pool *make_pool(unsigned threads)
{
    mf_pool_spec spec;
    mf_pool *pool = NULL;
    mf_blas_set_threads(1); /* one without threads of its own has one anyway */
    must(mf_pool_spec_init(&spec, sizeof spec));
    spec.threads = threads;
    if (threads > 1)
        must(mf_pool_create(&spec, &pool));
    return pool;
}

mf_workspace *make_workspace(mf_network *network, size_t max_batch, mf_pool *pool,
                             const mf_allocator *allocator)
{
    mf_workspace_spec spec;
    mf_workspace *workspace;
    must(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = network;
    spec.max_batch = max_batch;
    spec.pool = pool;
    spec.allocator = allocator;
    must(mf_workspace_create(&spec, &workspace));
    return workspace;
}

static uint64_t next_bits(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

float *make_inputs(size_t count)
{
    uint64_t state = 1;
    float *values = malloc(count * sizeof *values);
    if (!values)
        give_up("no memory for", "the inputs");
    for (size_t i = 0; i < count; i++) {
        double sum = -6.0;
        for (int part = 0; part < 12; part++)
            sum += (double)next_bits(&state) / 2147483648.0;
        values[i] = (float)sum;
    }
    return values;
}

int32_t *make_labels(size_t count)
{
    uint64_t state = 2;
    int32_t *labels = malloc(count * sizeof *labels);
    if (!labels)
        give_up("no memory for", "the labels");
    for (size_t i = 0; i < count; i++)
        labels[i] = (int32_t)(next_bits(&state) % CLASSES);
    return labels;
}

char *copy_words(const char *list)
{
    char *to = malloc(strlen(list) + 1);
    if (!to)
        give_up("no memory for", list);
    return strcpy(to, list);
}

char *next_word(char **list)
{
    char *word = *list;
    if (!word || !*word)
        return NULL;
    char *comma = strchr(word, ',');
    *list = comma ? comma + 1 : NULL;
    if (comma)
        *comma = '\0';
    return word;
}

const char *argument(int count, char **arguments, const char *name, const char *otherwise)
{
    size_t length = strlen(name);
    for (int i = 1; i < count; i++)
        if (strncmp(arguments[i], "--", 2) == 0 && strncmp(arguments[i] + 2, name, length) == 0 &&
            arguments[i][2 + length] == '=')
            return arguments[i] + 3 + length;
    return otherwise;
}

int has_flag(int count, char **arguments, const char *name)
{
    for (int i = 1; i < count; i++)
        if (strncmp(arguments[i], "--", 2) == 0 && strcmp(arguments[i] + 2, name) == 0)
            return 1;
    return 0;
}

/* Whether the options have one of this name that takes a value just when `valued`. */
static int is_option(const char *options, const char *name, size_t length, int valued)
{
    for (const char *at = options; (at = strstr(at, "[--")); at += 3)
        if (strncmp(at + 3, name, length) == 0 && at[3 + length] == (valued ? '=' : ']'))
            return 1;
    return 0;
}

void check_options(int count, char **arguments, const char *options)
{
    for (int i = 1; i < count; i++) {
        const char *name = strncmp(arguments[i], "--", 2) == 0 ? arguments[i] + 2 : "";
        size_t length = strcspn(name, "=");
        int help = strcmp(name, "help") == 0;
        if (length > 0 && is_option(options, name, length, name[length] == '='))
            continue;
        if (!help)
            fprintf(stderr, "%s: no such option: %s\n", arguments[0], arguments[i]);
        fprintf(help ? stdout : stderr, "usage: %s %s\n", arguments[0], options);
        exit(help ? 0 : 2);
    }
}

size_t peak_resident(void)
{
    char line[256];
    size_t kibibytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kibibytes = strtoul(line + 6, NULL, 10);
    fclose(file);
    return kibibytes * 1024;
}

void reset_peak_resident(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return;
    fputs("5", file);
    fclose(file);
}
