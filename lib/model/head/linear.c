/* Owns: the linear head: G = F M^T, with F the layer's output or its adaptive average pooling, and M of the
 * layer, or a shared matrix with columns of the layer behind it. */
#include <string.h>

#include "base/memory.h"
#include "model/head.h"
#include "model/unit/dense.h"

/* With more classes than this, products with M are large enough for those of matrices. */
enum { FEW_CLASSES = 32 };

/* With more than this, where they are sampled, and where M begins with a shared matrix, the way back goes
 * over blocks of classes, whole rows of M, and not over panels of features: so that threads find pieces
 * however few features there are, and a piece of dM stays in the cache however many classes. The goodness
 * goes over blocks of classes as well: so each row of M is packed once. */
enum { CLASSES_BY_PANELS = 1024 };

static bool goes_by_classes(const mfi_plan *plan)
{
    return plan->head.classes > CLASSES_BY_PANELS || plan->head.sampling != MF_SAMPLING_NONE ||
           plan->head.shared;
}

/* Classes of a block. */
static size_t classes_of_block(const mfi_plan *plan)
{
    enum { VALUES = 65536, LEAST = 64, MOST = 1024 };
    size_t count = VALUES / plan->features;
    return count < LEAST ? LEAST : count > MOST ? MOST : count;
}

/* The stage whose output M reads. */
static const mfi_stage *scored_stage(const mfi_plan *plan)
{
    return &plan->stages[plan->scoring - 1];
}

bool mfi_head_joins(const mfi_plan *plan)
{
    return scored_stage(plan)->kind == MF_UNIT_DENSE && scored_stage(plan)->positions == plan->scored &&
           !mfi_plan_pools_head(plan) && plan->scoring == plan->stage_count && !goes_by_classes(plan);
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

/* Some rows of M: one matrix, or two side by side, of which the first is shared and the head learns the
 * other. */
typedef struct side {
    const float *values;
    size_t start, width; /* columns of M */
} side;

enum { SIDES = 2 };

typedef struct m_rows {
    side sides[SIDES];
    int count;
} m_rows;

/* Those of the classes from `first` on. */
static m_rows rows_from(const mf_layer *layer, size_t first)
{
    const mf_matrix *shared = layer->plan.head.shared;
    size_t before = mfi_plan_shared(&layer->plan), learned = mfi_plan_learned(&layer->plan);
    m_rows rows = {.count = 0};
    if (shared)
        rows.sides[rows.count++] = (side){shared->values + first * before, 0, before};
    if (learned > 0)
        rows.sides[rows.count++] = (side){projection_of(layer) + first * learned, before, learned};
    return rows;
}

/* Those of the columns that a run scores. */
static m_rows columns_from(const mfi_run *run, size_t first)
{
    size_t n = run->layer->plan.features;
    const float *sampled = run->scratch->candidates.projection;
    if (run->columns == 0)
        return rows_from(run->layer, first);
    return (m_rows){.sides = {{sampled + first * n, 0, n}}, .count = 1};
}

/* Its output. */
static const float *head_input(const mfi_run *run)
{
    return mfi_run_output(run, run->layer->plan.scoring - 1);
}

static void pool_feature_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const mfi_plan *plan = &mine->layer->plan;
    const mf_shape *input = mfi_plan_head_input(plan);
    float *features = context;
    mfi_adaptive_pool(input->dims + 1, plan->head.pool_size, (end - first) * input->dims[0],
                      head_input(mine) + first * mfi_shape_values(input), features + first * plan->features);
}

static void pool_features(const mfi_run *run, float *features)
{
    mfi_run_share_items(run, run->rows->count, mfi_shape_values(mfi_plan_head_input(&run->layer->plan)),
                        pool_feature_rows, features);
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
    size_t rows, piece; /* of the batch, and of each piece of it; or classes */
} score_work;

/* Rows whose scores are one piece of work: enough multiplications that a piece is worth waking a thread for,
 * and enough rows for a product of matrices. */
static size_t score_rows_of_piece(size_t columns, size_t features)
{
    enum { MULTIPLICATIONS = 262144, STEP = 8 };
    size_t rows = MULTIPLICATIONS / (features * columns) / STEP * STEP;
    if (columns > FEW_CLASSES)
        return MFI_SCORE_ROWS;
    return rows < STEP ? STEP : rows;
}

/* G = F M^T for some rows of M, `columns` of which the whole head has; scores with row stride ldscores. */
static void multiply_rows(const mf_layer *layer, size_t rows, const float *features, size_t columns,
                          size_t count, m_rows m, float *scores, size_t ldscores)
{
    size_t n = layer->plan.features;
    if (columns <= FEW_CLASSES && m.count == 1) {
        layer->kernels->skinny_product(rows, count, n, features, n, m.sides[0].values, scores);
        return;
    }
    for (int i = 0; i < m.count; i++)
        layer->plan.products.gemm(MFI_NO_TRANS, MFI_TRANS, rows, count, m.sides[i].width, 1.0f,
                                  features + m.sides[i].start, n, m.sides[i].values, m.sides[i].width,
                                  i == 0 ? 0.0f : 1.0f, scores, ldscores);
}

void mfi_head_scores(const mf_layer *layer, size_t rows, const float *features, size_t first, size_t count,
                     float *scores, size_t ldscores)
{
    multiply_rows(layer, rows, features, layer->plan.head.classes, count, rows_from(layer, first), scores,
                  ldscores);
}

static void score_rows(void *context, size_t index, size_t slot)
{
    const score_work *all = context;
    const mf_layer *layer = all->run->layer;
    size_t first = index * all->piece, left = all->rows - first, columns = layer->plan.head.classes,
           rows = left < all->piece ? left : all->piece;
    float *goodness = all->goodness + first * columns;
    (void)slot;
    multiply_rows(layer, rows, all->features + first * layer->plan.features, columns, columns,
                  rows_from(layer, 0), goodness, columns);
}

static void score_classes(void *context, size_t index, size_t slot)
{
    const score_work *all = context;
    const mf_layer *layer = all->run->layer;
    size_t first = index * all->piece, columns = mfi_head_columns(all->run), left = columns - first,
           count = left < all->piece ? left : all->piece;
    float *goodness = all->goodness + first;
    (void)slot;
    multiply_rows(layer, all->rows, all->features, columns, count, columns_from(all->run, first), goodness,
                  columns);
    for (size_t b = 0; all->run->columns > 0 && b < all->rows; b++)
        layer->kernels->scale_add(count, 1.0f, goodness + b * columns, 1.0f,
                                  all->run->scratch->candidates.offsets + first);
}

static size_t pieces_of(size_t count, size_t piece)
{
    return (count + piece - 1) / piece;
}

void mfi_head_goodness(const mfi_run *run, float *goodness)
{
    const mfi_plan *plan = &run->layer->plan;
    size_t columns = mfi_head_columns(run), rows = run->rows->count * plan->scored;
    bool by_classes = goes_by_classes(plan);
    score_work all = {.run = run,
                      .features = features_of(run),
                      .goodness = goodness,
                      .rows = rows,
                      .piece =
                          by_classes ? classes_of_block(plan) : score_rows_of_piece(columns, plan->features)};
    mfi_team_run(run->team, pieces_of(by_classes ? columns : rows, all.piece),
                 by_classes ? score_classes : score_rows, &all);
}

/* The way back of a head that stands alone. */
typedef struct head_pass {
    const float *features;
    float *dfeatures;
    mfi_target projection;

    /* Where it goes by classes. */
    size_t block;       /* classes of a piece */
    size_t first, rows; /* that dF is computed of */
} head_pass;

/* dF and dM of some features, and the use of dM. */
static void features_piece(mfi_run *mine, void *context, size_t index)
{
    const head_pass *pass = context;
    const mfi_scratch *scratch = mine->scratch;
    const mf_layer *layer = mine->layer;
    size_t panel = mfi_head_panel(&layer->plan), start = index * panel,
           rows = mine->rows->count * layer->plan.scored, n = layer->plan.features,
           m = layer->plan.head.classes, width = n - start < panel ? n - start : panel;
    const float *projection = projection_of(layer) + start, *features = pass->features + start;
    float *dfeatures = pass->dfeatures + start;
    if (m <= FEW_CLASSES) {
        layer->kernels->head_gradient(rows, width, m, scratch->goodness, projection, features, n, dfeatures,
                                      scratch->dm);
    } else {
        layer->plan.products.gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, width, m, 1.0f, scratch->goodness, m,
                                  projection, n, 0.0f, dfeatures, n);
        if (!pass->projection.wanted)
            return;
        layer->plan.products.gemm(MFI_TRANS, MFI_NO_TRANS, m, width, rows, 1.0f, scratch->goodness, m,
                                  features, n, 0.0f, scratch->dm, width);
    }
    mfi_run_take(mine, &pass->projection, start, m, width, n, scratch->dm);
}

/* dF is a sum over classes. Some runs of them have sums of their own, which are added up in order, for some
 * rows at a time. */
enum { CLASS_RUNS = 8, SUMMED_ROWS = 512 };

static void sum_classes(mfi_run *mine, void *context, size_t index)
{
    const head_pass *pass = context;
    size_t n = mine->layer->plan.features, m = mfi_head_columns(mine), first = index * m / CLASS_RUNS,
           end = (index + 1) * m / CLASS_RUNS;
    const m_rows rows = columns_from(mine, first);
    for (int i = 0; i < rows.count; i++)
        mine->layer->plan.products.gemm(
            MFI_NO_TRANS, MFI_NO_TRANS, pass->rows, rows.sides[i].width, end - first, 1.0f,
            mine->scratch->goodness + pass->first * m + first, m, rows.sides[i].values, rows.sides[i].width,
            0.0f, mine->scratch->sums + index * pass->rows * n + rows.sides[i].start, n);
}

static void add_class_runs(mfi_run *mine, void *context, size_t first, size_t end)
{
    const head_pass *pass = context;
    size_t values = pass->rows * mine->layer->plan.features;
    float *to = pass->dfeatures + pass->first * mine->layer->plan.features + first;
    for (size_t run = 0; run < CLASS_RUNS; run++)
        mine->layer->kernels->scale_add(end - first, run == 0 ? 0.0f : 1.0f, to, 1.0f,
                                        mine->scratch->sums + run * values + first);
}

/* dM of a block of classes, in the columns that the head learns, and its use. */
static void classes_piece(mfi_run *mine, void *context, size_t index)
{
    const head_pass *pass = context;
    const mfi_scratch *scratch = mine->scratch;
    const mf_layer *layer = mine->layer;
    size_t rows = mine->rows->count * layer->plan.scored, n = layer->plan.features,
           m = mfi_head_columns(mine), first = index * pass->block, left = m - first,
           count = left < pass->block ? left : pass->block;
    size_t learned = mfi_plan_learned(&layer->plan);
    layer->plan.products.gemm(MFI_TRANS, MFI_NO_TRANS, count, learned, rows, 1.0f, scratch->goodness + first,
                              m, pass->features + n - learned, n, 0.0f, scratch->dm, learned);
    for (size_t c = 0; mine->columns > 0 && c < count; c++)
        mfi_run_take(mine, &pass->projection, (size_t)scratch->candidates.classes[first + c] * learned, 1,
                     learned, learned, scratch->dm + c * learned);
    if (mine->columns == 0)
        mfi_run_take(mine, &pass->projection, first * learned, 1, count * learned, count * learned,
                     scratch->dm);
}

/* dF needs the M of before the update. */
static void backward_by_classes(mfi_run *run, head_pass *pass)
{
    const mfi_plan *plan = &run->layer->plan;
    size_t rows = run->rows->count * plan->scored;
    for (; pass->first < rows; pass->first += pass->rows) {
        pass->rows = rows - pass->first < SUMMED_ROWS ? rows - pass->first : SUMMED_ROWS;
        mfi_run_share(run, CLASS_RUNS, sum_classes, pass);
        mfi_run_share_items(run, pass->rows * plan->features, CLASS_RUNS, add_class_runs, pass);
    }
    pass->block = classes_of_block(plan);
    if (!pass->projection.wanted)
        return;
    mfi_run_share_gradients(run, pieces_of(mfi_head_columns(run), pass->block), classes_piece, pass);
}

bool mfi_head_sizes(const mfi_plan *plan, size_t rows, mfi_shared_sizes *shared)
{
    size_t columns = mfi_plan_columns(plan, rows), block = classes_of_block(plan), values;
    if (!mfi_multiply(rows, plan->scored, &values) || values > INT32_MAX) /* sizes of products fit an int */
        return false;
    if (!goes_by_classes(plan)) {
        shared->pieces = pieces_of(plan->features, mfi_head_panel(plan));
        return mfi_multiply(columns, mfi_head_panel(plan), &shared->dm);
    }
    shared->pieces = pieces_of(columns, block);
    return mfi_multiply(columns < block ? columns : block, mfi_plan_learned(plan), &shared->dm) &&
           mfi_multiply(values < SUMMED_ROWS ? values : SUMMED_ROWS, CLASS_RUNS * plan->features,
                        &shared->sums);
}

static void unpool_feature_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const mfi_plan *plan = &mine->layer->plan;
    const mf_shape *input = mfi_plan_head_input(plan);
    float *da = context;
    mfi_adaptive_unpool(input->dims + 1, plan->head.pool_size, (end - first) * input->dims[0],
                        mine->scratch->dfeatures + first * plan->features,
                        da + first * mfi_shape_values(input));
}

void mfi_head_backward(mfi_run *run, float *da)
{
    const mfi_plan *plan = &run->layer->plan;
    bool pools = mfi_plan_pools_head(plan);
    head_pass pass = {.features = pools ? run->scratch->features : head_input(run),
                      .dfeatures = pools ? run->scratch->dfeatures : da,
                      .projection =
                          mfi_run_target(run, mfi_plan_learned(plan) > 0 ? (int32_t)plan->projection : -1)};
    if (goes_by_classes(plan))
        backward_by_classes(run, &pass);
    else
        mfi_run_share_gradients(run, pieces_of(plan->features, mfi_head_panel(plan)), features_piece, &pass);
    if (pools)
        mfi_run_share_items(run, run->rows->count, mfi_shape_values(mfi_plan_head_input(plan)),
                            unpool_feature_rows, da);
}

void mfi_head_panel_gradient(const mfi_run *run, mfi_activation phi, bool learns, size_t start, size_t width,
                             const float *a, const float *z)
{
    const mf_layer *layer = run->layer;
    const mfi_scratch *scratch = run->scratch;
    const float *projection = projection_of(layer) + start, *dg = scratch->goodness;
    size_t rows = run->rows->count * layer->plan.scored, n = layer->plan.features,
           m = layer->plan.head.classes;
    if (m <= FEW_CLASSES) {
        layer->kernels->local_gradient(phi, rows, width, m, dg, projection, a, z, n, scratch->dz, scratch->dm,
                                       scratch->db);
        return;
    }
    layer->plan.products.gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, width, m, 1.0f, dg, m, projection, n, 0.0f,
                              scratch->dz, width);
    if (learns)
        layer->plan.products.gemm(MFI_TRANS, MFI_NO_TRANS, m, width, rows, 1.0f, dg, m, a, n, 0.0f,
                                  scratch->dm, width);
    layer->kernels->derivative(phi, rows, width, a, z, n, scratch->dz, scratch->db);
}
