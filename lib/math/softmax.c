/* Owns: softmax, cross-entropy and the predicted class, from goodness scores. */
#include "math/softmax.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <monoforward.h>

int32_t mfi_argmax(size_t m, const float *scores)
{
    size_t best = 0;
    for (size_t c = 1; c < m; c++)
        if (scores[c] > scores[best])
            best = c;
    return (int32_t)best;
}

/* log sum_c exp G_c, computed relative to the highest score; not finite if a score is not finite. In double:
 * in float, small terms beside a sum of 1 would be lost, however many there are. */
static double log_sum_exp(size_t m, const float *scores)
{
    float highest = scores[0];
    double sum = 0.0;
    for (size_t c = 1; c < m; c++)
        highest = scores[c] > highest ? scores[c] : highest;
    for (size_t c = 0; c < m; c++)
        sum += (double)expf(scores[c] - highest);
    return (double)highest + log(sum);
}

/* softmax(G)_c, given log sum exp G */
static float probability(float score, double log_sum)
{
    return expf((float)((double)score - log_sum));
}

void mfi_softmax(size_t rows, size_t m, const float *scores, float *to)
{
    for (size_t b = 0; b < rows; b++) {
        double log_sum = log_sum_exp(m, scores + b * m);
        for (size_t c = 0; c < m; c++)
            to[b * m + c] = probability(scores[b * m + c], log_sum);
    }
}

/* sum_c q_c G_c */
static double expected_score(size_t m, const float *scores, int32_t label, float smoothing)
{
    double score = (1.0 - (double)smoothing) * (double)scores[label];
    if (smoothing > 0.0f)
        for (size_t c = 0; c < m; c++)
            score += (double)smoothing / (double)m * (double)scores[c];
    return score;
}

static bool is_ignored(const mfi_targets *targets, size_t row)
{
    return targets->labels[row] == MF_LABEL_IGNORED;
}

static double weight_of(const mfi_targets *targets, size_t row)
{
    return targets->weights ? (double)targets->weights[row / targets->together] : 1.0;
}

static double total_weight(size_t rows, const mfi_targets *targets)
{
    double total = 0.0;
    for (size_t b = 0; b < rows; b++)
        total += is_ignored(targets, b) ? 0.0 : weight_of(targets, b);
    return total;
}

/* Replaces the scores by (softmax - q) scale. */
static void row_gradient(size_t m, float *scores, double log_sum, int32_t label, float smoothing, float scale)
{
    float spread = smoothing / (float)m;
    for (size_t c = 0; c < m; c++)
        scores[c] = (probability(scores[c], log_sum) - spread) * scale;
    scores[label] -= (1.0f - smoothing) * scale;
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

static mfi_loss cross_entropy(size_t rows, size_t m, const float *scores, float *gradient,
                              const mfi_targets *targets)
{
    mfi_loss result = {.bad_row = rows};
    double total = total_weight(rows, targets);
    for (size_t b = 0; b < rows; b++) {
        const float *row = scores + b * m;
        int32_t label = targets->labels[b];
        if (is_ignored(targets, b)) {
            if (gradient)
                memset(gradient + b * m, 0, m * sizeof *gradient);
            continue;
        }
        double log_sum = log_sum_exp(m, row);
        double loss = log_sum - expected_score(m, row, label, targets->smoothing);
        if (!add_row_loss(&result, b, targets, loss, mfi_argmax(m, row) == label))
            return result;
        if (gradient)
            row_gradient(m, gradient + b * m, log_sum, label, targets->smoothing,
                         (float)(weight_of(targets, b) / total));
    }
    result.loss /= total;
    return result;
}

mfi_loss mfi_cross_entropy(size_t rows, size_t m, const float *scores, const mfi_targets *targets)
{
    return cross_entropy(rows, m, scores, NULL, targets);
}

mfi_loss mfi_cross_entropy_gradient(size_t rows, size_t m, float *scores, const mfi_targets *targets)
{
    return cross_entropy(rows, m, scores, scores, targets);
}

/* ---- block by block ---- */

/* Both sums become relative to the higher of both highest scores. */
static void take_piece(mfi_running *running, const mfi_kernels *kernels, size_t first, size_t count,
                       float *scores, int32_t label)
{
    int32_t best = mfi_argmax(count, scores);
    mfi_softmax_shift shift;
    if (label >= 0 && (size_t)label >= first && (size_t)label - first < count)
        running->label = scores[(size_t)label - first];
    if (first == 0 || scores[best] > running->highest)
        running->best = (int32_t)first + best;
    kernels->softmax(count, scores, &shift);
    double sum = 1.0 / (double)shift.inverse, rise = (double)shift.highest - (double)running->highest;
    if (first == 0) {
        running->sum = sum;
        running->highest = shift.highest;
    } else if (rise > 0.0) {
        running->sum = running->sum * exp(-rise) + sum;
        running->highest = shift.highest;
    } else {
        running->sum += sum * exp(rise);
    }
}

/* The kernels add up in float, so they get pieces in which that is exact enough. */
void mfi_running_take(mfi_running *running, const mfi_kernels *kernels, size_t first, size_t count,
                      float *scores, int32_t label)
{
    enum { PIECE = 256 };
    for (size_t done = 0; done < count; done += PIECE)
        take_piece(running, kernels, first + done, count - done < PIECE ? count - done : PIECE, scores + done,
                   label);
}

double mfi_running_log_sum(const mfi_running *running)
{
    return (double)running->highest + log(running->sum);
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

void mfi_top_take(size_t most, size_t first, size_t count, const float *scores, int32_t *classes, float *top)
{
    size_t known = first < most ? first : most;
    for (size_t c = 0; c < count; c++) {
        if (known == most && !(scores[c] > top[most - 1]))
            continue;
        size_t at = known < most ? known++ : most - 1;
        for (; at > 0 && scores[c] > top[at - 1]; at--) {
            top[at] = top[at - 1];
            classes[at] = classes[at - 1];
        }
        top[at] = scores[c];
        classes[at] = (int32_t)(first + c);
    }
}
