/* Owns: the layout of the one block of memory of a pipeline. */
#ifndef MFI_PARALLEL_LAYOUT_H
#define MFI_PARALLEL_LAYOUT_H

#include "parallel/pipeline.h"

/* Parts of the memory of a slot: the number of values of each, and where each begins. */
enum { MFI_BATCH_X, MFI_BATCH_LABELS, MFI_BATCH_WEIGHTS, MFI_BATCH_EVEN, MFI_BATCH_ODD, MFI_BATCH_PARTS };

typedef struct mfi_pipeline_layout {
    size_t threads, groups, depth, kept;
    size_t items; /* that can be worked on at the same time, 1 or more */
    size_t slot_counts[MFI_BATCH_PARTS], slot_offsets[MFI_BATCH_PARTS], slot_bytes;
    mfi_scratch_size scratch; /* of each item, and of each thread */
    size_t flags;             /* one for each parameter of all layers */
    size_t members, slots, settings, trains, reports, group_list, free_rooms, slot_rooms, rooms, own;
    size_t bytes;
} mfi_pipeline_layout;

/* For that many threads. OVERFLOW if it does not fit. */
mf_status mfi_pipeline_lay_out(const mf_pipeline_spec *spec, size_t threads, mfi_pipeline_layout *plan);

/* Sets the pointers of a pipeline to the parts of its block, which has this layout. */
void mfi_pipeline_set_pointers(mf_pipeline *pipeline, const mfi_pipeline_layout *plan);

#endif
