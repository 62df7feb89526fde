/* memory: what training holds, and what backpropagation would hold for the same job.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_MEMORY_H
#define MNIST_MEMORY_H

#include "model.h"
#include "settings.h"

struct memory {
    double held;    /* bytes, counted: all that the library has allocated for training */
    double backpropagation; /* bytes, reckoned for the same layers, batch and optimizer; if the network is one
                               layer, which is backpropagation, what mf_memory_query() had said */
};

/* Call it when the network has its full depth. On failure prints one line and returns false. */
bool memory_compare(const struct model *model, const struct settings *settings, struct memory *memory);

#endif
