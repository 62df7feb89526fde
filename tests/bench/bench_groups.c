/* A step with a convolution in groups, 3 x 3: by the library's kernels, by patches and the BLAS library, and
 * by PyTorch, in turns.
 *
 *     bench_groups [--maps=128] [--size=32] [--per-group=1] [--stride=1] [--batch=32] [--threads=1]
 *                  [--rounds=7] [--steps=10] [--python=PROGRAM]
 *
 * The layer is ReLU, the convolution, the mean of every map, M of 10 classes; the gradient goes back through
 * all of it. `torch` does the same with autograd; `torch_conv` is PyTorch's convolution alone, with both of
 * its gradients. Every competitor is a process of its own. Printed are medians over the rounds. */
#define _POSIX_C_SOURCE 200809L /* setenv() */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "support.h"

enum { MOST_ROUNDS = 101 };

/* ---- a process of ours: PRODUCTS MAPS SIZE GROUPS STRIDE BATCH THREADS ---- */

static mf_layer *make_layer(size_t maps, size_t size, size_t groups, size_t stride)
{
    mf_builder *builder;
    mf_layer *layer;
    mf_builder_spec spec;
    mf_shape input = {.struct_size = sizeof input, .rank = 3, .dims = {maps, size, size, 1}};
    mf_unit_spec unit;
    mf_head_spec head;
    must(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = &input;
    must(mf_builder_create(&spec, &builder));
    must(mf_unit_spec_init(&unit, sizeof unit));
    unit.kind = MF_UNIT_ACTIVATION;
    must(mf_builder_unit(builder, &unit, NULL));
    unit.kind = MF_UNIT_CONV2D;
    unit.outputs = maps;
    unit.groups = groups;
    unit.padding[0] = unit.padding[1] = 1;
    unit.stride[0] = unit.stride[1] = stride;
    must(mf_builder_unit(builder, &unit, NULL));
    must(mf_head_spec_init(&head, sizeof head));
    head.classes = CLASSES;
    head.pool_size = 1;
    must(mf_builder_head(builder, &head));
    must(mf_layer_build(builder, &layer));
    mf_builder_free(builder);
    return layer;
}

static int work(char **words)
{
    size_t sizes[6];
    for (int i = 0; i < 6; i++)
        sizes[i] = strtoul(words[1 + i], NULL, 10);
    if (strcmp(words[0], "best") != 0)
        setenv("MF_PRODUCTS", words[0], 1);
    float *x = make_inputs(sizes[4] * sizes[0] * sizes[1] * sizes[1]);
    int32_t *y = make_labels(sizes[4]);
    mf_optimizer *optimizer = make_optimizer("sgd", NULL);
    mf_pool *pool = make_pool((unsigned)sizes[5]);
    mf_layer *layer = make_layer(sizes[0], sizes[1], sizes[2], sizes[3]);
    mf_network *network;
    char line[CHILD_TEXT];
    must(mf_network_create(NULL, &network));
    must(mf_network_append(network, layer, NULL));
    must(mf_network_set_optimizer(network, optimizer));
    mf_workspace *workspace = make_workspace(network, sizes[4], pool, NULL);
    while (fgets(line, sizeof line, stdin)) {
        double start = seconds_now();
        for (size_t steps = strtoul(line + 4, NULL, 10); steps > 0; steps--)
            must(mf_network_step(network, workspace, sizes[4], x, y));
        printf("%.6f\n", seconds_now() - start);
        fflush(stdout);
    }
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
    mf_pool_free(pool);
    free(x);
    free(y);
    return 0;
}

/* ---- the comparison ---- */

typedef struct rival {
    const char *name;
    child process;
    double seconds[MOST_ROUNDS];
} rival;

static void measure(rival *rivals, size_t count, size_t rounds, size_t steps, const char *what)
{
    for (size_t i = 0; i < count; i++)
        (void)ask_seconds(&rivals[i].process, 2); /* the first steps meet memory that was never used */
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            rivals[i].seconds[round] = ask_seconds(&rivals[i].process, steps) / (double)steps;
    double ours = median(rivals[0].seconds, rounds);
    for (size_t i = 0; i < count; i++) {
        double middle = median(rivals[i].seconds, rounds);
        printf("result bench=groups %s competitor=%s ms=%.3f of_ours=%.2f\n", what, rivals[i].name,
               middle * 1e3, middle / ours);
        end_child(&rivals[i].process);
    }
}

int main(int count, char **arguments)
{
    if (count == 9 && strcmp(arguments[1], "worker") == 0)
        return work(arguments + 2);
    check_options(count, arguments,
                  "[--maps=128] [--size=32] [--per-group=1] [--stride=1] [--batch=32] [--threads=1] "
                  "[--rounds=7] [--steps=10] [--python=PROGRAM]");
    const char *maps = argument(count, arguments, "maps", "128"),
               *size = argument(count, arguments, "size", "32"),
               *stride = argument(count, arguments, "stride", "1"),
               *batch = argument(count, arguments, "batch", "32"),
               *threads = argument(count, arguments, "threads", "1"),
               *per_group = argument(count, arguments, "per-group", "1"),
               *python = find_torch(argument(count, arguments, "python", ""));
    size_t rounds = strtoul(argument(count, arguments, "rounds", "7"), NULL, 10);
    size_t steps = strtoul(argument(count, arguments, "steps", "10"), NULL, 10);
    size_t divisor = strtoul(per_group, NULL, 10);
    char groups[32], what[CHILD_TEXT];
    rival rivals[4] = {{.name = "ours"}, {.name = "patches"}, {.name = "torch"}, {.name = "torch_conv"}};
    if (rounds < 1 || rounds > MOST_ROUNDS || steps < 1 || divisor < 1)
        give_up("rounds must be 1 to 101, steps and maps per group 1 or more, got", per_group);
    snprintf(groups, sizeof groups, "%lu", strtoul(maps, NULL, 10) / (unsigned long)divisor);
    snprintf(what, sizeof what, "maps=%s size=%s per_group=%s stride=%s batch=%s threads=%s", maps, size,
             per_group, stride, batch, threads);
    for (int i = 0; i < 2; i++) {
        const char *const command[] = {
            arguments[0], "worker", i == 0 ? "best" : "blas", maps, size, groups, stride, batch,
            threads,      NULL};
        rivals[i].process = start_child(command, "1");
    }
    for (int i = 2; python && i < 4; i++) {
        const char *const command[] = {python,
                                       BENCH_FOLDER "/torch_groups.py",
                                       i == 2 ? "step" : "conv",
                                       maps,
                                       size,
                                       groups,
                                       stride,
                                       batch,
                                       threads,
                                       NULL};
        rivals[i].process = start_child(command, threads);
    }
    measure(rivals, python ? 4 : 2, rounds, steps, what);
    return 0;
}
