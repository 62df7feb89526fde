/* Owns: running a work item. */
#ifndef MFI_PARALLEL_WORKER_H
#define MFI_PARALLEL_WORKER_H

#include "parallel/pipeline.h"

/* Runs the next item of a pipeline's source on this thread, which has that slot; false if none is ready. The
 * caller holds the lock. */
bool mfi_worker_run_one(mfi_source *source, size_t slot);

/* Writes the report of a layer that skips a batch. */
void mfi_worker_leave_out(mf_pipeline *pipeline, uint64_t batch, size_t position);

#endif
