/* signatures: the signs that the paper gives for a training that goes wrong, as warnings.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MNIST_SIGNATURES_H
#define MNIST_SIGNATURES_H

#include "history.h"
#include "memory.h"
#include "model.h"
#include "parameters.h"

/* Which warnings have been given already. */
struct signatures {
    bool stuck[SIZE_LIST_CAPACITY];
    bool plateau;
};

/* Training should hold less memory than backpropagation. */
void signatures_check_memory(const struct memory *memory, const struct parameter_counts *size);

/* A loss should leave ln m, and the first layer should improve as long as deeper ones do. */
void signatures_check_epoch(struct signatures *signatures, const struct history *history, bool greedy);

/* Both predictions should agree in the end. */
void signatures_check_end(const struct history *history);

#endif
