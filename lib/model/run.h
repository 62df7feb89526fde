/* Owns: one batch in one layer: the inputs of stages in the forward pass, and the use of gradients in the
 * backward pass. */
#ifndef MFI_MODEL_RUN_H
#define MFI_MODEL_RUN_H

#include "model/layer.h"
#include "model/scratch.h"

/* How a gradient is used as soon as it is computed. The gradients of a layer are never all stored at the same
 * time. */
typedef enum mfi_use {
    MFI_UPDATE,  /* the optimizer's update follows at once */
    MFI_TRIAL,   /* the update is computed, but not stored, to see whether its result is finite */
    MFI_MEASURE, /* its square is added to the norm's, for clipping */
    MFI_STORE    /* it is written to the host's buffer */
} mfi_use;

typedef struct mfi_run {
    const mf_layer *layer;
    const mfi_settings *settings; /* NULL: inference */
    const mfi_scratch *scratch;   /* as this thread sees it */
    const mfi_team *team;         /* NULL: no other thread helps */
    const mfi_rows *rows;         /* the layer's input */
    float *a;                     /* [B, n] the layer's output */
    size_t columns;               /* of a step whose head is sampled: of scratch->candidates; else 0 */

    /* Used in the backward pass. */
    mfi_use use;
    mf_layer *learner; /* the layer, if it is updated */
    double squares;    /* the sum so far */
    float *out;        /* gradients of all parameters, one after the other */
    mfi_correction correction;
} mfi_run;

/* Rows of values, `stride` apart. */
typedef struct mfi_input {
    const float *x;
    size_t stride;
} mfi_input;

/* Input `which` of a stage. */
mfi_input mfi_run_input(const mfi_run *run, size_t stage, int which);

/* Where the stage's output is. */
float *mfi_run_output(const mfi_run *run, size_t stage);

/* Copies the stage's only input to its output, for stages that work there; returns that. */
float *mfi_run_copy_input(const mfi_run *run, size_t stage);

/* Values of a parameter of a stage; NULL if it has none. */
const float *mfi_run_values(const mfi_run *run, size_t stage, mfi_role role);

/* A parameter that gradients are for. */
typedef struct mfi_target {
    bool wanted; /* false: there is none, or it is frozen */
    size_t number;
    mfi_rule rule; /* the update that comes, for MFI_UPDATE and MFI_TRIAL */
} mfi_target;

/* Call it once for each parameter in a backward pass, since it counts the update. */
mfi_target mfi_run_target(mfi_run *run, int32_t parameter);

/* An update leaves parameters that are finite, or NUMERIC tells otherwise. Whatever updates a part of a parameter
 * tells whether all of its new values are finite; `end`, behind all updates, names the parameter that is not. */
void mfi_run_updated(const mfi_run *run, bool finite);
mf_status mfi_run_end_update(const mfi_run *run);

/* NUMERIC if an MFI_TRIAL has found that the update would leave a parameter that is not finite. */
mf_status mfi_run_end_trial(const mfi_run *run);

/* Uses the gradient [rows, columns] of a part of a parameter, which begins at its value `first` and has the
 * row stride `stride`. Does nothing if the gradient is not wanted. */
void mfi_run_take(mfi_run *run, const mfi_target *target, size_t first, size_t rows, size_t columns,
                  size_t stride, const float *gradient);

/* A piece of a stage's work. `mine` is a copy of the run for the thread that does it, with that thread's
 * scratch. Pieces must not depend on each other, nor on the number of threads. */
typedef void (*mfi_piece)(mfi_run *mine, void *context, size_t index);

/* Does the pieces with index 0 to count - 1, on all threads that are free. */
void mfi_run_share(const mfi_run *run, size_t count, mfi_piece piece, void *context);

/* The same for pieces that hand gradients to mfi_run_take(). The stage has asked for `count` pieces in its
 * mfi_shared_sizes, since squares are added up in the order of the pieces. */
void mfi_run_share_gradients(mfi_run *run, size_t count, mfi_piece piece, void *context);

/* Does the items with number `first` to `end` - 1: rows of the batch, or what else does not depend on each
 * other. */
typedef void (*mfi_items)(mfi_run *mine, void *context, size_t first, size_t end);

/* Does `count` items of about so many values each, on all threads that are free: several in a piece if they
 * are small. */
void mfi_run_share_items(const mfi_run *run, size_t count, size_t values, mfi_items items, void *context);

/* Adds what the items `first` to `end` - 1 contribute to sums over the batch. */
typedef void (*mfi_summands)(mfi_run *mine, void *context, size_t first, size_t end, float *sums);

/* Sums [values] over `count` items, on all threads that are free: into scratch->sums, for which the stage has
 * asked with mfi_sums_room(). Some runs of items have sums of their own, which are added up in order. */
void mfi_run_share_sums(const mfi_run *run, size_t count, size_t values, mfi_summands summands,
                        void *context);

/* Floats of scratch->sums for that, and for fewer items; false if they do not fit. */
bool mfi_sums_room(size_t count, size_t values, size_t *floats);

/* Whether the stage normalises with the mean and variance of the batch; otherwise with the running ones. */
bool mfi_run_uses_batch(const mfi_run *run, size_t stage);

#endif
