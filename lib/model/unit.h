/* Owns: what every kind of unit must provide: an entry of the table, from a file in unit/. */
#ifndef MFI_MODEL_UNIT_H
#define MFI_MODEL_UNIT_H

#include "model/run.h"

typedef struct mfi_unit_kind {
    /* Fills in defaults, checks the options and the input, and returns the shape of the output. */
    mf_status (*resolve)(mf_unit_spec *unit, const mf_shape *input, mf_shape *output);

    /* Of kinds that read two nodes: checks the other input against the output so far, which resolve() has
     * given the shape of the first, and completes it. NULL: the kind reads one node. */
    mf_status (*join)(const mf_unit_spec *unit, const mf_shape *other, mf_shape *output);

    /* What the unit says of the stage that computes it, alone or behind others. NULL: nothing. */
    void (*describe)(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage);

    /* What a stage of this kind needs, as far as it does; false if a size does not fit. */
    bool (*sizes)(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                  mfi_shared_sizes *shared);

    /* The stage's output from its inputs. Of a flatten this and all below is NULL: no stage computes it. */
    void (*forward)(const mfi_run *run, size_t stage);

    /* From dy [B, output_values], the gradient by the output, to the gradients by the inputs, which are
     * written to dx [B, input_values] where that is not NULL, and by the parameters, which mfi_run_take()
     * gets, all of them after dx has been taken with the old values. `dy` may be overwritten. Of a dense
     * stage that joins the head it holds nothing yet, and is NULL where dx is not wanted. */
    void (*backward)(mfi_run *run, size_t stage, float *dy, float *const dx[MFI_STAGE_INPUTS]);
} mfi_unit_kind;

extern const mfi_unit_kind mfi_unit_dense, mfi_unit_conv2d, mfi_unit_batch_norm, mfi_unit_activation,
    mfi_unit_pool, mfi_unit_dropout, mfi_unit_add, mfi_unit_layer_norm, mfi_unit_global_pool, mfi_unit_concat,
    mfi_unit_transpose, mfi_unit_tokens, mfi_unit_positions, mfi_unit_attention, mfi_unit_embedding,
    mfi_unit_flatten;

enum { MFI_UNIT_KINDS = MF_UNIT_FLATTEN + 1 };

const mfi_unit_kind *mfi_unit_kind_of(int32_t kind);

/* What the kinds are called in model files and summaries. */
extern const char *const mfi_unit_names[MFI_UNIT_KINDS];

/* What a dense unit and a convolution have in common: outputs, bias, and how W starts. */
mf_status mfi_unit_check_product(const mf_unit_spec *unit);

/* Whether its W lies in panels where the library's own products run: that of a dense unit, or of a convolution
 * without groups. */
bool mfi_unit_has_panels(const mf_unit_spec *unit);

/* How W starts. */
mf_status mfi_unit_check_weight(const mf_unit_spec *unit);

/* SHAPE: the unit `verb` two nodes whose shapes do not fit together. */
mf_status mfi_unit_misfit(const char *verb, const mf_unit_spec *unit, const mf_shape *one,
                          const mf_shape *other);

/* SHAPE: the message says what the unit reads, and what its input is. */
mf_status mfi_unit_refuses(const char *reads, const mf_shape *input);

#endif
