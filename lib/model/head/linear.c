/* Owns: the linear head: G = F M^T, with F the layer's output or its adaptive average pooling. If M begins
 * with columns E of a shared matrix, G = F_E E^T + F_V V^T, with V those that the head learns. */
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
           !mfi_plan_pools_head(plan) && !mfi_plan_compares(plan) && !plan->head.shared;
}

size_t mfi_head_panel(const mfi_plan *plan)
{
    enum { FEATURES = 512 };
    if (!mfi_head_joins(plan))
        return plan->features < FEATURES ? plan->features : FEATURES;
    return mfi_dense_panel(scored_stage(plan));
}

/* Columns of M, of all classes or of those that are sampled. */
typedef struct column_range {
    const float *values;
    size_t stride;
} column_range;

static column_range learned_columns(const mf_layer *layer)
{
    return (column_range){layer->parameters[layer->plan.projection].now.values,
                          mfi_plan_learned(&layer->plan)};
}

size_t mfi_head_columns(const mfi_run *run)
{
    return run->columns > 0 ? run->columns : run->layer->plan.head.classes;
}

/* Those from `start` on; none of all classes are shared on one side of their end and learned on the other. */
static column_range columns_from(const mfi_run *run, size_t start)
{
    const mf_matrix *shared = run->layer->plan.head.shared;
    size_t width = mfi_plan_shared(&run->layer->plan);
    if (run->columns > 0)
        return (column_range){run->scratch->candidates.projection + start, run->layer->plan.features};
    if (start < width)
        return (column_range){shared->values + start, width};
    column_range learned = learned_columns(run->layer);
    learned.values += start - width;
    return learned;
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

/* G = F M^T for some rows of M, which lie one behind the other; the whole head has `classes`. */
static void multiply_rows(const mf_layer *layer, size_t rows, const float *features, size_t classes,
                          size_t count, const float *projection, float *scores)
{
    size_t n = layer->plan.features;
    if (classes <= FEW_CLASSES)
        layer->kernels->skinny_product(rows, count, n, features, n, projection, scores);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, count, n, 1.0f, features, n, projection, n, 0.0f, scores,
                 count);
}

void mfi_head_scores(const mf_layer *layer, size_t rows, const float *features, size_t first, size_t count,
                     float *scores)
{
    const mf_matrix *shared = layer->plan.head.shared;
    size_t n = layer->plan.features, width = mfi_plan_shared(&layer->plan);
    const column_range learned = learned_columns(layer);
    if (!shared) {
        multiply_rows(layer, rows, features, layer->plan.head.classes, count, learned.values + first * n,
                      scores);
        return;
    }
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, count, width, 1.0f, features, n, shared->values + first * width,
             width, 0.0f, scores, count);
    if (n > width)
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, count, n - width, 1.0f, features + width, n,
                 learned.values + first * learned.stride, learned.stride, 1.0f, scores, count);
}

static void score_rows(void *context, size_t index, size_t slot)
{
    const score_work *all = context;
    const mf_layer *layer = all->run->layer;
    size_t first = index * all->piece, left = all->rows - first, columns = mfi_head_columns(all->run),
           rows = left < all->piece ? left : all->piece;
    float *goodness = all->goodness + first * columns;
    const float *features = all->features + first * layer->plan.features;
    (void)slot;
    if (all->run->columns == 0)
        mfi_head_scores(layer, rows, features, 0, columns, goodness);
    else
        multiply_rows(layer, rows, features, columns, columns, all->run->scratch->candidates.projection,
                      goodness);
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
    size_t n = mfi_plan_learned(&run->layer->plan);
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

/* Some features. */
typedef struct feature_piece {
    size_t start, width;
    bool learns; /* whether their columns of M do */
} feature_piece;

/* Panels of shared columns come first, then panels of those that learn. */
static size_t shared_pieces(const mfi_plan *plan)
{
    return (mfi_plan_shared(plan) + mfi_head_panel(plan) - 1) / mfi_head_panel(plan);
}

static size_t head_pieces(const mfi_plan *plan)
{
    return shared_pieces(plan) + (mfi_plan_learned(plan) + mfi_head_panel(plan) - 1) / mfi_head_panel(plan);
}

static feature_piece piece_at(const mfi_plan *plan, size_t index)
{
    size_t panel = mfi_head_panel(plan), before = shared_pieces(plan);
    bool learns = index >= before;
    size_t start = learns ? mfi_plan_shared(plan) + (index - before) * panel : index * panel,
           end = learns ? plan->features : mfi_plan_shared(plan);
    return (feature_piece){start, end - start < panel ? end - start : panel, learns};
}

/* dF and dM of some features, and the use of dM. */
static void features_piece(mfi_run *mine, void *context, size_t index)
{
    const head_pass *pass = context;
    const mfi_scratch *scratch = mine->scratch;
    const mf_layer *layer = mine->layer;
    const feature_piece part = piece_at(&layer->plan, index);
    const column_range m_part = columns_from(mine, part.start);
    size_t rows = mine->rows->count * layer->plan.scored, n = layer->plan.features,
           m = mfi_head_columns(mine);
    const float *features = pass->features + part.start;
    float *dfeatures = pass->dfeatures + part.start;
    if (m <= FEW_CLASSES && !layer->plan.head.shared) {
        layer->kernels->head_gradient(rows, part.width, m, scratch->goodness, m_part.values, features, n,
                                      dfeatures, scratch->dm);
    } else {
        mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, part.width, m, 1.0f, scratch->goodness, m, m_part.values,
                 m_part.stride, 0.0f, dfeatures, n);
        for (size_t b = 0; b < rows; b++)
            mfi_run_look_at(mine, part.width, dfeatures + b * n);
        if (!part.learns)
            return;
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, part.width, rows, 1.0f, scratch->goodness, m, features, n, 0.0f,
                 scratch->dm, part.width);
        mfi_run_look_at(mine, m * part.width, scratch->dm);
    }
    mfi_head_take(mine, &pass->projection, part.start - mfi_plan_shared(&layer->plan), part.width);
}

bool mfi_head_sizes(const mfi_plan *plan, size_t rows, mfi_shared_sizes *shared)
{
    size_t panel = mfi_head_panel(plan), learned = mfi_plan_learned(plan);
    shared->pieces = head_pieces(plan);
    return mfi_multiply(mfi_plan_columns(plan, rows), learned < panel ? learned : panel, &shared->dm);
}

void mfi_head_backward(mfi_run *run, float *da)
{
    const mfi_plan *plan = &run->layer->plan;
    const mf_shape *input = mfi_plan_head_input(plan);
    bool pools = mfi_plan_pools_head(plan);
    head_pass pass = {.features = pools ? run->scratch->features : head_input(run),
                      .dfeatures = pools ? run->scratch->dfeatures : da,
                      .projection =
                          mfi_run_target(run, mfi_plan_learned(plan) > 0 ? (int32_t)plan->projection : -1)};
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
    const float *projection = columns_from(run, start).values, *dg = scratch->goodness;
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
