/* FANN's side of a comparison: the same network in its library, trained by its incremental
 * backpropagation. Commands as in bench_worker.c.
 *
 *     fann_worker ARCH BATCH */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <floatfann.h>

#include "support.h"

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: fann_worker ARCH BATCH\n");
        return 1;
    }
    shape layers = parse_dense_shape(arguments[1]);
    size_t batch = strtoul(arguments[2], NULL, 10), steps;
    unsigned widths[MOST_LAYERS + 2];
    for (size_t i = 0; i <= layers.layers; i++)
        widths[i] = (unsigned)layers.widths[i];
    widths[layers.layers + 1] = CLASSES;
    struct fann *net = fann_create_standard_array((unsigned)layers.layers + 2, widths);
    if (!net)
        return 1;
    fann_set_activation_function_hidden(net, FANN_LINEAR_PIECE);
    fann_set_activation_function_output(net, FANN_SIGMOID);
    fann_set_learning_rate(net, 1e-4f);
    float *x = make_inputs(batch * layers.widths[0]);
    int32_t *y = make_labels(batch);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %zu", &steps) != 1)
            continue;
        double start = seconds_now();
        for (size_t step = 0; step < steps; step++)
            for (size_t b = 0; b < batch; b++) {
                fann_type target[CLASSES] = {0};
                target[y[b]] = 1.0f;
                fann_train(net, x + b * layers.widths[0], target);
            }
        printf("%.9f\n", seconds_now() - start);
        fflush(stdout);
    }
    fann_destroy(net);
    free(x);
    free(y);
    return 0;
}
