/* Owns: the linear head: G = F M^T, with F the layer's output or its adaptive average pooling. */
#include <string.h>

#include "math/gemm.h"
#include "model/head.h"
#include "model/unit/dense.h"

/* With more classes than this, products with M are large enough to be fast in the BLAS library. */
enum { FEW_CLASSES = 32 };

static const mfi_stage *last_stage(const mfi_plan *plan)
{
    return &plan->stages[plan->stage_count - 1];
}

bool mfi_head_joins(const mfi_plan *plan)
{
    return last_stage(plan)->kind == MF_UNIT_DENSE && !mfi_plan_pools_head(plan);
}

size_t mfi_head_panel(const mfi_plan *plan)
{
    if (!mfi_head_joins(plan))
        return plan->features;
    return mfi_dense_panel(last_stage(plan));
}

static const float *projection_of(const mf_layer *layer)
{
    return layer->parameters[layer->plan.projection].now.values;
}

/* What M reads: `a`, or its pooling in scratch->features. */
static const float *features_of(const mf_layer *layer, const mfi_scratch *scratch, size_t rows,
                                const float *a)
{
    const mf_shape *output = mfi_plan_output(&layer->plan);
    if (!mfi_plan_pools_head(&layer->plan))
        return a;
    mfi_adaptive_pool(output->dims + 1, layer->plan.head.pool_size, rows * output->dims[0], a,
                      scratch->features);
    return scratch->features;
}

/* What the threads of a product with M share. */
typedef struct scores {
    const mf_layer *layer;
    const float *features;
    float *goodness;
    size_t rows, piece; /* of the batch, and of each piece of it */
} scores;

/* Rows whose scores are one piece of work: enough multiplications that a piece is worth waking a thread for.
 */
static size_t score_rows_of_piece(const mf_layer *layer)
{
    enum { MULTIPLICATIONS = 262144, STEP = 8 };
    size_t rows = MULTIPLICATIONS / (layer->plan.features * layer->plan.head.classes) / STEP * STEP;
    return rows < STEP ? STEP : rows;
}

static void score_rows(void *context, size_t index, size_t slot)
{
    const scores *all = context;
    const mf_layer *layer = all->layer;
    size_t first = index * all->piece, left = all->rows - first, n = layer->plan.features,
           m = layer->plan.head.classes, rows = left < all->piece ? left : all->piece;
    (void)slot;
    layer->kernels->skinny_product(rows, m, n, all->features + first * n, n, projection_of(layer),
                                   all->goodness + first * m);
}

void mfi_head_goodness(const mf_layer *layer, const mfi_scratch *scratch, const mfi_team *team, size_t rows,
                       const float *a, float *goodness)
{
    size_t n = layer->plan.features, m = layer->plan.head.classes;
    scores all = {.layer = layer,
                  .features = features_of(layer, scratch, rows, a),
                  .goodness = goodness,
                  .rows = rows,
                  .piece = score_rows_of_piece(layer)};
    if (m <= FEW_CLASSES)
        mfi_team_run(team, (rows + all.piece - 1) / all.piece, score_rows, &all);
    else
        mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, m, n, 1.0f, all.features, n, projection_of(layer), n, 0.0f,
                 goodness, m);
}

static void features_gradient(const mfi_run *run, const float *features, float *dfeatures, float *dm)
{
    const mf_layer *layer = run->layer;
    const float *projection = projection_of(layer), *dg = run->scratch->goodness;
    size_t rows = run->rows->count, n = layer->plan.features, m = layer->plan.head.classes;
    if (m <= FEW_CLASSES) {
        memset(dm, 0, m * n * sizeof *dm);
        layer->kernels->head_gradient(rows, n, m, dg, projection, features, dfeatures, dm);
        return;
    }
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, n, m, 1.0f, dg, m, projection, n, 0.0f, dfeatures, n);
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, n, rows, 1.0f, dg, m, features, n, 0.0f, dm, n);
}

void mfi_head_backward(mfi_run *run, float *da)
{
    const mfi_plan *plan = &run->layer->plan;
    const mfi_scratch *scratch = run->scratch;
    const mf_shape *output = mfi_plan_output(plan);
    bool pools = mfi_plan_pools_head(plan);
    size_t n = plan->features, m = plan->head.classes;
    mfi_target projection = mfi_run_target(run, (int32_t)plan->projection);
    features_gradient(run, pools ? scratch->features : run->a, pools ? scratch->dfeatures : da,
                      scratch->dprojection);
    if (pools)
        mfi_adaptive_unpool(output->dims + 1, plan->head.pool_size, run->rows->count * output->dims[0],
                            scratch->dfeatures, da);
    mfi_run_take(run, &projection, 0, 1, m * n, m * n, scratch->dprojection);
}

void mfi_head_panel_gradient(const mfi_run *run, mfi_activation phi, size_t start, size_t width,
                             const float *a, const float *z)
{
    const mf_layer *layer = run->layer;
    const mfi_scratch *scratch = run->scratch;
    const float *projection = projection_of(layer) + start, *dg = scratch->goodness;
    size_t rows = run->rows->count, n = layer->plan.outputs, m = layer->plan.head.classes;
    if (m <= FEW_CLASSES) {
        layer->kernels->local_gradient(phi, rows, width, m, dg, projection, a, z, n, scratch->dz, scratch->dm,
                                       scratch->db);
        return;
    }
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, width, m, 1.0f, dg, m, projection, n, 0.0f, scratch->dz,
             width);
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, m, width, rows, 1.0f, dg, m, a, n, 0.0f, scratch->dm, width);
    layer->kernels->derivative(phi, rows, width, a, z, n, scratch->dz, scratch->db);
}
