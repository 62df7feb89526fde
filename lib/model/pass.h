/* Owns: passes of a batch through a network: joint and greedy steps, evaluation, prediction.
 * Network, workspace and rows are checked before. */
#ifndef MFI_MODEL_PASS_H
#define MFI_MODEL_PASS_H

#include "model/workspace.h"

/* Every layer steps. If a layer fails with NUMERIC, it and the layers after it do not change. */
mf_status mfi_pass_step(mf_workspace *workspace, const mfi_rows *rows);

/* The layer at `position` steps; the layers before it compute their activations only. */
mf_status mfi_pass_step_layer(mf_workspace *workspace, size_t position, const mfi_rows *rows);

/* Writes the reports of every layer and of their sum, without learning. */
mf_status mfi_pass_evaluate(mf_workspace *workspace, const mfi_rows *rows);

/* What is wanted of the scores that `mode` asks for; NULL: not that. */
typedef struct mfi_wanted {
    size_t top;      /* 0: all classes. Else so many, the best of each row, best first; then labels and */
    int32_t *labels; /* goodness are wanted. [rows] or [rows, top] */
    float *goodness; /* [rows, m] or [rows, top] */
    float *probabilities; /* as goodness */
} mfi_wanted;

/* NUMERIC if a score is not finite: of many classes, what the arrays hold is then of no use. */
mf_status mfi_pass_infer(mf_workspace *workspace, int32_t mode, const mfi_rows *rows,
                         const mfi_wanted *wanted);

#endif
