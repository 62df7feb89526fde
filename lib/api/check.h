/* Owns: the checks that the exported functions share. */
#ifndef MFI_API_CHECK_H
#define MFI_API_CHECK_H

#include "base/status.h"
#include "base/subnormal.h"
#include "model/workspace.h"

/* ARGUMENT, with the name in the message, if the pointer is NULL. */
mf_status mfi_check_pointer(const void *pointer, const char *name);

/* ARGUMENT if an allocator is given in which a function is NULL. */
mf_status mfi_check_allocator(const mf_allocator *allocator);

/* Reads an output of the caller's. ARGUMENT if it is NULL, of an impossible size, or without a function. */
mf_status mfi_check_output(const mf_output *output, mf_output *known);

/* A batch of dense rows, from the arguments of the functions that take no mf_batch. */
mf_batch mfi_flat_batch(size_t rows, const float *x, const int32_t *labels);

/* CAPACITY unless there are 1 to `max_batch` rows. */
mf_status mfi_check_row_count(size_t rows, size_t max_batch);

/* Checks everything about a batch for the layer, also that every input is finite, and writes it to `inputs`
 * and, but for x and its stride, to `rows`. Labels and weights are read only if `labelled`. */
mf_status mfi_check_batch(const mf_batch *batch, const mf_layer *layer, size_t max_batch, bool labelled,
                          mfi_inputs *inputs, mfi_rows *rows);

/* The same for a call with a workspace, in which the layer has that index. x are floats: the caller's, or
 * those that the workspace has been given for inputs of another type. */
mf_status mfi_check_rows(const mf_batch *batch, const mf_layer *layer, mf_workspace *workspace, size_t index,
                         bool labelled, mfi_rows *rows);

#endif
