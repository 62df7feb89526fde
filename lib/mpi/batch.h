/* Owns: what a rank of the first stage is given for a step: what is wrong with it, and what it weighs. */
#ifndef MFM_BATCH_H
#define MFM_BATCH_H

#include "trainer.h"

/* The sum of the weights of all labels, `labels` a row: what the mean loss of the batch is a mean over.
 * Smaller weights than float32 has normal numbers count as 0, as in a step. */
double mfm_batch_weight(const mf_batch *batch, size_t labels);

/* Reads the host's batch, and finds what is wrong with its size, labels and weights before the first layer
 * has it: layers that only pass it on do not look at labels. With other replicas there may be none (NULL),
 * and one without weight has no rows. Errors: as mf_mpi_step(); `batch` has no rows then. */
mf_status mfm_batch_read(const mf_mpi_trainer *trainer, const mf_batch *source, mf_batch *batch);

#endif
