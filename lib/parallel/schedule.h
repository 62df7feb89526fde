/* Owns: which work item is next, and which ones become ready when it is finished. Callers hold the pipeline's
 * lock. */
#ifndef MFI_PARALLEL_SCHEDULE_H
#define MFI_PARALLEL_SCHEDULE_H

#include "parallel/pipeline.h"

/* Marks the ready group with the oldest batch as busy and returns it; NULL if none is ready or the pipeline
 * has stopped. */
mfi_group *mfi_schedule_take(mf_pipeline *pipeline);

/* The group has finished its batch: wakes the threads that wait for that. */
void mfi_schedule_finish(mf_pipeline *pipeline, mfi_group *group);

/* The group's layers are not being trained any more, if it has finished all batches. */
void mfi_schedule_disclaim(mf_pipeline *pipeline, const mfi_group *group);

/* Number of batches that the last group has finished. */
uint64_t mfi_schedule_finished(const mf_pipeline *pipeline);

#endif
