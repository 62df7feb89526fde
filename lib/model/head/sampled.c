/* Owns: the candidates of a sampled head: which classes a step scores, and what is added to their scores.
 *
 * The classes of the batch's labels are scored as they are. Of the others, S are drawn by the law, one from
 * each S-th part of its distribution: of k draws of a class with probability p, S p are to be expected, so
 * log(k / (S p)) is added to its score. The sum of exponentials is then that over all classes on average. A
 * draw that hits a label adds nothing, since the label is there already.
 *
 * What is drawn depends on the layer's seed and on how many batches it has learned from. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/head.h"

/* A distribution over classes, from which draws come in ascending order. */
typedef struct law {
    int32_t kind; /* MF_SAMPLING_... */
    size_t classes;
    double scale;        /* the sum of all counts; log(m + 1) of the log-uniform one */
    const float *counts; /* [m] of MF_SAMPLING_COUNTS */
    size_t at;           /* class that the last draw gave, and */
    double below;        /* the sum of the counts before it */
} law;

/* What a step takes for 0 is 0 everywhere, as sample weights are. */
static double count_of(const law *of, size_t c)
{
    return of->counts[c] < FLT_MIN ? 0.0 : (double)of->counts[c];
}

static law law_of(const mf_layer *layer)
{
    const mfi_plan *plan = &layer->plan;
    law found = {.kind = plan->head.sampling, .classes = plan->head.classes};
    if (found.kind == MF_SAMPLING_COUNTS) {
        found.counts = layer->parameters[plan->counts].now.values;
        for (size_t c = 0; c < found.classes; c++)
            found.scale += count_of(&found, c);
    } else {
        found.scale = log((double)found.classes + 1.0);
    }
    return found;
}

/* The class at `point`, from above 0 to below 1, of the distribution. */
static size_t draw_at(law *from, double point)
{
    size_t last = from->classes - 1, c = 0;
    if (from->kind == MF_SAMPLING_COUNTS) {
        for (; from->at < last && from->below + count_of(from, from->at) <= point * from->scale; from->at++)
            from->below += count_of(from, from->at);
        return from->at;
    }
    if (from->kind == MF_SAMPLING_UNIFORM)
        c = (size_t)(point * (double)from->classes);
    else
        c = (size_t)(exp(point * from->scale) - 1.0);
    return c < last ? c : last;
}

static double probability_of(const law *of, size_t c)
{
    if (of->kind == MF_SAMPLING_COUNTS)
        return count_of(of, c) / of->scale;
    return of->kind == MF_SAMPLING_UNIFORM ? 1.0 / (double)of->classes
                                           : log1p(1.0 / ((double)c + 1.0)) / of->scale;
}

/* The column of that class, a new one if it has none. */
static size_t column_of(const mfi_candidates *candidates, size_t *count, size_t class)
{
    int32_t *column = &candidates->column[class];
    if (*column < 0) {
        *column = (int32_t)*count;
        candidates->classes[*count] = (int32_t) class;
        candidates->offsets[*count] = 0.0f;
        ++*count;
    }
    return (size_t)*column;
}

/* The columns of the labels; how many there are. */
static size_t take_labels(const mfi_run *run)
{
    const mfi_candidates *candidates = &run->scratch->candidates;
    size_t count = 0;
    for (size_t b = 0; b < run->rows->count * run->layer->plan.scored; b++) {
        int32_t label = run->rows->labels[b];
        candidates->labels[b] =
            label == MF_LABEL_IGNORED ? label : (int32_t)column_of(candidates, &count, (size_t)label);
    }
    return count;
}

/* How often each class is drawn that is no label, into the offsets of columns behind those of labels; how
 * many columns there are. */
static size_t draw_candidates(const mfi_run *run, law *from, size_t labels)
{
    const double unit = 1.0 / 4294967296.0, most = 1.0 - 0x1p-40; /* 1 itself is no point */
    const mfi_plan *plan = &run->layer->plan;
    const mfi_stream stream = mfi_stream_of(plan->seed, MFI_PURPOSE_CANDIDATES, run->layer->progress.applied);
    size_t count = labels, draws = plan->head.candidates;
    uint32_t bits[4];
    for (size_t i = 0; i < draws; i++) {
        if (i % 4 == 0)
            mfi_stream_block(&stream, (uint32_t)(i / 4), bits);
        double point = ((double)i + ((double)bits[i % 4] + 0.5) * unit) / (double)draws;
        size_t column =
            column_of(&run->scratch->candidates, &count, draw_at(from, point < most ? point : most));
        if (column >= labels)
            run->scratch->candidates.offsets[column] += 1.0f;
    }
    return count;
}

static void gather_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    const mfi_candidates *candidates = &mine->scratch->candidates;
    const mf_layer *layer = mine->layer;
    const mf_matrix *shared = layer->plan.head.shared;
    const float *projection = layer->parameters[layer->plan.projection].now.values;
    size_t n = layer->plan.features, width = mfi_plan_shared(&layer->plan), learned = n - width;
    (void)context;
    for (size_t column = first; column < end; column++) {
        size_t class = (size_t)candidates->classes[column];
        float *row = candidates->projection + column * n;
        if (shared)
            memcpy(row, shared->values + class * width, width * sizeof *row);
        memcpy(row + width, projection + class * learned, learned * sizeof *row);
    }
}

mf_status mfi_head_sample(mfi_run *run, size_t position)
{
    const mfi_plan *plan = &run->layer->plan;
    const mfi_candidates *candidates = &run->scratch->candidates;
    if (plan->head.sampling == MF_SAMPLING_NONE)
        return MF_STATUS_OK;
    law from = law_of(run->layer);
    if (!(from.scale > 0.0)) /* averages of counts, and files, may leave none */
        return mfi_fail(MF_STATUS_NUMERIC,
                        "layer %zu: all %zu counts are 0, or too small for float32: no class can be drawn",
                        position, from.classes);
    memset(candidates->column, -1, plan->head.classes * sizeof *candidates->column);
    size_t labels = take_labels(run);
    run->columns = draw_candidates(run, &from, labels);
    for (size_t column = labels; column < run->columns; column++) {
        double expected =
            (double)plan->head.candidates * probability_of(&from, (size_t)candidates->classes[column]);
        candidates->offsets[column] = (float)log((double)candidates->offsets[column] / expected);
    }
    mfi_run_share_items(run, run->columns, plan->features, gather_rows, NULL);
    return MF_STATUS_OK;
}

bool mfi_head_take_candidates(const mfi_plan *plan, size_t rows, mfi_room *room, mfi_candidates *candidates)
{
    size_t labels = 0, values = 0, columns = mfi_plan_columns(plan, rows);
    if (plan->head.sampling == MF_SAMPLING_NONE)
        return true;
    if (!mfi_multiply(rows, plan->scored, &labels) || !mfi_multiply(columns, plan->features, &values))
        return false;
    *candidates = (mfi_candidates){
        .column = mfi_room_take(room, plan->head.classes, sizeof(int32_t)),
        .classes = mfi_room_take(room, columns, sizeof(int32_t)),
        .labels = mfi_room_take(room, labels, sizeof(int32_t)),
        .offsets = mfi_room_take(room, columns, sizeof(float)),
        .projection = mfi_room_take(room, values, sizeof(float)),
    };
    return true;
}
