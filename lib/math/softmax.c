/* Owns: softmax, cross-entropy and the predicted class, from goodness scores. */
#include "math/softmax.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <monoforward.h>

/* Rows that are a piece of work: enough of them to be worth waking a thread for. */
static size_t rows_of_piece(size_t m)
{
    enum { PIECE_VALUES = 16384 };
    return m < PIECE_VALUES ? PIECE_VALUES / m : 1;
}

/* The first of the scores that is that high. */
static size_t place_of_highest(size_t m, const float *scores, float highest)
{
    size_t c = 0;
    while (c + 1 < m && scores[c] != highest)
        c++;
    return c;
}

/* ---- probabilities ---- */

typedef struct softmax_work {
    const mfi_kernels *kernels;
    size_t rows, m;
    const float *scores;
    float *to;
} softmax_work;

static void softmax_piece(void *context, size_t index, size_t slot)
{
    const softmax_work *all = context;
    size_t m = all->m, piece = rows_of_piece(m), end = (index + 1) * piece;
    (void)slot;
    for (size_t b = index * piece; b < end && b < all->rows; b++) {
        const float *scores = all->scores + b * m;
        double sum = all->kernels->exponentials(m, scores, all->kernels->highest(m, scores), all->to + b * m);
        all->kernels->scale_shift(m, (float)(1.0 / sum), 0.0f, all->to + b * m);
    }
}

void mfi_softmax(const mfi_kernels *kernels, const mfi_team *team, size_t rows, size_t m, const float *scores,
                 float *to)
{
    softmax_work all = {kernels, rows, m, scores, to};
    mfi_team_run(team, (rows + rows_of_piece(m) - 1) / rows_of_piece(m), softmax_piece, &all);
}

/* ---- loss and gradient ---- */

/* sum_c q_c G_c */
static double expected_score(const mfi_kernels *kernels, size_t m, const float *scores, int32_t label,
                             float smoothing)
{
    double mean = 0.0, deviations;
    if (smoothing > 0.0f)
        kernels->moments(m, scores, &mean, &deviations);
    return (1.0 - (double)smoothing) * (double)scores[label] + (double)smoothing * mean;
}

static bool is_ignored(const mfi_targets *targets, size_t row)
{
    return targets->labels[row] == MF_LABEL_IGNORED;
}

double mfi_weight_of(const float *weights, size_t row)
{
    float weight = weights ? weights[row] : 1.0f;
    return weight < FLT_MIN ? 0.0 : (double)weight;
}

static double weight_of(const mfi_targets *targets, size_t row)
{
    return mfi_weight_of(targets->weights, row / targets->together);
}

static double total_weight(size_t rows, const mfi_targets *targets)
{
    double total = 0.0;
    for (size_t b = 0; b < rows; b++)
        total += is_ignored(targets, b) ? 0.0 : weight_of(targets, b);
    return total;
}

/* Adds a row with that loss; false if it is not finite. */
static bool add_row_loss(mfi_loss *result, size_t row, const mfi_targets *targets, double loss, bool correct)
{
    double weight = weight_of(targets, row);
    if (!isfinite(loss)) {
        result->bad_row = row;
        return false;
    }
    result->counted++;
    result->loss += weight * loss;
    if (weight > 0.0 && correct)
        result->correct++;
    return true;
}

typedef struct row_loss {
    double loss;
    bool correct;
} row_loss;

/* Some rows, from `first` to `end` - 1, whose losses are added up in order when all are known. */
typedef struct loss_work {
    const mfi_kernels *kernels;
    const mfi_targets *targets;
    size_t m, first, end;
    const float *scores;
    float *gradient; /* NULL, or the scores */
    double total;
    row_loss *losses;
} loss_work;

/* The gradient is (softmax - q) w / sum(w). What is read of the scores is read before it is written. */
static row_loss find_loss(const loss_work *all, size_t row)
{
    const mfi_kernels *kernels = all->kernels;
    size_t m = all->m;
    const float *scores = all->scores + row * m;
    float *gradient = all->gradient ? all->gradient + row * m : NULL;
    float smoothing = all->targets->smoothing, highest = kernels->highest(m, scores);
    int32_t label = all->targets->labels[row];
    bool correct = scores[label] == highest && place_of_highest(m, scores, highest) == (size_t)label;
    double expected = expected_score(kernels, m, scores, label, smoothing);
    double sum = kernels->exponentials(m, scores, highest, gradient);
    if (gradient) {
        float scale = (float)(weight_of(all->targets, row) / all->total), spread = smoothing / (float)m;
        kernels->scale_shift(m, (float)((double)scale / sum), -spread * scale, gradient);
        gradient[label] -= (1.0f - smoothing) * scale;
    }
    return (row_loss){(double)highest + log(sum) - expected, correct};
}

/* A row without a label has no part in the loss, and in the gradient the part of 0 times what the scores are
 * made of, which is none only if that is finite; then its scores are. */
static row_loss ignore_row(const loss_work *all, size_t row)
{
    if (!all->gradient)
        return (row_loss){0.0, false};
    bool finite = all->kernels->all_finite(all->m, all->scores + row * all->m);
    memset(all->gradient + row * all->m, 0, all->m * sizeof *all->gradient);
    return (row_loss){finite ? 0.0 : NAN, false};
}

static void loss_piece(void *context, size_t index, size_t slot)
{
    const loss_work *all = context;
    size_t piece = rows_of_piece(all->m), first = all->first + index * piece,
           end = all->end - first < piece ? all->end : first + piece;
    (void)slot;
    for (size_t b = first; b < end; b++)
        all->losses[b - all->first] = is_ignored(all->targets, b) ? ignore_row(all, b) : find_loss(all, b);
}

static mfi_loss cross_entropy(loss_work all, const mfi_team *team, size_t rows)
{
    enum { ROWS = 256 };
    row_loss losses[ROWS];
    mfi_loss result = {.bad_row = rows};
    size_t piece = rows_of_piece(all.m);
    all.total = total_weight(rows, all.targets);
    all.losses = losses;
    for (; all.first < rows; all.first = all.end) {
        all.end = rows - all.first < ROWS ? rows : all.first + ROWS;
        mfi_team_run(team, (all.end - all.first + piece - 1) / piece, loss_piece, &all);
        for (size_t b = all.first; b < all.end; b++) {
            const row_loss *row = &losses[b - all.first];
            if (is_ignored(all.targets, b) && isfinite(row->loss))
                continue;
            if (!add_row_loss(&result, b, all.targets, row->loss, row->correct))
                return result;
        }
    }
    result.loss /= all.total;
    return result;
}

mfi_loss mfi_cross_entropy(const mfi_kernels *kernels, const mfi_team *team, size_t rows, size_t m,
                           const float *scores, const mfi_targets *targets)
{
    return cross_entropy((loss_work){.kernels = kernels, .targets = targets, .m = m, .scores = scores}, team,
                         rows);
}

mfi_loss mfi_cross_entropy_gradient(const mfi_kernels *kernels, const mfi_team *team, size_t rows, size_t m,
                                    float *scores, const mfi_targets *targets)
{
    return cross_entropy(
        (loss_work){.kernels = kernels, .targets = targets, .m = m, .scores = scores, .gradient = scores},
        team, rows);
}

/* ---- block by block ---- */

/* What sums are relative to. Where all scores are -inf it is above them: they are no numbers relative to themselves, and
 * add nothing. */
static float reference(float highest)
{
    return highest > -FLT_MAX ? highest : -FLT_MAX;
}

/* Both sums become relative to the higher of both highest scores. */
void mfi_running_take(mfi_running *running, const mfi_kernels *kernels, size_t first, size_t count,
                      const float *scores, int32_t label)
{
    float highest = kernels->highest(count, scores);
    double sum = kernels->exponentials(count, scores, reference(highest), NULL);
    double rise = (double)reference(highest) - (double)reference(running->highest);
    if (label >= 0 && (size_t)label >= first && (size_t)label - first < count)
        running->label = scores[(size_t)label - first];
    if (first == 0 || highest > running->highest)
        running->best = (int32_t)(first + place_of_highest(count, scores, highest));
    if (first == 0)
        running->sum = sum;
    else if (rise > 0.0)
        running->sum = running->sum * exp(-rise) + sum;
    else
        running->sum += sum * exp(rise);
    if (first == 0 || highest > running->highest)
        running->highest = highest;
}

double mfi_running_log_sum(const mfi_running *running)
{
    return (double)reference(running->highest) + log(running->sum);
}

mfi_loss mfi_running_cross_entropy(size_t rows, const mfi_running *running, const mfi_targets *targets)
{
    mfi_loss result = {.bad_row = rows};
    for (size_t b = 0; b < rows; b++) {
        double loss = mfi_running_log_sum(&running[b]) - (double)running[b].label;
        if (!is_ignored(targets, b) &&
            !add_row_loss(&result, b, targets, loss, running[b].best == targets->labels[b]))
            return result;
    }
    result.loss /= total_weight(rows, targets);
    return result;
}

/* Sorts one score in; `known` of the list are there. */
static void insert_score(size_t known, int32_t class, float score, int32_t *classes, float *top)
{
    size_t at = known;
    for (; at > 0 && score > top[at - 1]; at--) {
        top[at] = top[at - 1];
        classes[at] = classes[at - 1];
    }
    top[at] = score;
    classes[at] = class;
}

/* Few classes are among the highest: those of a piece are looked at only if one of them is. */
void mfi_top_take(const mfi_kernels *kernels, size_t most, size_t first, size_t count, const float *scores,
                  int32_t *classes, float *top)
{
    enum { PIECE = 64 };
    size_t known = first < most ? first : most, end;
    for (size_t c = 0; c < count; c = end) {
        end = count - c < PIECE ? count : c + PIECE;
        if (known == most && !(kernels->highest(end - c, scores + c) > top[most - 1]))
            continue;
        for (; c < end; c++)
            if (known < most)
                insert_score(known++, (int32_t)(first + c), scores[c], classes, top);
            else if (scores[c] > top[most - 1])
                insert_score(most - 1, (int32_t)(first + c), scores[c], classes, top);
    }
}
