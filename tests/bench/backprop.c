/* Owns: the baseline of backpropagation. */
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
    float *a; /* [B, outputs] what it passes on; NULL for the classifier, whose output is the scores */
} stage;

enum { MOST_STAGES = MOST_LAYERS + 1, MOST_BLOCKS = 8 * MOST_STAGES };

struct backprop {
    mf_allocator allocator;
    mf_optimizer *optimizer;
    const mfi_kernels *kernels;
    stage stages[MOST_STAGES];
    size_t count, segment; /* a segment of this many layers lies between two checkpoints */
    float *error[2];       /* [B, widest] dz of a layer and of the one before */
    float *scores;         /* [B, classes] */
    float *dw, *db;        /* [panel, inputs], [widest] */
    struct {
        void *pointer;
        size_t bytes;
    } blocks[MOST_BLOCKS];
    size_t block_count;
};

static float *floats(backprop *net, size_t count)
{
    size_t bytes = count * sizeof(float);
    void *pointer = mfi_allocate(&net->allocator, bytes);
    if (!pointer || net->block_count == MOST_BLOCKS)
        must(MF_STATUS_MEMORY);
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

static void make_scratch(backprop *net, size_t max_batch)
{
    size_t widest = widest_of(net), dw = 0;
    for (size_t i = 0; i < net->count; i++) {
        const stage *at = &net->stages[i];
        size_t panel = panel_of(at);
        dw = panel * at->inputs > dw ? panel * at->inputs : dw;
    }
    net->error[0] = floats(net, max_batch * widest);
    net->error[1] = floats(net, max_batch * widest);
    net->scores = floats(net, max_batch * CLASSES);
    net->dw = floats(net, dw);
    net->db = floats(net, widest);
}

/* Layers between checkpoints share buffers from segment to segment; layer i's activation is kept if it
 * ends a segment. Without checkpoints a segment is a layer. */
static void make_activations(backprop *net, size_t max_batch)
{
    size_t widest = widest_of(net);
    for (size_t i = 0; i + 1 < net->count; i++) {
        if ((i + 1) % net->segment == 0)
            net->stages[i].a = floats(net, max_batch * net->stages[i].outputs);
        else
            net->stages[i].a =
                i < net->segment ? floats(net, max_batch * widest) : net->stages[i - net->segment].a;
    }
}

backprop *backprop_create(const shape *layers, mf_optimizer *optimizer, size_t max_batch, int checkpoints,
                          const mf_allocator *allocator)
{
    backprop *net = calloc(1, sizeof *net);
    if (!net)
        must(MF_STATUS_MEMORY);
    net->allocator = mfi_allocator_or_default(allocator);
    net->optimizer = optimizer;
    net->kernels = mfi_kernels_select();
    net->count = layers->layers + 1;
    net->segment = checkpoints ? (size_t)ceil(sqrt((double)layers->layers)) : 1;
    for (size_t i = 0; i < net->count; i++) {
        stage *at = &net->stages[i];
        at->inputs = layers->widths[i];
        at->outputs = i < layers->layers ? layers->widths[i + 1] : CLASSES;
        float bound = 1.0f / sqrtf((float)at->inputs);
        make_parameter(net, &at->weight, at->inputs * at->outputs, bound, 2 * i + 1);
        make_parameter(net, &at->bias, at->outputs, bound, 2 * i + 2);
    }
    make_activations(net, max_batch);
    make_scratch(net, max_batch);
    return net;
}

void backprop_free(backprop *net)
{
    for (size_t i = 0; i < net->block_count; i++)
        mfi_release(&net->allocator, net->blocks[i].pointer, net->blocks[i].bytes);
    free(net);
}

static const float *input_of(const backprop *net, size_t index, const float *x)
{
    return index == 0 ? x : net->stages[index - 1].a;
}

static mfi_activation activation_of(const backprop *net, size_t index)
{
    return (mfi_activation){index + 1 < net->count ? MF_ACTIVATION_RELU : MF_ACTIVATION_IDENTITY, 0.0f};
}

static void forward(const backprop *net, size_t index, size_t rows, const float *x)
{
    const stage *at = &net->stages[index];
    float *to = at->a ? at->a : net->scores;
    mfi_gemm(MFI_NO_TRANS, MFI_TRANS, rows, at->outputs, at->inputs, 1.0f, input_of(net, index, x),
             at->inputs, at->weight.values, at->inputs, 0.0f, to, at->outputs);
    net->kernels->activate(activation_of(net, index), rows, at->outputs, at->bias.values, to, NULL);
}

/* dz of the layer before: (dz W) * phi'. */
static void pass_error_down(const backprop *net, size_t index, size_t rows, const float *error, float *below)
{
    const stage *at = &net->stages[index];
    mfi_gemm(MFI_NO_TRANS, MFI_NO_TRANS, rows, at->inputs, at->outputs, 1.0f, error, at->outputs,
             at->weight.values, at->inputs, 0.0f, below, at->inputs);
    net->kernels->derivative(activation_of(net, index - 1), rows, at->inputs, net->stages[index - 1].a, NULL,
                             at->inputs, below, net->db);
}

/* dW = dz^T x panel by panel, with the update while a panel is in cache; plain SGD and momentum go straight
 * into W or its state, as in the library. */
static void update(backprop *net, size_t index, size_t rows, const float *x, const float *error)
{
    stage *at = &net->stages[index];
    size_t k = at->inputs, n = at->outputs, panel = panel_of(at);
    mfi_rule rule =
        mfi_optimizer_rule(&net->optimizer->spec, net->optimizer->has_momentum, ++at->weight.steps, 0);
    for (size_t start = 0; start < n; start += panel) {
        size_t width = n - start < panel ? n - start : panel, first = start * k;
        float *w = at->weight.values + first, *to = net->dw;
        float alpha = 1.0f, beta = 0.0f;
        memset(net->db, 0, width * sizeof(float));
        for (size_t b = 0; b < rows; b++)
            net->kernels->scale_add(width, 1.0f, net->db, 1.0f, error + b * n + start);
        if (rule.kind == MFI_RULE_SGD) {
            to = w;
            alpha = -rule.rate;
            beta = 1.0f;
        } else if (rule.kind == MFI_RULE_MOMENTUM) {
            to = at->weight.state[0] + first;
            beta = rule.momentum;
        }
        mfi_gemm(MFI_TRANS, MFI_NO_TRANS, width, k, rows, alpha, error + start, n, input_of(net, index, x), k,
                 beta, to, k);
        if (rule.kind == MFI_RULE_MOMENTUM)
            net->kernels->scale_add(width * k, 1.0f, w, -rule.rate, to);
        else if (rule.kind != MFI_RULE_SGD)
            mfi_parameter_update(net->kernels, &at->weight, &rule, first, width * k, to);
        mfi_parameter_update(net->kernels, &at->bias, &rule, start, width, net->db);
    }
}

/* Brings back the activations of the segment that ends before layer `end`, from the checkpoint below. */
static void recompute(const backprop *net, size_t end, size_t rows, const float *x)
{
    for (size_t i = end - net->segment; i + 1 < end; i++)
        forward(net, i, rows, x);
}

double backprop_step(backprop *net, size_t rows, const float *x, const int32_t *y)
{
    uint64_t mode = mfi_subnormals_to_zero();
    for (size_t i = 0; i < net->count; i++)
        forward(net, i, rows, x);
    mfi_loss loss = mfi_cross_entropy_gradient(rows, CLASSES, net->scores, y, NULL, 0.0f);
    const float *error = net->scores;
    for (size_t i = net->count; i-- > 0;) {
        float *below = net->error[i % 2];
        /* Layer i reads the activation of i - 1, which a later segment may have overwritten. */
        if (net->segment > 1 && i > 0 && i % net->segment == 0 && i + 1 < net->count)
            recompute(net, i, rows, x);
        if (i > 0)
            pass_error_down(net, i, rows, error, below);
        update(net, i, rows, x, error);
        error = below;
    }
    mfi_subnormals_restore(mode);
    return loss.loss;
}
