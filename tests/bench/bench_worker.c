/* Our side of a comparison between processes: trains when told to and says how long it took.
 *
 *     bench_worker ARCH BATCH OPTIMIZER THREADS
 *
 * Reads "run N" lines: N steps, answers with the seconds; "rss": answers with the peak resident bytes of
 * the process since the data was there, less the data, and with those beyond what it had then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { BATCHES = 16 };

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: bench_worker ARCH BATCH OPTIMIZER THREADS\n");
        return 1;
    }
    shape layers = parse_shape(arguments[1]);
    size_t batch = strtoul(arguments[2], NULL, 10), inputs = layers.widths[0], next = 0, steps;
    float *x = make_inputs(BATCHES * batch * inputs);
    int32_t *y = make_labels(BATCHES * batch);
    reset_peak_resident();
    size_t before = peak_resident(), data = BATCHES * batch * (inputs * sizeof *x + sizeof *y);
    mf_optimizer *optimizer = make_optimizer(arguments[3], NULL);
    mf_network *network = make_network(&layers, optimizer, NULL);
    mf_workspace *workspace = make_workspace(network, batch, NULL);
    char line[64];

    if (mf_blas_set_threads(atoi(arguments[4])) != MF_STATUS_OK)
        fprintf(stderr, "%s\n", mf_last_message());
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "run %zu", &steps) == 1) {
            double start = seconds_now();
            for (size_t i = 0; i < steps; i++, next = (next + 1) % BATCHES)
                must(mf_network_step(network, workspace, batch, x + next * batch * inputs, y + next * batch));
            printf("%.9f\n", seconds_now() - start);
        } else if (strcmp(line, "rss\n") == 0) {
            printf("%zu %zu\n", peak_resident() - data, peak_resident() - before);
        } else if (strcmp(line, "blas\n") == 0) {
            printf("%s\n", mf_blas_name());
        }
        fflush(stdout);
    }
    mf_workspace_free(workspace);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    free(x);
    free(y);
    return 0;
}
