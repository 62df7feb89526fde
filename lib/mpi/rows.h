/* Owns: which layers of all stages learn from no batch of one row, since they would normalise single values.
 */
#ifndef MFM_ROWS_H
#define MFM_ROWS_H

#include "trainer.h"

/* Tells all ranks of the line what each of its layers needs. Collective. Errors: IO. */
mf_status mfm_rows_agree(mf_mpi_trainer *trainer);

/* CAPACITY if a layer from `learner` to before `end` of the whole network cannot learn from so many rows. */
mf_status mfm_rows_check(const mf_mpi_trainer *trainer, size_t rows, size_t learner, size_t end);

#endif
