/* Owns: the Mono-Forward step of one layer, whole or in halves, and its forward pass. */
#ifndef MFI_MODEL_STEP_H
#define MFI_MODEL_STEP_H

#include "model/layer.h"
#include "model/scratch.h"

/* The layer's output a [rows, n], as in inference. `place` has room for the layer's scratch. */
void mfi_layer_forward(const mf_layer *layer, const mfi_workplace *place, const mfi_rows *rows, float *a);

/* G [rows, m] from that output. */
void mfi_layer_goodness(const mf_layer *layer, const mfi_workplace *place, size_t rows, const float *a,
                        float *goodness);

/* What M reads, [rows, F], from that output. */
void mfi_layer_features(const mf_layer *layer, const mfi_workplace *place, size_t rows, const float *a,
                        float *features);

/* One step under `settings`. The layer has an optimizer and the rows are checked; `place` has room for the
 * layer's scratch for training; a [rows, n] receives the output that is passed on. NUMERIC, with nothing
 * changed and `position` in the message, if the loss, or with clipping the gradient's norm, is not finite.
 * Fills the report but for its struct_size. */
mf_status mfi_layer_step(mf_layer *layer, const mfi_settings *settings, const mfi_workplace *place,
                         const mfi_rows *rows, float *a, size_t position, mf_report *report);

/* The first half: gradients of all parameters, one after the other, into out. */
mf_status mfi_layer_gradients(mf_layer *layer, const mfi_workplace *place, const mfi_rows *rows, float *a,
                              size_t position, float *out, mf_report *report);

/* The norm of a gradient with that sum of squares, and the factor that limits the norm to `largest`. NUMERIC,
 * without a message, if the norm is not finite. */
mf_status mfi_clip_factor(double squares, double largest, double *norm, float *factor);

/* The second half: one update from such gradients, which are finite. NUMERIC if there is clipping and their
 * norm is not finite. */
mf_status mfi_layer_apply(mf_layer *layer, const float *gradients);

#endif
