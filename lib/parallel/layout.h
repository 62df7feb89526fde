/* Owns: the layout of the one block of memory of a pipeline. */
#ifndef MFI_PARALLEL_LAYOUT_H
#define MFI_PARALLEL_LAYOUT_H

#include "parallel/pipeline.h"

/* Parts of the memory of a slot: the number of values of each, and where each begins. */
enum { MFI_BATCH_X, MFI_BATCH_LABELS, MFI_BATCH_WEIGHTS, MFI_BATCH_EVEN, MFI_BATCH_ODD, MFI_BATCH_PARTS };

typedef struct mfi_pipeline_layout {
    size_t workers, groups, depth,
        kept; /* workers: at least 1, for its scratch, and no more than can have work */
    size_t slot_counts[MFI_BATCH_PARTS], slot_offsets[MFI_BATCH_PARTS], slot_bytes;
    size_t scratch_bytes; /* of each worker */
    size_t flags;         /* one for each parameter of all layers */
    size_t members, slots, settings, trains, reports, worker_list, group_list, slot_rooms, scratch_rooms;
    size_t bytes;
} mfi_pipeline_layout;

/* OVERFLOW if it does not fit. */
mf_status mfi_pipeline_lay_out(const mf_pipeline_spec *spec, mfi_pipeline_layout *plan);

/* Sets the pointers of a pipeline to the parts of its block, which has this layout. */
void mfi_pipeline_set_pointers(mf_pipeline *pipeline, const mfi_pipeline_layout *plan);

#endif
