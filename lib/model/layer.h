/* Owns: a layer: its parameters, their optimizer state, its options, and its positions in its random streams.
 */
#ifndef MFI_MODEL_LAYER_H
#define MFI_MODEL_LAYER_H

#include "base/handle.h"
#include "base/team.h"
#include "math/kernels.h"
#include "model/optimizer.h"
#include "model/plan.h"

/* The progress of training. */
typedef struct mfi_progress {
    uint64_t applied; /* number of batches that the layer has learned from */
    uint64_t dropped; /* number of dropout masks drawn */
    uint64_t renewed; /* how often M has been drawn */
} mfi_progress;

struct mf_layer {
    mfi_handle handle;
    mfi_plan plan; /* what the layer is now */
    const mfi_kernels *kernels;
    mf_optimizer *optimizer;
    mfi_parameter *parameters; /* [plan.parameter_count] */
    unsigned char *trains;     /* [plan.parameter_count] 0: frozen */
    uint64_t revision;         /* changes with the number of classes */
    mfi_progress progress;
    atomic_bool spoiled;  /* in a step: by a trial, the update would leave a parameter that is not finite */
    atomic_bool doubtful; /* parameters must be looked at behind the update, whether they are finite */

    _Atomic(const void *) user; /* the handle through which it is being trained, if it is */

    /* While a change is prepared: see change.h. */
    mf_optimizer *next_optimizer;
    size_t next_classes;
};

/* A copy of everything but the parameters that a step depends on. A step that another thread runs later reads
 * the copy, so the host may change the options meanwhile. */
typedef struct mfi_settings {
    mf_optimizer_spec optimizer; /* all 0 if there is none */
    bool has_momentum;
    bool checked;                /* a trial comes before the update */
    const unsigned char *trains; /* [parameters] */
    float dropout, label_smoothing;
} mfi_settings;

/* A checked batch. Labels are NULL where none are needed, weights where all are equal. */
typedef struct mfi_rows {
    size_t count;
    const float *x;
    size_t stride;
    const int32_t *labels; /* [count, scored] */
    const float *weights;  /* [count] */
    size_t scored;         /* goodness of a row: for each of its positions, or 1 */
} mfi_rows;

/* Creates a layer from a complete plan. Without `draw`, all values are 0. */
mf_status mfi_layer_create(const mfi_plan *plan, const mf_allocator *allocator, bool draw, mf_layer **layer);
void mfi_layer_release(mf_layer *layer);

/* For calls that are about a layer alone, wherever it is. */
#define MFI_NO_POSITION SIZE_MAX

/* Marks the layer at `position` as being trained through the handle `user`, a pipeline with a batch on its
 * way or a workspace: BUSY if it is through another one. The mark is removed if it is that of `user`. */
mf_status mfi_layer_claim(mf_layer *layer, size_t position, const void *user);
void mfi_layer_disclaim(mf_layer *layer, const void *user);
bool mfi_layer_claimed_by(const mf_layer *layer, const void *user);

/* Size of its handle in bytes. */
size_t mfi_layer_bytes(const mfi_plan *plan);

mf_status mfi_layer_set(mf_layer *layer, int32_t key, double value);
mf_status mfi_layer_get(const mf_layer *layer, int32_t key, double *value);

/* Number of the parameter of that name, or NOT_FOUND. */
mf_status mfi_layer_find(const mf_layer *layer, const char *name, size_t *number);

/* Freezes a parameter or lets it learn; mean and variance of a unit together. */
void mfi_layer_set_trainable(mf_layer *layer, size_t number, bool trainable);

bool mfi_layer_trains(const mf_layer *layer, size_t number);

/* CAPACITY if, in a step with that many rows, a unit would normalise a channel with a single value. */
mf_status mfi_layer_check_rows(const mf_layer *layer, size_t position, size_t rows);

/* The rows that a batch's inputs have become: NUMERIC if the network's scaling has made one infinite,
 * ARGUMENT if the layer embeds its input, and a value there is none of its tokens. */
mf_status mfi_layer_check_taken(const mf_layer *layer, bool scaled, const mfi_rows *rows);

/* The layer's options and its optimizer's hyper-parameters as they are now. `trains` is the layer's own. */
mfi_settings mfi_layer_settings(const mf_layer *layer);

/* Dropout on the output that the next layer reads, with the layer's next mask. The mask remains the next one
 * until the call that uses it has succeeded. */
void mfi_layer_drop(const mf_layer *layer, const mfi_team *team, const mfi_settings *settings, size_t rows,
                    float *a);
void mfi_layer_count_mask(mf_layer *layer, const mfi_settings *settings);

/* Sets values of a[count], or whole maps of `area` values, to 0 and scales the rest. The stream decides which
 * ones. */
void mfi_dropout(const mf_layer *layer, const mfi_team *team, uint32_t purpose, float rate, bool maps,
                 size_t area, size_t count, float *a);

/* ---- for model files and snapshots ---- */

/* Makes the rounded copy of a parameter anew, if it has one, when its values have changed. */
void mfi_layer_round(mf_layer *layer, size_t number);

/* The tensor of a parameter: its values for slot -1, or that slot of its optimizer's state, which must exist.
 * Copies `count` values from number `first` in plain order on. Values are set from the first to the last. */
void mfi_layer_get_values(const mf_layer *layer, size_t number, int32_t slot, size_t first, size_t count,
                          float *values);
void mfi_layer_set_values(mf_layer *layer, size_t number, int32_t slot, size_t first, size_t count,
                          const float *values);

/* The progress of training: with the tensors, it is all that is needed to resume a layer. `steps`
 * [parameters] are those of mfi_parameter. */
const mfi_progress *mfi_layer_progress(const mf_layer *layer);
uint64_t mfi_layer_steps(const mf_layer *layer, size_t number);
void mfi_layer_restore(mf_layer *layer, const mfi_progress *progress);
void mfi_layer_restore_steps(mf_layer *layer, size_t number, uint64_t steps);

#endif
