/* training: joint steps of a network, layer after layer in a workspace, or in a pipeline.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_TRAINING_H
#define STUDIES_TRAINING_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, it can be closed at any point. */
struct training {
    mf_network *network;     /* borrowed */
    mf_workspace *workspace; /* one of these two */
    mf_pipeline *pipeline;
};

/* `workers` 0: a workspace, otherwise a pipeline; with a pool, its threads share the work of either. On
 * failure prints one line and returns false; so does training_add_losses(). */
bool training_open(struct training *training, mf_network *network, size_t workers, mf_pool *pool,
                   size_t max_batch, const mf_allocator *allocator);

/* The same for batches whose inputs may be bytes. */
bool training_open_bytes(struct training *training, mf_network *network, size_t workers, mf_pool *pool,
                         size_t max_batch, const mf_allocator *allocator);
void training_close(struct training *training);

/* All layers learn from the batch; with workers they may do so later. */
mf_status training_step(struct training *training, size_t rows, const float *x, const int32_t *y);
mf_status training_step_batch(struct training *training, const mf_batch *batch);

/* Adds, for each row that was learned from, the loss of the layer to losses[layer]: of the last step, from
 * the layer `first` on, or of all that the workers have finished since the last call. */
bool training_add_losses(struct training *training, size_t first, double *losses);

/* Waits until the workers have learned from all batches, and adds those losses too; `losses` may be NULL. */
mf_status training_finish(struct training *training, double *losses);

#endif
