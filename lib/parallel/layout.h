/* Owns: where everything lies in the one block of a pipeline. */
#ifndef MFI_PARALLEL_LAYOUT_H
#define MFI_PARALLEL_LAYOUT_H

#include "parallel/pipeline.h"

/* Parts of the room that each lane has: counts of floats and where they begin in it. */
enum { MFI_LANE_X, MFI_LANE_LABELS, MFI_LANE_WEIGHTS, MFI_LANE_EVEN, MFI_LANE_ODD, MFI_LANE_PARTS };

typedef struct mfi_pipeline_layout {
    size_t workers, groups, depth,
        kept; /* workers: one at least, for its scratch, and no more than can work */
    size_t lane_counts[MFI_LANE_PARTS], lane_offsets[MFI_LANE_PARTS], lane_bytes;
    size_t scratch_bytes; /* of each worker */
    size_t flags;         /* parameters of all layers */
    size_t members, lanes, settings, trains, reports, worker_list, group_list, lane_rooms, scratch_rooms;
    size_t bytes;
} mfi_pipeline_layout;

/* OVERFLOW if it does not fit. */
mf_status mfi_pipeline_lay_out(const mf_pipeline_spec *spec, mfi_pipeline_layout *plan);

/* Points the parts of a pipeline whose block has the layout to their places. */
void mfi_pipeline_carve(mf_pipeline *pipeline, const mfi_pipeline_layout *plan);

#endif
