/* Owns: what a worker does: items, one after the other. */
#ifndef MFI_PARALLEL_WORKER_H
#define MFI_PARALLEL_WORKER_H

#include "parallel/pipeline.h"

/* Starts the thread; false if the system has none. */
bool mfi_worker_start(mfi_worker *worker);

/* Does what is ready on this thread, until nothing is. The caller holds the lock. */
void mfi_worker_run_ready(mfi_worker *worker);

/* The report of a layer that leaves a batch out. */
void mfi_worker_leave_out(mf_pipeline *pipeline, uint64_t batch, size_t position);

#endif
