/* SPDX-License-Identifier: MIT */
#include "backprop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/subnormal.h"
#include "math/gemm.h"
#include "math/initialize.h"
#include "math/softmax.h"
#include "model/layer_dense.h"

/* Weights and biases in one parameter each, as in a layer. */
typedef struct stage {
    size_t inputs, outputs;
    mfi_parameter weight, bias;
    float *dw, *db; /* gradients that are added up; NULL without accumulation */
    size_t slot;    /* of what it passes on; the classifier has none, its output is the scores */
} stage;

enum { MOST_STAGES = BACKPROP_MOST_LAYERS + 1, MOST_BLOCKS = 10 * MOST_STAGES };

struct backprop {
    mf_allocator allocator;
    mf_optimizer *optimizer;
    const mfi_kernels *kernels;
    mfi_blas_counter blas;
    stage stages[MOST_STAGES];
    size_t classes;
    size_t count, segment; /* a segment of this many layers lies between two checkpoints */
    size_t part;           /* rows that go through the network at a time */
    bool accumulates;
    float *slots[MOST_STAGES]; /* [B, widest] activations; on the way back the dz that took their place */
    float *spare;              /* [B, widest] the next dz is made here */
    float *scores;             /* [B, classes] */
    float *dw, *db;            /* [panel, inputs], [widest] */
    struct {
        void *pointer;
        size_t bytes;
    } blocks[MOST_BLOCKS];
    size_t block_count;
    bool failed; /* a block could not be had */
};

static float *floats(backprop *net, size_t count)
{
    size_t bytes = count * sizeof(float);
    void *pointer =
        net->failed || net->block_count == MOST_BLOCKS ? NULL : mfi_allocate(&net->allocator, bytes);
    if (!pointer) {
        net->failed = true;
        return NULL;
    }
    net->blocks[net->block_count].pointer = pointer;
    net->blocks[net->block_count++].bytes = bytes;
    memset(pointer, 0, bytes);
    return pointer;
}

static void make_parameter(backprop *net, mfi_parameter *parameter, size_t count, float bound, uint64_t seed)
{
    mfi_stream stream = mfi_stream_of(seed, MFI_PURPOSE_WEIGHT, 0);
    size_t slabs = mfi_optimizer_slabs(net->optimizer->spec.kind, net->optimizer->has_momentum);
    parameter->count = count;
    parameter->values = floats(net, count);
    for (size_t slab = 0; slab < slabs; slab++)
        parameter->state[slab] = floats(net, count);
    if (parameter->values)
        mfi_init_uniform(&stream, bound, count, parameter->values);
}

static size_t panel_of(const stage *at)
{
    mf_layer_spec spec = {.inputs = at->inputs, .outputs = at->outputs};
    return mfi_dense_panel(&spec);
}

static size_t widest_of(const backprop *net)
{
    size_t widest = 0;
    for (size_t i = 0; i < net->count; i++)
        widest = net->stages[i].outputs > widest ? net->stages[i].outputs : widest;
    return widest;
}

static void make_scratch(backprop *net)
{
    size_t widest = widest_of(net), dw = 0;
    for (size_t i = 0; i < net->count; i++) {
        mf_layer_spec spec = {.inputs = net->stages[i].inputs, .outputs = net->stages[i].outputs};
        size_t needed = 0;
        net->failed = net->failed || !mfi_dense_gradient_scratch(&spec, net->part, &needed);
        dw = needed > dw ? needed : dw;
    }
    net->scores = floats(net, net->part * net->classes);
    net->db = floats(net, widest);
    if (!net->accumulates)
        net->dw = floats(net, dw);
    for (size_t i = 0; net->accumulates && i < net->count; i++) {
        net->stages[i].dw = floats(net, net->stages[i].weight.count);
        net->stages[i].db = floats(net, net->stages[i].bias.count);
    }
}

/* Layers between checkpoints share slots from segment to segment; the last layer of a segment has its own.
 * Without checkpoints a segment is a layer. */
static void make_activations(backprop *net)
{
    size_t widest = widest_of(net), slots = 0;
    for (size_t i = 0; i + 1 < net->count; i++) {
        bool shares = i >= net->segment && (i + 1) % net->segment != 0;
        net->stages[i].slot = shares ? net->stages[i - net->segment].slot : slots++;
    }
    for (size_t slot = 0; slot < slots; slot++)
        net->slots[slot] = floats(net, net->part * widest);
    if (slots > 0)
        net->spare = floats(net, net->part * widest);
}

static void make_stages(backprop *net, const struct backprop_spec *spec)
{
    for (size_t i = 0; i < net->count; i++) {
        stage *at = &net->stages[i];
        bool classifies = i == spec->layers;
        at->inputs = spec->widths[i];
        at->outputs = classifies ? spec->classes : spec->widths[i + 1];
        float gain = spec->gain > 0.0f && !classifies ? spec->gain : 1.0f;
        float bound = gain / sqrtf((float)at->inputs);
        uint64_t seed = (spec->seed + 1) * 2 * MOST_STAGES + 2 * i;
        make_parameter(net, &at->weight, at->inputs * at->outputs, bound, seed + 1);
        make_parameter(net, &at->bias, at->outputs, bound, seed + 2);
    }
}

backprop *backprop_create(const struct backprop_spec *spec)
{
    backprop *net = calloc(1, sizeof *net);
    if (!net || spec->layers > BACKPROP_MOST_LAYERS || spec->max_batch == 0 || spec->classes < 2) {
        free(net);
        return NULL;
    }
    net->allocator = mfi_allocator_or_default(spec->allocator);
    net->optimizer = spec->optimizer;
    net->kernels = mfi_kernels_select();
    net->blas = mfi_blas_find_counter();
    net->classes = spec->classes;
    net->count = spec->layers + 1;
    net->segment = spec->checkpoints && spec->layers > 0 ? (size_t)ceil(sqrt((double)spec->layers)) : 1;
    net->accumulates = spec->accumulate > 0;
    net->part = net->accumulates && spec->accumulate < spec->max_batch ? spec->accumulate : spec->max_batch;
    make_stages(net, spec);
    make_activations(net);
    make_scratch(net);
    if (net->failed) {
        backprop_free(net);
        return NULL;
    }
    return net;
}

void backprop_free(backprop *net)
{
    for (size_t i = 0; net && i < net->block_count; i++)
        mfi_release(&net->allocator, net->blocks[i].pointer, net->blocks[i].bytes);
    free(net);
}

static const float *input_of(const backprop *net, size_t index, const float *x)
{
    return index == 0 ? x : net->slots[net->stages[index - 1].slot];
}

static mfi_activation activation_of(const backprop *net, size_t index)
{
    return (mfi_activation){index + 1 < net->count ? MF_ACTIVATION_RELU : MF_ACTIVATION_IDENTITY, 0.0f};
}

static void forward(const backprop *net, size_t index, size_t rows, const float *x)
{
    const stage *at = &net->stages[index];
    float *to = index + 1 < net->count ? net->slots[at->slot] : net->scores;
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, at->outputs, at->inputs, 1.0f, input_of(net, index, x),
             at->inputs, at->weight.values, at->inputs, 0.0f, to, at->outputs);
    net->kernels->activate(activation_of(net, index), rows, at->outputs, at->bias.values, to, NULL);
}

/* dz of the layer before, into the spare: (dz W) * phi'. */
static void pass_error_down(const backprop *net, size_t index, size_t rows, const float *error)
{
    const stage *at = &net->stages[index];
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, at->inputs, at->outputs, 1.0f, error, at->outputs,
             at->weight.values, at->inputs, 0.0f, net->spare, at->inputs);
    net->kernels->derivative(activation_of(net, index - 1), rows, at->inputs,
                             net->slots[net->stages[index - 1].slot], NULL, at->inputs, net->spare, net->db);
}

/* C [n, k] = alpha dz^T x + beta C */
static void product(const float *dz, size_t lddz, size_t n, const float *x, size_t k, size_t rows,
                    float alpha, float beta, float *c)
{
    mfi_gemm(MFI_TRANS, MFI_NO_TRANS, n, k, rows, alpha, dz, lddz, x, k, beta, c, k);
}

static mfi_rule next_rule(const backprop *net, mfi_parameter *parameter, int decays)
{
    return mfi_optimizer_rule(&net->optimizer->spec, net->optimizer->has_momentum, ++parameter->steps,
                              decays);
}

/* db += colsum(dz) */
static void add_bias_gradient(const backprop *net, const stage *at, size_t rows, const float *error,
                              float *db)
{
    for (size_t b = 0; b < rows; b++)
        net->kernels->scale_add(at->outputs, 1.0f, db, 1.0f, error + b * at->outputs);
}

static void update_bias(backprop *net, stage *at, size_t rows, const float *error)
{
    mfi_rule rule = next_rule(net, &at->bias, 0);
    memset(net->db, 0, at->outputs * sizeof(float));
    add_bias_gradient(net, at, rows, error, net->db);
    mfi_parameter_update(net->kernels, &at->bias, &rule, 0, 1, at->outputs, at->outputs, net->db);
}

/* dW = dz^T x panel by panel with the update behind it, by the same ways as in the library. */
static void update(backprop *net, size_t index, size_t rows, const float *x, const float *error)
{
    stage *at = &net->stages[index];
    size_t k = at->inputs, n = at->outputs, panel = panel_of(at);
    mfi_rule rule = next_rule(net, &at->weight, 1);
    bool fused = mfi_dense_fuses(net->kernels, &net->blas, rows, &rule);
    if (fused)
        net->kernels->pack(rows, k, x, k, net->dw);
    for (size_t start = 0; start < n; start += panel) {
        size_t width = n - start < panel ? n - start : panel, first = start * k;
        float *w = at->weight.values + first;
        float *s0 = at->weight.state[0] ? at->weight.state[0] + first : NULL;
        float *s1 = at->weight.state[1] ? at->weight.state[1] + first : NULL;
        if (fused) {
            net->kernels->product_update(&rule, rows, width, k, error + start, n, net->dw, w, s0, s1);
        } else if (rule.kind == MFI_RULE_SGD) {
            product(error + start, n, width, x, k, rows, -rule.rate, 1.0f, w);
        } else if (rule.kind == MFI_RULE_MOMENTUM) {
            product(error + start, n, width, x, k, rows, 1.0f, rule.momentum, s0);
            net->kernels->scale_add(width * k, 1.0f, w, -rule.rate, s0);
        } else {
            product(error + start, n, width, x, k, rows, 1.0f, 0.0f, net->dw);
            mfi_parameter_update(net->kernels, &at->weight, &rule, first, 1, width * k, width * k, net->dw);
        }
    }
}

/* Brings back the activations between two checkpoints, `last` being the upper one; layers above used their
 * slots. */
static void recompute(const backprop *net, size_t last, size_t rows, const float *x)
{
    for (size_t i = last + 1 - net->segment; i < last; i++)
        forward(net, i, rows, x);
}

static void forward_all(const backprop *net, size_t rows, const float *x)
{
    for (size_t i = 0; i < net->count; i++)
        forward(net, i, rows, x);
}

/* Learns from the error of a layer, or adds to its gradient. */
static void take_in(backprop *net, size_t index, size_t rows, const float *x, const float *error)
{
    stage *at = &net->stages[index];
    if (net->accumulates) {
        product(error, at->outputs, at->outputs, x, at->inputs, rows, 1.0f, 1.0f, at->dw);
        add_bias_gradient(net, at, rows, error, at->db);
    } else {
        update(net, index, rows, x, error);
        update_bias(net, at, rows, error);
    }
}

/* An activation that nobody reads any more makes room for the dz behind it. */
static const float *put_in_place(backprop *net, size_t index)
{
    float **slot = &net->slots[net->stages[index].slot], *activation = *slot;
    *slot = net->spare;
    net->spare = activation;
    return *slot;
}

/* From the scores' gradient down to the first layer. */
static void backward(backprop *net, size_t rows, const float *x)
{
    const float *error = net->scores;
    for (size_t i = net->count; i-- > 0;) {
        if (net->segment > 1 && (i + 1) % net->segment == 0 && i + 2 < net->count)
            recompute(net, i, rows, x);
        if (i > 0)
            pass_error_down(net, i, rows, error);
        take_in(net, i, rows, input_of(net, i, x), error);
        if (i > 0)
            error = put_in_place(net, i - 1);
    }
}

/* One part of a batch of `all` rows; returns the mean cross-entropy of the part. */
static double learn(backprop *net, size_t rows, size_t all, const float *x, const int32_t *y)
{
    forward_all(net, rows, x);
    mfi_loss loss = mfi_cross_entropy_gradient(rows, net->classes, net->scores, y, NULL, 0.0f);
    if (loss.bad_row < rows || !isfinite(loss.loss))
        return NAN;
    if (rows < all) {
        float share = (float)rows / (float)all;
        for (size_t i = 0; i < rows * net->classes; i++)
            net->scores[i] *= share;
    }
    backward(net, rows, x);
    return loss.loss;
}

static void update_from_sums(backprop *net)
{
    for (size_t i = 0; i < net->count; i++) {
        stage *at = &net->stages[i];
        mfi_rule rule = next_rule(net, &at->weight, 1), plain = next_rule(net, &at->bias, 0);
        size_t count = at->weight.count;
        mfi_parameter_update(net->kernels, &at->weight, &rule, 0, 1, count, count, at->dw);
        mfi_parameter_update(net->kernels, &at->bias, &plain, 0, 1, at->outputs, at->outputs, at->db);
        memset(at->dw, 0, count * sizeof(float));
        memset(at->db, 0, at->outputs * sizeof(float));
    }
}

double backprop_step(backprop *net, size_t rows, const float *x, const int32_t *y)
{
    uint64_t mode = mfi_subnormals_to_zero();
    double sum = 0.0;
    for (size_t first = 0; first < rows && !isnan(sum); first += net->part) {
        size_t part = rows - first < net->part ? rows - first : net->part;
        sum += (double)part * learn(net, part, rows, x + first * net->stages[0].inputs, y + first);
    }
    if (net->accumulates && !isnan(sum))
        update_from_sums(net);
    mfi_subnormals_restore(mode);
    return sum / (double)rows;
}

void backprop_scores(backprop *net, size_t rows, const float *x, float *scores)
{
    for (size_t first = 0; first < rows; first += net->part) {
        size_t part = rows - first < net->part ? rows - first : net->part;
        forward_all(net, part, x + first * net->stages[0].inputs);
        memcpy(scores + first * net->classes, net->scores, part * net->classes * sizeof(float));
    }
}

double backprop_evaluate(backprop *net, size_t rows, const float *x, const int32_t *y, uint64_t *correct)
{
    double sum = 0.0;
    uint64_t right = 0;
    for (size_t first = 0; first < rows; first += net->part) {
        size_t part = rows - first < net->part ? rows - first : net->part;
        forward_all(net, part, x + first * net->stages[0].inputs);
        mfi_loss loss = mfi_cross_entropy(part, net->classes, net->scores, y + first, NULL, 0.0f);
        sum += loss.loss * (double)part;
        right += loss.correct;
    }
    if (correct)
        *correct = right;
    return sum / (double)rows;
}

/* ---- going back ---- */

/* Copies a parameter with its state, out to or in from `at`, and returns what is behind it. */
static unsigned char *copy_parameter(mfi_parameter *parameter, unsigned char *at, bool out)
{
    float *blocks[] = {parameter->values, parameter->state[0], parameter->state[1]};
    size_t bytes = parameter->count * sizeof(float);
    memcpy(out ? (void *)at : &parameter->steps, out ? (void *)&parameter->steps : at,
           sizeof parameter->steps);
    at += sizeof parameter->steps;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (!blocks[i])
            continue;
        memcpy(out ? (void *)at : blocks[i], out ? (void *)blocks[i] : at, bytes);
        at += bytes;
    }
    return at;
}

static void copy_state(backprop *net, unsigned char *at, bool out)
{
    for (size_t i = 0; i < net->count; i++) {
        at = copy_parameter(&net->stages[i].weight, at, out);
        at = copy_parameter(&net->stages[i].bias, at, out);
    }
}

size_t backprop_parameters(const backprop *net)
{
    size_t count = 0;
    for (size_t i = 0; i < net->count; i++)
        count += net->stages[i].weight.count + net->stages[i].bias.count;
    return count;
}

size_t backprop_state_size(const backprop *net)
{
    size_t slabs = mfi_optimizer_slabs(net->optimizer->spec.kind, net->optimizer->has_momentum);
    return backprop_parameters(net) * (1 + slabs) * sizeof(float) +
           2 * net->count * sizeof net->stages[0].weight.steps;
}

void backprop_state_save(const backprop *net, void *buffer)
{
    copy_state((backprop *)net, buffer, true);
}

void backprop_state_load(backprop *net, const void *buffer)
{
    copy_state(net, (unsigned char *)buffer, false);
}
