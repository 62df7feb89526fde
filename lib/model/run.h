/* Owns: a batch on its way through one layer: what stages read, and what becomes of gradients. */
#ifndef MFI_MODEL_RUN_H
#define MFI_MODEL_RUN_H

#include "model/layer.h"
#include "model/scratch.h"

/* What is done with a gradient as soon as it is there. Gradients of a layer never exist all at once. */
typedef enum mfi_use {
    MFI_UPDATE,  /* the optimizer's update follows at once */
    MFI_MEASURE, /* its square is added to the norm's, for clipping */
    MFI_STORE    /* it is written to where the host wants it */
} mfi_use;

typedef struct mfi_run {
    const mf_layer *layer;
    const mfi_settings *settings; /* NULL: inference */
    const mfi_scratch *scratch;
    const mfi_rows *rows; /* the layer's input */
    float *a;             /* [B, n] the layer's output */

    /* On the way back. */
    mfi_use use;
    mf_layer *learner; /* the layer, where it is updated */
    double squares;    /* the sum so far */
    float *out;        /* gradients of all parameters, one after the other */
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

/* Values of a parameter of a stage; NULL if it has none. */
const float *mfi_run_values(const mfi_run *run, size_t stage, mfi_role role);

/* A parameter that gradients are for. */
typedef struct mfi_target {
    bool wanted; /* false: there is none, or it is frozen */
    size_t number;
    mfi_rule rule; /* the update that comes, for MFI_UPDATE */
} mfi_target;

/* Asked once for each parameter and way back, since it counts the update. */
mfi_target mfi_run_target(mfi_run *run, int32_t parameter);

/* Takes the gradient of [rows, columns] of a parameter, which begin at its value `first` and lie `stride`
 * apart. gradient [rows, columns]. Nothing happens if it is not wanted. */
void mfi_run_take(mfi_run *run, const mfi_target *target, size_t first, size_t rows, size_t columns,
                  size_t stride, const float *gradient);

/* Whether the stage normalises by the batch's mean and variance; without, by the running ones. */
bool mfi_run_uses_batch(const mfi_run *run, size_t stage);

#endif
