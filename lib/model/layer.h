/* Owns: a layer: its parameters, their optimizer state, and the Mono-Forward step. */
#ifndef MFI_MODEL_LAYER_H
#define MFI_MODEL_LAYER_H

#include "base/handle.h"
#include "math/blas.h"
#include "math/kernels.h"
#include "model/optimizer.h"
#include "model/scratch.h"
#include "model/spec.h"

struct mfi_layer_kind;

typedef struct mfi_parameter {
    int32_t rank;
    size_t dims[4];
    size_t count;
    float *values;
    float *state[MFI_STATE_SLABS]; /* one block, carved; NULL where the optimizer needs none */
    size_t state_bytes;
    uint64_t steps; /* updates since the state started anew */
    int trainable;
} mfi_parameter;

struct mf_layer {
    mfi_handle head;
    mf_layer_spec spec; /* what the layer is now */
    const struct mfi_layer_kind *kind;
    const mfi_kernels *kernels;
    mfi_blas_counter blas;
    mf_optimizer *optimizer;
    mfi_parameter parameters[MFI_PARAMETERS];
    uint64_t revision; /* changes with the number of classes */
    uint64_t applied;  /* batches learned from */
    uint64_t dropped;  /* dropout masks drawn */
    uint64_t renewed;  /* how often M has been drawn */
};

/* What governs a step besides the parameters, as it was at one moment: a step that another thread runs later
 * does not read what the host may change meanwhile. */
typedef struct mfi_settings {
    mf_optimizer_spec optimizer; /* all 0 without one */
    bool has_momentum;
    bool
        trains[MFI_PARAMETERS]; /* false also for those the layer does not have; of mean and variance, whether
                                   they follow the batches, which are then what the layer normalises by */
    float dropout, label_smoothing;
} mfi_settings;

/* Products with M beyond this many classes are large enough for the BLAS library to do them well. */
enum { MFI_FEW_CLASSES = 32 };

/* A checked batch. Labels are NULL where none are needed, weights where all are equal. */
typedef struct mfi_rows {
    size_t count;
    const float *x;
    size_t stride;
    const int32_t *labels;
    const float *weights;
} mfi_rows;

/* What is particular to a kind of layer. */
typedef struct mfi_layer_kind {
    /* Scratch for `rows`; false if a size does not fit. The goodness is not its business. */
    bool (*scratch)(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes);

    /* a [rows, n] from x. With `settings` as the first part of a step, which leaves in scratch what the
     * gradients need; NULL for inference. */
    void (*forward)(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                    const mfi_rows *rows, float *a);

    /* Gradients of all parameters, one after the other, from scratch->goodness = dG; 0 for what is frozen. */
    void (*gradients)(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                      const mfi_rows *rows, const float *a, float *out);

    /* Clips and updates from scratch->goodness = dG. *norm receives the gradient's norm, or stays as it is
     * where nothing is clipped. NUMERIC, with nothing changed, if that is not finite. */
    mf_status (*learn)(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                       const mfi_rows *rows, const float *a, size_t position, double *norm);
} mfi_layer_kind;

extern const mfi_layer_kind mfi_layer_dense, mfi_layer_conv;

const mfi_layer_kind *mfi_kind_of(const mf_layer_spec *spec);

/* Takes a resolved spec. */
mf_status mfi_layer_create(const mf_layer_spec *spec, mf_layer **layer);
void mfi_layer_release(mf_layer *layer);

mf_status mfi_layer_set(mf_layer *layer, int32_t key, double value);
mf_status mfi_layer_get(const mf_layer *layer, int32_t key, double *value);

/* Parameter of that name in `found`, or NOT_FOUND. */
mf_status mfi_layer_find(const mf_layer *layer, const char *name, size_t *found);
const char *mfi_parameter_name(size_t parameter);

/* CAPACITY if the layer would normalise by a single value in a step of that many rows. */
mf_status mfi_layer_check_rows(const mf_layer *layer, size_t position, size_t rows);

/* What a layer of that spec needs; false if a size does not fit. */
bool mfi_layer_scratch(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes);

/* a [rows, n] as in inference. */
void mfi_layer_forward(const mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows, float *a);

/* G = F M^T, with F what M reads of a. */
void mfi_layer_goodness(const mf_layer *layer, const mfi_scratch *scratch, size_t rows, const float *a,
                        float *goodness);

/* The layer's options and its optimizer's hyper-parameters as they are now. */
mfi_settings mfi_layer_settings(const mf_layer *layer);

/* The next update of a parameter, which is counted. */
mfi_rule mfi_layer_next_rule(mf_layer *layer, const mfi_settings *settings, size_t parameter);

/* Updates [rows, columns] of a parameter that begin at its value `first` and have the row stride `stride`. */
void mfi_parameter_update(const mfi_kernels *kernels, mfi_parameter *parameter, const mfi_rule *rule,
                          size_t first, size_t rows, size_t columns, size_t stride, const float *gradient);

/* Dropout on the activation that is passed on, with the layer's next mask, which stays the next until
 * the call it belongs to has succeeded. */
void mfi_layer_drop(const mf_layer *layer, const mfi_settings *settings, size_t rows, float *a);
void mfi_layer_count_mask(mf_layer *layer, const mfi_settings *settings);

/* Forward pass, loss and dG: what a step and its gradients begin with. */
mf_status mfi_layer_lose(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report);

/* What a step and its gradients end with: the running statistics follow, and `a` is made ready for the next
 * layer. */
void mfi_layer_pass_on(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch, size_t rows,
                       float *a);

/* Gradients of all parameters, one after the other, into out; else as mfi_layer_step(). */
mf_status mfi_layer_gradients(mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows, float *a,
                              size_t position, float *out, mf_report *report);

/* Where the gradient of a parameter begins among such gradients. */
size_t mfi_gradient_offset(const mf_layer *layer, size_t parameter);

/* What clipping leaves of a gradient whose norm it computes where it is on. NUMERIC if that is not finite. */
mf_status mfi_layer_clip_factor(const mf_layer *layer, const mfi_settings *settings, const float *gradients,
                                double *norm, float *factor);

/* One update from `factor` times the gradients. */
void mfi_layer_apply_scaled(mf_layer *layer, const mfi_settings *settings, const float *gradients,
                            float factor);

/* One update from such gradients, which are finite; NUMERIC if their norm, which clipping needs, is not. */
mf_status mfi_layer_apply(mf_layer *layer, const float *gradients);

/* Values of all parameters together. */
size_t mfi_layer_values(const mf_layer *layer);

/* The step under `settings`. The layer has an optimizer and the rows are checked; NUMERIC, with nothing
 * changed and `position` in the message, if the loss is not finite. Fills the report but for its struct_size.
 */
mf_status mfi_layer_step(mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report);

#endif
