/* Owns: what other files must know of a dense stage: how it divides its neurons into panels, and what the two
 * ways to compute its products have in common. */
#ifndef MFI_MODEL_UNIT_DENSE_H
#define MFI_MODEL_UNIT_DENSE_H

#include "model/normalization.h"
#include "model/unit.h"

/* Neurons of a part of the stage, which one thread computes at a time. */
size_t mfi_dense_panel(const mfi_stage *stage);

/* Of a sequence, every position is a row of its own: inputs and rows of the product, and where they are. */
static inline size_t mfi_dense_inputs(const mfi_stage *stage)
{
    return stage->input_values / stage->positions;
}

static inline size_t mfi_dense_rows(const mfi_run *run, const mfi_stage *stage)
{
    return run->rows->count * stage->positions;
}

mfi_input mfi_dense_input(const mfi_run *run, size_t index);

/* What all panels of a backward pass have in common. */
typedef struct mfi_dense_pass {
    mfi_run *run;
    size_t index;
    const mfi_stage *stage;
    mfi_input input;
    size_t rows, n, k;
    bool joins; /* the head's gradients are computed along */
    const float *a, *z, *dy;
    mfi_moments moments;
    float inverse_count; /* 1 / rows if mean and variance depend on the rows, else 0 */
    float *dx;
    float *dz; /* [rows, n] all of it, in the place of dy, if dx is wanted; NULL: a part's is in scratch */
    mfi_target weight, bias, scale, projection;
    bool by_gram; /* the norm of dW is computed from Gram matrices instead of from dW */
} mfi_dense_pass;

/* Neurons, or inputs, [start, start + width). */
typedef struct mfi_dense_part {
    size_t start, width;
} mfi_dense_part;

/* A way to compute the products of a dense stage. */
typedef struct mfi_dense_products {
    /* Adds what it needs in scratch, for training or for the forward pass alone, to `shared`; false if it
     * does not fit. */
    bool (*sizes)(const mfi_stage *stage, size_t rows, bool training, mfi_shared_sizes *shared);

    /* Neurons of a part of the forward product for so many rows. */
    size_t (*forward_part)(const mfi_stage *stage, size_t rows);

    /* Before the first part of a forward pass. */
    void (*begin_forward)(const mfi_run *run, size_t index);

    /* to = x W^T for a part's neurons; `to` [rows, n] begins at neuron 0. */
    void (*forward)(const mfi_run *run, size_t index, mfi_dense_part part, float *to);

    /* Before the first panel of a pass whose dW is wanted as a whole. */
    void (*begin)(const mfi_dense_pass *pass);

    /* Before the first part of dx, and before begin(). */
    void (*begin_input)(const mfi_dense_pass *pass);

    /* dx = dz W for some of the inputs, from all of dz; with the W of before the update. */
    void (*input_gradient)(const mfi_dense_pass *pass, mfi_dense_part inputs);

    /* dW = dz^T x of a panel's neurons, used as the run says. */
    void (*weight_gradient)(const mfi_dense_pass *pass, mfi_dense_part part);
} mfi_dense_products;

extern const mfi_dense_products mfi_dense_own;  /* our own, with W in panels */
extern const mfi_dense_products mfi_dense_blas; /* those of the BLAS library, with W in plain order */

/* dz of a part's neurons, from row to row *stride apart. */
static inline const float *mfi_dense_dz(const mfi_dense_pass *pass, mfi_dense_part part, size_t *stride)
{
    *stride = pass->dz ? pass->n : part.width;
    return pass->dz ? pass->dz + part.start : pass->run->scratch->dz;
}

/* Values of W, or its optimizer's state, from that neuron on, which begins a panel; NULL stays NULL. */
static inline float *mfi_dense_at(const mfi_dense_pass *pass, float *values, size_t neuron)
{
    return values ? values + neuron * pass->k : NULL;
}

#endif
