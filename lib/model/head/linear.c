/* Owns: the linear head: G = F M^T, with F the layer's output or its adaptive average pooling. */
#include <string.h>

#include "base/memory.h"
#include "math/gemm.h"
#include "model/head.h"
#include "model/unit/dense.h"

/* With more classes than this, products with M are large enough to be fast in the BLAS library. */
enum { FEW_CLASSES = 32 };

/* The stage whose output M reads. */
static const mfi_stage *scored_stage(const mfi_plan *plan)
{
    return &plan->stages[plan->scoring - 1];
}

bool mfi_head_joins(const mfi_plan *plan)
{
    return scored_stage(plan)->kind == MF_UNIT_DENSE && scored_stage(plan)->positions == plan->scored &&
           !mfi_plan_pools_head(plan) && !mfi_plan_compares(plan);
}

size_t mfi_head_panel(const mfi_plan *plan)
{
    enum { FEATURES = 512 };
    if (!mfi_head_joins(plan))
        return plan->features < FEATURES ? plan->features : FEATURES;
    return mfi_dense_panel(scored_stage(plan));
}

static const float *projection_of(const mf_layer *layer)
{
    return layer->parameters[layer->plan.projection].now.values;
}

size_t mfi_head_columns(const mfi_run *run)
{
    return run->columns > 0 ? run->columns : run->layer->plan.head.classes;
}

/* The rows of M that are scored. */
static const float *rows_of_projection(const mfi_run *run)
{
    return run->columns > 0 ? run->scratch->candidates.projection : projection_of(run->layer);
}

/* Its output. */
static const float *head_input(const mfi_run *run)
{
    return mfi_run_output(run, run->layer->plan.scoring - 1);
}

static void pool_features(const mfi_run *run, float *features)
{
    const mfi_plan *plan = &run->layer->plan;
    const mf_shape *input = mfi_plan_head_input(plan);
    mfi_adaptive_pool(input->dims + 1, plan->head.pool_size, run->rows->count * input->dims[0],
                      head_input(run), features);
}

/* What M reads: that, or its pooling in scratch->features. */
static const float *features_of(const mfi_run *run)
{
    if (!mfi_plan_pools_head(&run->layer->plan))
        return head_input(run);
    pool_features(run, run->scratch->features);
    return run->scratch->features;
}

void mfi_head_features(const mfi_run *run, float *features)
{
    const mfi_plan *plan = &run->layer->plan;
    if (mfi_plan_pools_head(plan))
        pool_features(run, features);
    else
        memcpy(features, head_input(run),
               run->rows->count * plan->scored * plan->features * sizeof *features);
}

/* What the threads of a product with M share. */
typedef struct score_work {
    const mfi_run *run;
    const float *features;
    float *goodness;
    size_t rows, piece; /* of the batch, and of each piece of it */
} score_work;

/* Rows whose scores are one piece of work: enough multiplications that a piece is worth waking a thread for,
 * and enough rows for the BLAS library. */
static size_t score_rows_of_piece(size_t columns, size_t features)
{
    enum { MULTIPLICATIONS = 262144, STEP = 8 };
    size_t rows = MULTIPLICATIONS / (features * columns) / STEP * STEP;
    if (columns > FEW_CLASSES)
        return MFI_SCORE_ROWS;
    return rows < STEP ? STEP : rows;
}

/* G = F M^T for some rows of M, `columns` of which the whole head has. */
static void multiply_rows(const mf_layer *layer, size_t rows, const float *features, size_t columns,
                          size_t count, const float *projection, float *scores)
{
    size_t n = layer->plan.features;
    if (columns <= FEW_CLASSES)
        layer->kernels->skinny_product(rows, count, n, features, n, projection, scores);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, count, n, 1.0f, features, n, projection, n, 0.0f, scores,
                 count);
}

void mfi_head_scores(const mf_layer *layer, size_t rows, const float *features, size_t first, size_t count,
                     float *scores)
{
    multiply_rows(layer, rows, features, layer->plan.head.classes, count,
                  projection_of(layer) + first * layer->plan.features, scores);
}

static void score_rows(void *context, size_t index, size_t slot)
{
    const score_work *all = context;
    const mf_layer *layer = all->run->layer;
    size_t first = index * all->piece, left = all->rows - first, columns = mfi_head_columns(all->run),
           rows = left < all->piece ? left : all->piece;
    float *goodness = all->goodness + first * columns;
    (void)slot;
    multiply_rows(layer, rows, all->features + first * layer->plan.features, columns, columns,
                  rows_of_projection(all->run), goodness);
    for (size_t b = 0; all->run->columns > 0 && b < rows; b++)
        layer->kernels->scale_add(columns, 1.0f, goodness + b * columns, 1.0f,
                                  all->run->scratch->candidates.offsets);
}

void mfi_head_goodness(const mfi_run *run, float *goodness)
{
    const mfi_plan *plan = &run->layer->plan;
    score_work all = {.run = run,
                      .features = features_of(run),
                      .goodness = goodness,
                      .rows = run->rows->count * plan->scored,
                      .piece = score_rows_of_piece(mfi_head_columns(run), plan->features)};
    mfi_team_run(run->team, (all.rows + all.piece - 1) / all.piece, score_rows, &all);
}

void mfi_head_take(mfi_run *run, const mfi_target *projection, size_t start, size_t width)
{
    size_t n = run->layer->plan.features;
    if (run->columns == 0)
        mfi_run_take(run, projection, start, run->layer->plan.head.classes, width, n, run->scratch->dm);
    for (size_t column = 0; column < run->columns; column++)
        mfi_run_take(run, projection, (size_t)run->scratch->candidates.classes[column] * n + start, 1, width,
                     width, run->scratch->dm + column * width);
}

/* The way back of a head that stands alone. */
typedef struct head_pass {
    const float *features;
    float *dfeatures;
    mfi_target projection;
} head_pass;

/* dF and dM of some features, and the use of dM. */
static void features_piece(mfi_run *mine, void *context, size_t index)
{
    const head_pass *pass = context;
    const mfi_scratch *scratch = mine->scratch;
    const mf_layer *layer = mine->layer;
    size_t panel = mfi_head_panel(&layer->plan), start = index * panel,
           rows = mine->rows->count * layer->plan.scored, n = layer->plan.features,
           m = mfi_head_columns(mine), width = n - start < panel ? n - start : panel;
    const float *projection = rows_of_projection(mine) + start, *features = pass->features + start;
    float *dfeatures = pass->dfeatures + start;
    if (m <= FEW_CLASSES) {
        layer->kernels->head_gradient(rows, width, m, scratch->goodness, projection, features, n, dfeatures,
                                      scratch->dm);
    } else {
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, width, m, 1.0f, scratch->goodness, m, projection, n, 0.0f,
                 dfeatures, n);
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, width, rows, 1.0f, scratch->goodness, m, features, n, 0.0f,
                 scratch->dm, width);
        mfi_run_look_at(mine, m * width, scratch->dm);
        for (size_t b = 0; b < rows; b++)
            mfi_run_look_at(mine, width, dfeatures + b * n);
    }
    mfi_head_take(mine, &pass->projection, start, width);
}

static size_t head_pieces(const mfi_plan *plan)
{
    return (plan->features + mfi_head_panel(plan) - 1) / mfi_head_panel(plan);
}

bool mfi_head_sizes(const mfi_plan *plan, size_t rows, mfi_shared_sizes *shared)
{
    shared->pieces = head_pieces(plan);
    return mfi_multiply(mfi_plan_columns(plan, rows), mfi_head_panel(plan), &shared->dm);
}

void mfi_head_backward(mfi_run *run, float *da)
{
    const mfi_plan *plan = &run->layer->plan;
    const mf_shape *input = mfi_plan_head_input(plan);
    bool pools = mfi_plan_pools_head(plan);
    head_pass pass = {.features = pools ? run->scratch->features : head_input(run),
                      .dfeatures = pools ? run->scratch->dfeatures : da,
                      .projection = mfi_run_target(run, (int32_t)plan->projection)};
    mfi_run_share_gradients(run, head_pieces(plan), features_piece, &pass);
    if (pools)
        mfi_adaptive_unpool(input->dims + 1, plan->head.pool_size, run->rows->count * input->dims[0],
                            pass.dfeatures, da);
}

void mfi_head_panel_gradient(const mfi_run *run, mfi_activation phi, size_t start, size_t width,
                             const float *a, const float *z)
{
    const mf_layer *layer = run->layer;
    const mfi_scratch *scratch = run->scratch;
    const float *projection = rows_of_projection(run) + start, *dg = scratch->goodness;
    size_t rows = run->rows->count * layer->plan.scored, n = layer->plan.features, m = mfi_head_columns(run);
    if (m <= FEW_CLASSES) {
        layer->kernels->local_gradient(phi, rows, width, m, dg, projection, a, z, n, scratch->dz, scratch->dm,
                                       scratch->db);
        return;
    }
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, width, m, 1.0f, dg, m, projection, n, 0.0f, scratch->dz,
             width);
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, width, rows, 1.0f, dg, m, a, n, 0.0f, scratch->dm, width);
    mfi_run_look_at(run, rows * width, scratch->dz);
    mfi_run_look_at(run, m * width, scratch->dm);
    layer->kernels->derivative(phi, rows, width, a, z, n, scratch->dz, scratch->db);
}
