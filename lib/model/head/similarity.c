/* Owns: similarity matching: how alike the rows of a batch are, in what the map of a head makes of them,
 * against how alike their labels are (Nokland and Eidnes, arXiv 1901.06656).
 *
 *     s[b] = values of row b, or of maps the standard deviation of each
 *     v[b] = (s[b] - mean of s[b]) / |s[b] - mean of s[b]|
 *     L    = sum of w[b] w[c] (v[b] . v[c] - t[b,c])^2 / (sum of w)^2
 *
 * t is 1 for equal labels and -1 / (m - 1) for others, which the same makes of one-hot labels. The [B, B]
 * matrix is never there: pieces compare some rows with all rows. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/head.h"

enum { ROWS_AT_ONCE = 32 };

/* Whether a deviation, of numbers whose deviations may be as large as `most`, is nothing but rounding:
 * numbers that ought to be all the same. What it would be divided by must not decide about anything. */
static bool is_rounding(double deviation, double most)
{
    return deviation <= 1e-8 || deviation < 1e-5 * most;
}

static const mfi_stage *compared_stage(const mfi_run *run)
{
    return &run->layer->plan.stages[run->layer->plan.stage_count - 1];
}

static const float *compared_row(const mfi_run *run, size_t row)
{
    return mfi_run_output(run, run->layer->plan.stage_count - 1) + row * compared_stage(run)->output_values;
}

static size_t count_pieces(size_t rows)
{
    return (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
}

bool mfi_similarity_take(const mfi_plan *plan, size_t rows, mfi_room *room, mfi_similarity *similarity,
                         mfi_shared_sizes *shared)
{
    size_t values = 0, pieces = count_pieces(rows);
    if (!mfi_plan_compares(plan))
        return true;
    if (!mfi_multiply(rows, mfi_plan_compared(plan), &values) ||
        !mfi_multiply(rows, rows < ROWS_AT_ONCE ? rows : ROWS_AT_ONCE, &shared->scores))
        return false;
    shared->pieces = shared->pieces > pieces ? shared->pieces : pieces;
    *similarity = (mfi_similarity){
        .directions = mfi_room_take(room, values, sizeof(float)),
        .lengths = mfi_room_take(room, rows, sizeof(float)),
        .sizes = mfi_room_take(room, rows, sizeof(float)),
        .gradient = mfi_room_take(room, values, sizeof(float)),
    };
    return true;
}

/* ---- directions ---- */

/* The deviation of a map from its mean. */
static double deviation_of(const mfi_run *run, size_t area, const float *map, double *mean)
{
    double squares;
    run->layer->kernels->moments(area, map, mean, &squares);
    return sqrt(squares / (double)area);
}

/* The deviations of a row's maps; the root of the mean square of the values of the largest map. */
static float find_deviations(const mfi_run *run, size_t count, size_t area, const float *maps, float *s)
{
    double largest = 0.0, mean;
    for (size_t i = 0; i < count; i++) {
        double deviation = deviation_of(run, area, maps + i * area, &mean),
               size = sqrt(mean * mean + deviation * deviation);
        largest = size > largest || isnan(size) ? size : largest;
        s[i] = (float)deviation;
    }
    for (size_t i = 0; i < count; i++)
        if (is_rounding((double)s[i], (double)(float)largest))
            s[i] = 0.0f;
    return (float)largest;
}

/* s becomes v; the length before, 0 if there is no direction. */
static float find_direction(size_t count, float *s)
{
    double mean = 0.0, squares = 0.0, all = 0.0;
    for (size_t i = 0; i < count; i++)
        mean += (double)s[i];
    mean /= (double)count;
    for (size_t i = 0; i < count; i++) {
        squares += ((double)s[i] - mean) * ((double)s[i] - mean);
        all += (double)s[i] * (double)s[i];
    }
    double length = is_rounding(sqrt(squares), sqrt(all)) ? 0.0 : sqrt(squares);
    for (size_t i = 0; i < count; i++)
        s[i] = length == 0.0 ? 0.0f : (float)(((double)s[i] - mean) / length);
    return (float)length;
}

static void find_directions(mfi_run *mine, void *context, size_t first, size_t end)
{
    const mfi_similarity *similarity = &mine->scratch->similarity;
    size_t count = mfi_plan_compared(&mine->layer->plan), area = compared_stage(mine)->output_values / count;
    (void)context;
    for (size_t b = first; b < end; b++) {
        float *s = similarity->directions + b * count;
        if (area > 1)
            similarity->sizes[b] = find_deviations(mine, count, area, compared_row(mine, b), s);
        else
            memcpy(s, compared_row(mine, b), count * sizeof *s);
        similarity->lengths[b] = find_direction(count, s);
    }
}

/* ---- the loss, and the gradient by s ---- */

/* What all rows have in common. */
typedef struct comparison {
    double total;      /* of the weights of rows */
    float other_label; /* t of rows with different labels */
} comparison;

static double share_of_row(const mfi_run *run, const comparison *all, size_t row)
{
    return mfi_weight_of(run->rows->weights, row) / all->total;
}

/* Row `row` of v . v becomes the gradient of lambda L by itself; its part of L. */
static double compare_row(const mfi_run *run, const comparison *all, size_t row, float *likeness)
{
    const int32_t *labels = run->rows->labels;
    double lambda = (double)run->layer->plan.head.similarity, mine = share_of_row(run, all, row), loss = 0.0;
    for (size_t b = 0; b < run->rows->count; b++) {
        double off = (double)likeness[b] - (labels[b] == labels[row] ? 1.0 : (double)all->other_label);
        double weight = mine * share_of_row(run, all, b);
        loss += weight * off * off;
        likeness[b] = (float)(4.0 * lambda * weight * off); /* each pair is there twice */
    }
    return loss;
}

/* From dv to ds: what does not change the direction is taken away. Rows of v have the mean 0, so dv has it,
 * too. */
static void find_gradient(size_t count, const float *v, float length, float *gradient)
{
    double along = 0.0, inverse = length == 0.0f ? 0.0 : 1.0 / (double)length;
    for (size_t i = 0; i < count; i++)
        along += (double)gradient[i] * (double)v[i];
    for (size_t i = 0; i < count; i++)
        gradient[i] = (float)(((double)gradient[i] - along * (double)v[i]) * inverse);
}

static void compare_piece(mfi_run *mine, void *context, size_t index)
{
    const comparison *all = context;
    const mfi_similarity *similarity = &mine->scratch->similarity;
    size_t first = index * ROWS_AT_ONCE, rows = mine->rows->count, left = rows - first,
           taken = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE, d = mfi_plan_compared(&mine->layer->plan);
    const float *v = similarity->directions;
    float *likeness = mine->scratch->scores, *gradient = similarity->gradient + first * d;
    double loss = 0.0;
    mine->layer->plan.products.gemm(MFI_NO_TRANS, MFI_TRANS, taken, rows, d, 1.0f, v + first * d, d, v, d,
                                    0.0f, likeness, rows);
    for (size_t b = 0; b < taken; b++)
        loss += compare_row(mine, all, first + b, likeness + b * rows);
    mine->layer->plan.products.gemm(MFI_NO_TRANS, MFI_NO_TRANS, taken, d, rows, 1.0f, likeness, rows, v, d,
                                    0.0f, gradient, d);
    for (size_t b = 0; b < taken; b++)
        find_gradient(d, v + (first + b) * d, similarity->lengths[first + b], gradient + b * d);
    mine->scratch->squares[index] = loss;
}

mf_status mfi_similarity_report(const mfi_run *run, size_t position, mf_report *report)
{
    const mf_head_spec *head = &run->layer->plan.head;
    size_t rows = run->rows->count;
    comparison all = {.other_label = -1.0f / (float)(head->classes - 1)};
    double loss = 0.0, lambda = (double)head->similarity;
    for (size_t b = 0; b < rows; b++)
        all.total += mfi_weight_of(run->rows->weights, b);
    mfi_run_share_items(run, rows, compared_stage(run)->output_values, find_directions, NULL);
    mfi_run_share(run, count_pieces(rows), compare_piece, &all);
    for (size_t index = 0; index < count_pieces(rows); index++)
        loss += run->scratch->squares[index];
    if (!isfinite(loss) || !run->layer->kernels->all_finite(rows, run->scratch->similarity.lengths))
        return mfi_fail(MF_STATUS_NUMERIC, "layer %zu: the loss of the similarities is not finite", position);
    report->loss = (1.0 - lambda) * report->loss + lambda * loss;
    return MF_STATUS_OK;
}

void mfi_similarity_scale(const mfi_run *run, float factor)
{
    size_t count = run->rows->count * mfi_plan_compared(&run->layer->plan);
    for (size_t i = 0; i < count; i++)
        run->scratch->similarity.gradient[i] *= factor;
}

/* ---- the gradient by the map's output ---- */

static void spread_gradient(mfi_run *mine, void *context, size_t first, size_t end)
{
    size_t count = mfi_plan_compared(&mine->layer->plan), values = compared_stage(mine)->output_values,
           area = values / count;
    for (size_t b = first; b < end; b++) {
        const float *gradient = mine->scratch->similarity.gradient + b * count, *map = compared_row(mine, b);
        float *to = (float *)context + b * values;
        if (area == 1)
            memcpy(to, gradient, count * sizeof *to);
        else
            memset(to, 0, values * sizeof *to);
        for (size_t i = 0; area > 1 && i < count; i++) {
            double mean, deviation = deviation_of(mine, area, map + i * area, &mean);
            if (!is_rounding((double)(float)deviation, (double)mine->scratch->similarity.sizes[b]))
                mine->layer->kernels->center_gradient(
                    area, map + i * area, (float)mean, 1.0f, 0.0f,
                    (float)(-(double)gradient[i] / ((double)area * deviation)), to + i * area);
        }
    }
}

void mfi_similarity_backward(const mfi_run *run, float *dmap)
{
    mfi_run_share_items(run, run->rows->count, compared_stage(run)->output_values, spread_gradient, dmap);
}
