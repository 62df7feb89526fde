/* Owns: a worker, which runs work items one after the other. */
#ifndef MFI_PARALLEL_WORKER_H
#define MFI_PARALLEL_WORKER_H

#include "parallel/pipeline.h"

/* Starts the thread; false if the system cannot start one. */
bool mfi_worker_start(mfi_worker *worker);

/* Runs items on this thread until none is ready. The caller holds the lock. */
void mfi_worker_run_ready(mfi_worker *worker);

/* Writes the report of a layer that skips a batch. */
void mfi_worker_leave_out(mf_pipeline *pipeline, uint64_t batch, size_t position);

#endif
