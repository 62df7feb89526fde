/* losses: sums the training losses of layers over the samples they have learned from.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_LOSSES_H
#define STUDIES_LOSSES_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>

/* Adds the losses of the last step in `workspace`, of the layers from `first` to before `end`, to
 * losses[layer]. On failure prints one line and returns false; so does the other. */
bool losses_add_step(const mf_workspace *workspace, size_t first, size_t end, double *losses);

/* The same for all layers and batches that the workers of `pipeline` have finished meanwhile. */
bool losses_add_finished(mf_pipeline *pipeline, double *losses);

#endif
