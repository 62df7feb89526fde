/* Owns: softmax, cross-entropy and the predicted class, from goodness scores. */
#ifndef MFI_MATH_SOFTMAX_H
#define MFI_MATH_SOFTMAX_H

#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "math/kernels.h"

typedef struct mfi_loss {
    double loss;      /* sum(w CE) / sum(w) */
    uint64_t counted; /* number of rows whose label is not ignored */
    uint64_t correct; /* number of rows with a positive weight whose highest score is that of the label */
    size_t bad_row;   /* the first row whose scores have no finite loss; `rows` if all do */
} mfi_loss;

/* What rows of scores are to be. A row whose label is MF_LABEL_IGNORED has no loss and no gradient. */
typedef struct mfi_targets {
    const int32_t *labels; /* [rows] */
    const float *weights;  /* [rows / together]; NULL: all are 1 */
    size_t together;       /* rows that have a weight in common: positions of a sequence, or 1 */
    float smoothing;
} mfi_targets;

/* The weight of a row; 1 where there are none. Subnormal weights count as 0 wherever they are read, since steps
 * compute with them as with 0. */
double mfi_weight_of(const float *weights, size_t row);

/* CE_b = log sum_c exp G[b,c] - sum_c q[b,c] G[b,c], with q = (1 - smoothing) onehot(y) + smoothing / m.
 * scores [rows, m]. The team shares the rows; the bits do not depend on it. */
mfi_loss mfi_cross_entropy(const mfi_kernels *kernels, const mfi_team *team, size_t rows, size_t m,
                           const float *scores, const mfi_targets *targets);

/* The same, and replaces the scores by dG = w (softmax(G) - q) / sum(w). Rows whose label is ignored are bad,
 * too, if a score is not finite. If a row is bad, the scores are undefined. */
mfi_loss mfi_cross_entropy_gradient(const mfi_kernels *kernels, const mfi_team *team, size_t rows, size_t m,
                                    float *scores, const mfi_targets *targets);

/* Softmax of every row; `to` may be `scores`. */
void mfi_softmax(const mfi_kernels *kernels, const mfi_team *team, size_t rows, size_t m, const float *scores,
                 float *to);

/* ---- scores of a row that come block by block, from class 0 on ---- */

/* What is known of the classes so far. */
typedef struct mfi_running {
    double sum;    /* of exp(score - highest); -inf adds nothing */
    float highest; /* score; a NaN, but for the first, counts for nothing here, but spoils the sum */
    float label;   /* the label's score */
    int32_t best;  /* the class of the highest score; the lowest class if several are highest */
} mfi_running;

/* Takes the classes from `first` on; `label` may be any number. */
void mfi_running_take(mfi_running *running, const mfi_kernels *kernels, size_t first, size_t count,
                      const float *scores, int32_t label);

/* log sum_c exp G_c; not finite if a score is NaN or inf, or all are -inf. */
double mfi_running_log_sum(const mfi_running *running);

/* mfi_cross_entropy() from all classes of the rows, without smoothing. */
mfi_loss mfi_running_cross_entropy(size_t rows, const mfi_running *running, const mfi_targets *targets);

/* The `most` highest scores so far, highest first, and their classes; of equal ones the lowest class first.
 * Takes the classes from `first` on. */
void mfi_top_take(const mfi_kernels *kernels, size_t most, size_t first, size_t count, const float *scores,
                  int32_t *classes, float *top);

#endif
