/* Owns: the embedding of tokens: y_t = the row of W that belongs to token x_t.
 *
 * On the way back the rows of W that occur in the batch, and no others, have a gradient: the sum over all
 * places of a token, in their order. Threads share ranges of tokens. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"

/* Whole numbers up to this one are floats. */
enum { MOST_TOKENS = 1 << 24 };

/* Ranges of tokens that threads share. */
enum { MOST_RANGES = 64 };

static mf_status embedding_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    MFI_TRY(mfi_check_size("outputs", unit->outputs, 1));
    MFI_TRY(mfi_check_size("vocabulary", unit->vocabulary, 1));
    MFI_TRY(mfi_unit_check_weight(unit));
    if (unit->vocabulary > MOST_TOKENS)
        return mfi_fail(MF_STATUS_OVERFLOW, "a vocabulary has at most %d tokens, got %zu", (int)MOST_TOKENS,
                        unit->vocabulary);
    if (unit->inputs[0] != 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "an embedding reads tokens, the layer's input: node 0, not %d",
                        (int)unit->inputs[0]);
    if (input->rank != 1)
        return mfi_unit_refuses("an embedding reads a row of tokens", input);
    *output = mfi_shape_sequence(input->dims[0], unit->outputs);
    return MF_STATUS_OK;
}

static void embedding_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    stage->channels = unit->outputs;
    stage->positions = input->dims[0];
    stage->vocabulary = unit->vocabulary;
}

static size_t range_count(const mfi_stage *stage)
{
    return stage->vocabulary < MOST_RANGES ? stage->vocabulary : MOST_RANGES;
}

/* The places of each token, as lists: for each token the first one, for each place the next one; -1 ends. */
typedef struct places {
    int32_t *first; /* [vocabulary] */
    int32_t *next;  /* [B, T] */
} places;

static places places_of(const mfi_run *run, const mfi_stage *stage)
{
    int32_t *numbers = (int32_t *)(void *)run->scratch->whole;
    return (places){numbers, numbers + stage->vocabulary};
}

static bool embedding_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                            mfi_shared_sizes *shared)
{
    size_t count = 0;
    (void)kept;
    if (!training)
        return true;
    shared->pieces = range_count(stage);
    if (!mfi_multiply(rows, stage->positions, &count) || count > INT32_MAX)
        return false;
    shared->whole = count + stage->vocabulary;
    return true;
}

static size_t token_at(mfi_input input, const mfi_stage *stage, size_t place)
{
    return (size_t)input.x[place / stage->positions * input.stride + place % stage->positions];
}

static void embed_rows(mfi_run *mine, void *context, size_t first, size_t end)
{
    size_t index = *(const size_t *)context;
    const mfi_stage *stage = &mine->layer->plan.stages[index];
    const float *w = mfi_run_values(mine, index, MFI_WEIGHT);
    mfi_input input = mfi_run_input(mine, index, 0);
    float *y = mfi_run_output(mine, index);
    size_t d = stage->channels;
    for (size_t place = first * stage->positions; place < end * stage->positions; place++)
        memcpy(y + place * d, w + token_at(input, stage, place) * d, d * sizeof *y);
}

static void embedding_forward(const mfi_run *run, size_t index)
{
    mfi_run_share_items(run, run->rows->count, run->layer->plan.stages[index].output_values, embed_rows,
                        &index);
}

/* From the last place to the first, so that lists have places in their order. */
static void list_places(const mfi_run *run, size_t index)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    places lists = places_of(run, stage);
    mfi_input input = mfi_run_input(run, index, 0);
    memset(lists.first, -1, stage->vocabulary * sizeof *lists.first);
    for (size_t place = run->rows->count * stage->positions; place-- > 0;) {
        int32_t *first = &lists.first[token_at(input, stage, place)];
        lists.next[place] = *first;
        *first = (int32_t)place;
    }
}

typedef struct embedding_pass {
    const mfi_stage *stage;
    mfi_target weight;
    float *dy;
} embedding_pass;

/* The sum of a token's gradients takes the place of the first of them. */
static void range_backward(mfi_run *mine, void *context, size_t index)
{
    const embedding_pass *pass = context;
    const mfi_stage *stage = pass->stage;
    places lists = places_of(mine, stage);
    size_t d = stage->channels, ranges = range_count(stage);
    for (size_t token = index * stage->vocabulary / ranges; token < (index + 1) * stage->vocabulary / ranges;
         token++) {
        int32_t place = lists.first[token];
        float *sum = place < 0 ? NULL : pass->dy + (size_t)place * d;
        while (sum && (place = lists.next[place]) >= 0)
            mine->layer->kernels->scale_add(d, 1.0f, sum, 1.0f, pass->dy + (size_t)place * d);
        if (!sum)
            continue;
        mfi_run_take(mine, &pass->weight, token * d, 1, d, d, sum);
    }
}

static void embedding_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    embedding_pass pass = {stage, mfi_run_target(run, stage->parameters[MFI_WEIGHT]), dy};
    (void)dx; /* tokens have no gradient */
    if (!pass.weight.wanted)
        return;
    list_places(run, index);
    mfi_run_share_gradients(run, range_count(stage), range_backward, &pass);
}

const mfi_unit_kind mfi_unit_embedding = {
    .resolve = embedding_resolve,
    .describe = embedding_describe,
    .sizes = embedding_sizes,
    .forward = embedding_forward,
    .backward = embedding_backward,
};
