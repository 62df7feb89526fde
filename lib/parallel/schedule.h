/* Owns: which item is next, and what its end means for others. All calls hold the pipeline's lock. */
#ifndef MFI_PARALLEL_SCHEDULE_H
#define MFI_PARALLEL_SCHEDULE_H

#include "parallel/pipeline.h"

/* The ready group with the oldest batch, marked as busy; NULL if none is ready or the pipeline has stopped.
 */
mfi_group *mfi_schedule_take(mf_pipeline *pipeline);

/* The group has finished its batch: wakes those that this concerns. */
void mfi_schedule_finish(mf_pipeline *pipeline, mfi_group *group);

/* Batches that have left the last group. */
uint64_t mfi_schedule_finished(const mf_pipeline *pipeline);

#endif
