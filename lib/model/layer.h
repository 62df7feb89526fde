/* Owns: a layer: its parameters, their optimizer state, and the Mono-Forward step. */
#ifndef MFI_MODEL_LAYER_H
#define MFI_MODEL_LAYER_H

#include "base/handle.h"
#include "math/kernels.h"
#include "model/optimizer.h"

/* Order of a layer's parameters; one that a layer does not have has count 0. */
enum { MFI_WEIGHT = 0, MFI_BIAS = 1, MFI_PROJECTION = 2, MFI_PARAMETERS = 3 };

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
    const mfi_kernels *kernels;
    mf_optimizer *optimizer;
    mfi_parameter parameters[MFI_PARAMETERS];
    uint64_t revision; /* changes with the number of classes */
    uint64_t applied;  /* batches learned from */
    uint64_t dropped;  /* dropout masks drawn */
    uint64_t renewed;  /* how often M started anew */
};

/* What governs a step besides the parameters, as it was at one moment: a step that another thread runs later
 * does not read what the host may change meanwhile. */
typedef struct mfi_settings {
    mf_optimizer_spec optimizer; /* all 0 without one */
    bool has_momentum;
    bool trains[MFI_PARAMETERS]; /* false also for those the layer does not have */
    float dropout, label_smoothing;
} mfi_settings;

/* Scratch of one call, carved by the workspace. B is the workspace's max_batch. */
typedef struct mfi_scratch {
    float *goodness;      /* [B, m] G, then dG */
    float *preactivation; /* [B, n] z, for activations whose derivative needs it; else NULL */
    float *dz;            /* [B, panel] */
    float *dw;            /* [panel, k] */
    float *dm;            /* [m, panel] */
    float *db;            /* [panel] */
} mfi_scratch;

/* How much of each a layer needs for `rows`. */
typedef struct mfi_scratch_sizes {
    size_t goodness, preactivation, dz, dw, dm, db;
} mfi_scratch_sizes;

/* A checked batch. Labels are NULL where none are needed, weights where all are equal. */
typedef struct mfi_rows {
    size_t count;
    const float *x;
    size_t stride;
    const int32_t *labels;
    const float *weights;
} mfi_rows;

mf_layer_spec mfi_layer_defaults(void);
mf_status mfi_layer_create(const mf_layer_spec *spec, mf_layer **layer);
void mfi_layer_release(mf_layer *layer);
mf_status mfi_layer_check_spec(const mf_layer_spec *spec);
mf_status mfi_layer_check_classes(size_t classes);

mf_status mfi_layer_set(mf_layer *layer, int32_t key, double value);
mf_status mfi_layer_get(const mf_layer *layer, int32_t key, double *value);

/* Parameter of that name in `found`, or NOT_FOUND. */
mf_status mfi_layer_find(const mf_layer *layer, const char *name, size_t *found);
const char *mfi_parameter_name(size_t parameter);

/* What a layer of that spec needs; false if a size does not fit. */
bool mfi_layer_scratch(const mf_layer_spec *spec, size_t rows, bool training, mfi_scratch_sizes *sizes);

/* a [rows, n] = phi(x W^T + b); z as in mfi_scratch or NULL. */
void mfi_layer_forward(const mf_layer *layer, const mfi_rows *rows, float *a, float *z);

/* G = a M^T */
void mfi_layer_goodness(const mf_layer *layer, size_t rows, const float *a, float *goodness);

/* dz, dM and db of the neurons [start, start + width) into scratch, from scratch->goodness = dG. */
void mfi_layer_local_gradient(const mf_layer *layer, const mfi_scratch *scratch, size_t rows, const float *a,
                              size_t start, size_t width);

/* The layer's options and its optimizer's hyper-parameters as they are now. */
mfi_settings mfi_layer_settings(const mf_layer *layer);

/* The next update of a parameter, which is counted. */
mfi_rule mfi_layer_next_rule(mf_layer *layer, const mfi_settings *settings, size_t parameter);

/* Updates `count` values of a parameter, from `first` on. */
void mfi_parameter_update(const mfi_kernels *kernels, mfi_parameter *parameter, const mfi_rule *rule,
                          size_t first, size_t count, const float *gradient);

/* Dropout on the activation that is passed on, with the layer's next mask, which stays the next until
 * the call it belongs to has succeeded. */
void mfi_layer_drop(const mf_layer *layer, const mfi_settings *settings, size_t rows, float *a);
void mfi_layer_count_mask(mf_layer *layer, const mfi_settings *settings);

/* Forward pass, loss and dG: what a step and its gradients begin with. */
mf_status mfi_layer_lose(const mf_layer *layer, const mfi_settings *settings, const mfi_scratch *scratch,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report);

/* Gradients of all parameters, one after the other, into out; else as mfi_layer_step(). */
mf_status mfi_layer_gradients(mf_layer *layer, const mfi_scratch *scratch, const mfi_rows *rows, float *a,
                              size_t position, float *out, mf_report *report);

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
