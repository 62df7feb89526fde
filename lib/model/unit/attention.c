/* Owns: multi-head attention on queries, keys and values that lie behind each other at every position.
 *
 * Work goes over blocks of positions that ask, in one head of one row after the other:
 *
 *     S = q k^T / sqrt(width)     P = softmax of every row of S     y = P v
 *     dv += P^T dy     dP = dy v^T     dS = P (dP - sum P dP) / sqrt(width)     dq = dS k     dk += dS^T q
 *
 * so that S and P exist for a block of one head alone, whatever the batch. The way back makes P anew from its
 * shifts, to the bit. With a causal mask a position sees those up to itself, and a block those up to its
 * last. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/unit.h"

enum { ATTENTION_BLOCK = 64, QUERY_KEY_VALUE = 3 };

static mf_status attention_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    unit->heads = unit->heads ? unit->heads : 1;
    MFI_TRY(mfi_check_size("heads", unit->heads, 1));
    MFI_TRY(mfi_check_constant("causal", unit->causal, 1));
    if (input->rank != 2)
        return mfi_unit_refuses("an attention reads a sequence", input);
    if (input->dims[1] % QUERY_KEY_VALUE || input->dims[1] / QUERY_KEY_VALUE % unit->heads)
        return mfi_fail(
            MF_STATUS_SHAPE,
            "an attention of %zu heads reads 3 x %zu values at a position, or a multiple, not %zu",
            unit->heads, unit->heads, input->dims[1]);
    *output = mfi_shape_sequence(input->dims[0], input->dims[1] / QUERY_KEY_VALUE);
    return MF_STATUS_OK;
}

static void attention_describe(const mf_unit_spec *unit, const mf_shape *input, mfi_stage *stage)
{
    stage->heads = unit->heads;
    stage->causal = unit->causal != 0;
    stage->channels = input->dims[1] / QUERY_KEY_VALUE;
    stage->multiplications = 2.0 * (double)input->dims[0] * (double)input->dims[0] * (double)stage->channels;
}

static size_t block_most(const mfi_stage *stage)
{
    return stage->positions < ATTENTION_BLOCK ? stage->positions : ATTENTION_BLOCK;
}

/* Floats of a shift. */
enum { SHIFT_FLOATS = sizeof(mfi_softmax_shift) / sizeof(float) };

static bool attention_sizes(const mfi_stage *stage, size_t rows, bool training, mfi_kept_sizes *kept,
                            mfi_shared_sizes *shared)
{
    if (!mfi_multiply((training ? 2 : 1) * block_most(stage), stage->positions, &shared->scores))
        return false;
    return !training || (mfi_multiply(rows, SHIFT_FLOATS * stage->heads, &kept->moments) &&
                         mfi_multiply(kept->moments, stage->positions, &kept->moments));
}

/* A block of positions of one head of a row. */
typedef struct attention_block {
    const mfi_stage *stage;
    const mfi_kernels *kernels;
    mfi_gemm_function *gemm;
    size_t row, head, width; /* width: values of a query */
    size_t first, count;     /* positions that ask */
    size_t seen;             /* positions that some of them see */
    const float *q, *k, *v;  /* q of the first that asks, k and v of position 0; `stride` apart */
    size_t stride;
    float scale;
    float *scores;             /* [count, seen] */
    mfi_softmax_shift *shifts; /* [count]; NULL in inference */
} attention_block;

/* Positions that position `i` of the block sees. */
static size_t sees(const attention_block *b, size_t i)
{
    return b->stage->causal ? b->first + i + 1 : b->seen;
}

static void multiply_scores(const attention_block *b)
{
    b->gemm(MFI_NO_TRANS, MFI_TRANS, b->count, b->seen, b->width, b->scale, b->q, b->stride, b->k, b->stride,
            0.0f, b->scores, b->seen);
}

/* Nobody attends to what comes later. */
static void forget_later(const attention_block *b, size_t i, float *scores)
{
    memset(scores + i * b->seen + sees(b, i), 0, (b->seen - sees(b, i)) * sizeof *scores);
}

typedef void use_block(const attention_block *block, void *user);

static void walk_head(const mfi_run *run, size_t index, attention_block b, use_block *use, void *user)
{
    size_t positions = b.stage->positions, most = block_most(b.stage), d = b.stage->channels;
    mfi_input input = mfi_run_input(run, index, 0);
    const float *x = input.x + b.row * input.stride + b.head * b.width;
    float *kept = run->scratch->kept[index].moments;
    b.k = x + d;
    b.v = x + 2 * d;
    for (b.first = 0; b.first < positions; b.first += b.count) {
        size_t place = (b.row * b.stage->heads + b.head) * positions + b.first;
        b.count = positions - b.first < most ? positions - b.first : most;
        b.seen = b.stage->causal ? b.first + b.count : positions;
        b.q = x + b.first * b.stride;
        b.shifts = kept ? (mfi_softmax_shift *)(kept + place * SHIFT_FLOATS) : NULL;
        multiply_scores(&b);
        use(&b, user);
    }
}

/* What the heads of a pass share. */
typedef struct heads_pass {
    size_t index;
    use_block *use;
    void *user;
} heads_pass;

static void walk_heads(mfi_run *mine, void *context, size_t first, size_t end)
{
    const heads_pass *p = context;
    const mfi_stage *stage = &mine->layer->plan.stages[p->index];
    attention_block b = {.stage = stage,
                         .kernels = mine->layer->kernels,
                         .gemm = mine->layer->plan.products.gemm,
                         .width = stage->channels / stage->heads,
                         .stride = QUERY_KEY_VALUE * stage->channels,
                         .scores = mine->scratch->scores};
    b.scale = (float)(1.0 / sqrt((double)b.width));
    for (size_t head = first; head < end; head++) {
        b.row = head / stage->heads;
        b.head = head % stage->heads;
        walk_head(mine, p->index, b, p->use, p->user);
    }
}

/* All heads of all rows. */
static void share_heads(const mfi_run *run, size_t index, use_block *use, void *user)
{
    const mfi_stage *stage = &run->layer->plan.stages[index];
    heads_pass p = {index, use, user};
    mfi_run_share_items(run, run->rows->count * stage->heads, stage->positions * block_most(stage),
                        walk_heads, &p);
}

/* Where the values of the block lie in an array [B, positions, d]. */
static size_t place_of(const attention_block *b)
{
    return (b->row * b->stage->positions + b->first) * b->stage->channels + b->head * b->width;
}

/* 0 times what is not finite is not 0, so a later value that has overflowed would be seen: without it. */
static void attend_to_earlier(const attention_block *b, size_t i, float *y)
{
    if (b->stage->causal && !b->kernels->all_finite(b->width, y))
        b->gemm(MFI_NO_TRANS, MFI_NO_TRANS, 1, b->width, sees(b, i), 1.0f, b->scores + i * b->seen, b->seen,
                b->v, b->stride, 0.0f, y, b->stage->channels);
}

static void block_forward(const attention_block *b, void *output)
{
    float *y = (float *)output + place_of(b);
    size_t d = b->stage->channels;
    for (size_t i = 0; i < b->count; i++) {
        mfi_softmax_shift shift;
        b->kernels->softmax(sees(b, i), b->scores + i * b->seen, b->shifts ? &b->shifts[i] : &shift);
        forget_later(b, i, b->scores);
    }
    b->gemm(MFI_NO_TRANS, MFI_NO_TRANS, b->count, b->width, b->seen, 1.0f, b->scores, b->seen, b->v,
            b->stride, 0.0f, y, d);
    for (size_t i = 0; i < b->count; i++)
        attend_to_earlier(b, i, y + i * d);
}

static void attention_forward(const mfi_run *run, size_t index)
{
    share_heads(run, index, block_forward, mfi_run_output(run, index));
}

/* The gradients by output and input. */
typedef struct attention_gradients {
    const float *dy;
    float *dx;
} attention_gradients;

static void block_backward(const attention_block *b, void *user)
{
    const attention_gradients *g = user;
    size_t d = b->stage->channels;
    const float *dy = g->dy + place_of(b);
    float *p = b->scores, *dp = b->scores + b->count * b->seen;
    float *row = g->dx + b->row * b->stage->input_values + b->head * b->width;
    float *dq = row + b->first * b->stride, *dk = row + d, *dv = row + 2 * d;
    for (size_t i = 0; i < b->count; i++) {
        b->kernels->softmax_again(sees(b, i), p + i * b->seen, b->shifts[i]);
        forget_later(b, i, p);
    }
    b->gemm(MFI_TRANS, MFI_NO_TRANS, b->seen, b->width, b->count, 1.0f, p, b->seen, dy, d, 1.0f, dv,
            b->stride);
    b->gemm(MFI_NO_TRANS, MFI_TRANS, b->count, b->seen, b->width, 1.0f, dy, d, b->v, b->stride, 0.0f, dp,
            b->seen);
    for (size_t i = 0; i < b->count; i++) {
        b->kernels->softmax_gradient(sees(b, i), b->scale, p + i * b->seen, dp + i * b->seen);
        forget_later(b, i, dp);
    }
    b->gemm(MFI_NO_TRANS, MFI_NO_TRANS, b->count, b->width, b->seen, 1.0f, dp, b->seen, b->k, b->stride, 0.0f,
            dq, b->stride);
    b->gemm(MFI_TRANS, MFI_NO_TRANS, b->seen, b->width, b->count, 1.0f, dp, b->seen, b->q, b->stride, 1.0f,
            dk, b->stride);
}

static void attention_backward(mfi_run *run, size_t index, float *dy, float *const dx[MFI_STAGE_INPUTS])
{
    attention_gradients gradients = {dy, dx[0]};
    if (!dx[0])
        return;
    memset(dx[0], 0, run->rows->count * run->layer->plan.stages[index].input_values * sizeof *dy);
    share_heads(run, index, block_backward, &gradients);
}

const mfi_unit_kind mfi_unit_attention = {
    .resolve = attention_resolve,
    .describe = attention_describe,
    .sizes = attention_sizes,
    .forward = attention_forward,
    .backward = attention_backward,
};
