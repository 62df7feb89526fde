/* Owns: the Mono-Forward head of a layer: the scores of the layer's output, and the loss that the layer
 * learns from. */
#ifndef MFI_MODEL_HEAD_H
#define MFI_MODEL_HEAD_H

#include "math/softmax.h"
#include "model/run.h"

/* ---- linear scores: G = F M^T ---- */

/* Whether the head and the last stage, which is dense, compute their gradients together, panel by panel. Then
 * the gradient with respect to the output is never stored as a whole. */
bool mfi_head_joins(const mfi_plan *plan);

/* Columns of dM that are computed at a time. */
size_t mfi_head_panel(const mfi_plan *plan);

/* What the head needs in a backward pass; false if a size does not fit. */
bool mfi_head_sizes(const mfi_plan *plan, size_t rows, mfi_shared_sizes *shared);

/* G from what the last stage gives, with F what M reads of it. */
void mfi_head_goodness(const mfi_run *run, float *goodness);

/* What M reads, [rows, F], from what the last stage gives. */
void mfi_head_features(const mfi_run *run, float *features);

/* The scores [rows, count], with row stride `ldscores`, of the classes from `first` on, from features. Which rows and
 * classes come together does not change more than their rounding. */
void mfi_head_scores(const mf_layer *layer, size_t rows, const float *features, size_t first, size_t count,
                     float *scores, size_t ldscores);

/* Rows whose scores of many classes are a piece of work. */
enum { MFI_SCORE_ROWS = 64 };

/* How many classes are scored: all, or the columns of a step whose head is sampled. */
size_t mfi_head_columns(const mfi_run *run);

/* From dG in scratch->goodness: dM = dG^T F, which mfi_run_take() gets, and da from dF = dG M. */
void mfi_head_backward(mfi_run *run, float *da);

/* For neurons [start, start + width) of a dense stage that joins the head, into scratch: dz = (dG M) phi'(z),
 * db, and dM if M learns. `a` and `z` begin at the first of them; z is NULL if phi' can be computed from a. */
void mfi_head_panel_gradient(const mfi_run *run, mfi_activation phi, bool learns, size_t start, size_t width,
                             const float *a, const float *z);

/* ---- sampled scores ---- */

/* Before the goodness of a step: chooses the columns, if the head is sampled. NUMERIC if its counts are all 0. */
mf_status mfi_head_sample(mfi_run *run, size_t position);

/* Room for the columns of steps with that many rows and fewer; false if a size does not fit. */
bool mfi_head_take_candidates(const mfi_plan *plan, size_t rows, mfi_room *room, mfi_candidates *candidates);

/* ---- the second objective: similarity matching, of heads that compare ---- */

/* Room for steps with that many rows, and what its pieces need; false if a size does not fit. */
bool mfi_similarity_take(const mfi_plan *plan, size_t rows, mfi_room *room, mfi_similarity *similarity,
                         mfi_shared_sizes *shared);

/* From the map's output: its loss, which joins that of the report, and the gradient, in scratch. NUMERIC if
 * the loss is not finite. */
mf_status mfi_similarity_report(const mfi_run *run, size_t position, mf_report *report);

void mfi_similarity_scale(const mfi_run *run, float factor);

/* The gradient by the map's output. */
void mfi_similarity_backward(const mfi_run *run, float *dmap);

/* ---- the objective: cross-entropy of softmax(G) ---- */

/* Loss and correct rows into the report, and G becomes dG if `gradient`. NUMERIC if a loss is not finite: the
 * message begins with `whose` and `position`. */
mf_status mfi_cross_entropy_report(const mfi_kernels *kernels, const mfi_team *team, const mfi_rows *rows,
                                   size_t classes, float *goodness, float label_smoothing, bool gradient,
                                   const char *whose, size_t position, mf_report *report);

/* The same from scores that came block by block, without gradient and label smoothing. */
mf_status mfi_running_report(const mfi_rows *rows, const mfi_running *running, const char *whose,
                             size_t position, mf_report *report);

#endif
