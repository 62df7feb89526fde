/* Owns: ready-made blocks: the units that each kind of block consists of. */
#include "model/block.h"

#include <string.h>

#include "base/status.h"
#include "model/checks.h"
#include "model/spec.h"
#include "model/unit.h"

/* A block in the making. What puts units does nothing once one of them has failed. */
typedef struct block {
    mf_builder *builder;
    mf_block_spec spec; /* resolved */
    mf_shape input;
    int32_t node; /* what the next unit reads */
    mf_status status;
} block;

mf_block_spec mfi_block_defaults(void)
{
    return (mf_block_spec){
        .struct_size = sizeof(mf_block_spec),
        .kind = MF_BLOCK_RESIDUAL,
        .input = MF_NODE_PREVIOUS,
        .activation = MF_ACTIVATION_AUTO,
    };
}

/* ---- units ---- */

static void put(block *b, mf_unit_spec unit)
{
    unit.inputs[0] = b->node;
    if (b->status == MF_STATUS_OK)
        b->status = mfi_builder_unit(b->builder, &unit, &b->node);
}

static void put_kind(block *b, int32_t kind)
{
    mf_unit_spec unit = mfi_unit_defaults();
    unit.kind = kind;
    put(b, unit);
}

static void append_activation(block *b)
{
    mf_unit_spec unit = mfi_unit_defaults();
    unit.kind = MF_UNIT_ACTIVATION;
    unit.activation = b->spec.activation;
    put(b, unit);
}

static void append_dense(block *b, size_t outputs)
{
    mf_unit_spec unit = mfi_unit_defaults();
    unit.outputs = outputs;
    put(b, unit);
}

static void append_sum(block *b, int32_t other)
{
    mf_unit_spec unit = mfi_unit_defaults();
    unit.kind = MF_UNIT_ADD;
    unit.inputs[1] = other;
    put(b, unit);
}

/* A convolution that keeps the size of the maps but for its stride, and its batch normalisation. */
static void append_convolution(block *b, size_t filters, size_t kernel, const size_t stride[2])
{
    mf_unit_spec unit = mfi_unit_defaults();
    unit.kind = MF_UNIT_CONV2D;
    unit.outputs = filters;
    unit.bias = 0; /* that of the normalisation behind it is enough */
    for (int d = 0; d < 2; d++) {
        unit.kernel[d] = kernel;
        unit.stride[d] = stride[d];
        unit.padding[d] = kernel / 2;
    }
    put(b, unit);
    put_kind(b, MF_UNIT_BATCH_NORM);
}

/* ---- blocks of maps ---- */

static const size_t unit_stride[2] = {1, 1};

/* Adds the block's input, or a convolution of it where its shape is another one. */
static void put_shortcut(block *b)
{
    const int32_t branch = b->node;
    if (b->status != MF_STATUS_OK)
        return;
    const mf_shape *shape = mfi_plan_shape(&b->builder->plan, branch);
    b->node = b->spec.input;
    if (memcmp(shape->dims, b->input.dims, sizeof shape->dims) != 0)
        append_convolution(b, b->spec.outputs, 1, b->spec.stride);
    const int32_t shortcut = b->node;
    b->node = branch;
    append_sum(b, shortcut);
    append_activation(b);
}

static void put_residual(block *b)
{
    append_convolution(b, b->spec.outputs, 3, b->spec.stride);
    append_activation(b);
    append_convolution(b, b->spec.outputs, 3, unit_stride);
    put_shortcut(b);
}

static void put_bottleneck(block *b)
{
    append_convolution(b, b->spec.hidden, 1, unit_stride);
    append_activation(b);
    append_convolution(b, b->spec.hidden, 3, b->spec.stride);
    append_activation(b);
    append_convolution(b, b->spec.outputs, 1, unit_stride);
    put_shortcut(b);
}

static mf_status resolve_maps_block(block *b)
{
    if (b->input.rank != 3)
        return mfi_unit_refuses("a residual block or bottleneck reads maps", &b->input);
    if (b->spec.outputs == 0)
        b->spec.outputs = b->input.dims[0];
    if (b->spec.hidden == 0)
        b->spec.hidden = b->spec.outputs < 4 ? 1 : b->spec.outputs / 4;
    return MF_STATUS_OK;
}

/* ---- blocks of sequences ---- */

/* x + two products along the last dimension, with an activation between them. */
static void put_perceptron(block *b, int32_t x)
{
    put_kind(b, MF_UNIT_LAYER_NORM);
    append_dense(b, b->spec.hidden);
    append_activation(b);
    append_dense(b, b->input.dims[1]);
    append_sum(b, x);
}

static void put_mixer(block *b)
{
    put_kind(b, MF_UNIT_LAYER_NORM);
    put_kind(b, MF_UNIT_TRANSPOSE);
    append_dense(b, b->spec.token_hidden);
    append_activation(b);
    append_dense(b, b->input.dims[0]);
    put_kind(b, MF_UNIT_TRANSPOSE);
    append_sum(b, b->spec.input);
    put_perceptron(b, b->node);
}

static void put_transformer(block *b)
{
    mf_unit_spec attention = mfi_unit_defaults();
    attention.kind = MF_UNIT_ATTENTION;
    attention.heads = b->spec.heads;
    attention.causal = b->spec.causal;
    put_kind(b, MF_UNIT_LAYER_NORM);
    append_dense(b, 3 * b->input.dims[1]);
    put(b, attention);
    append_dense(b, b->input.dims[1]);
    append_sum(b, b->spec.input);
    put_perceptron(b, b->node);
}

static mf_status resolve_sequence_block(block *b)
{
    size_t most = 0; /* neurons of a product */
    if (b->input.rank != 2)
        return mfi_unit_refuses("a Mixer or transformer block reads a sequence", &b->input);
    MFI_TRY(mfi_check_product("neurons", 4, b->input.dims[1], 1, &most));
    if (b->spec.hidden == 0)
        b->spec.hidden = most;
    if (b->spec.token_hidden == 0)
        b->spec.token_hidden = b->input.dims[1] < 2 ? 1 : b->input.dims[1] / 2;
    return MF_STATUS_OK;
}

/* ---- all kinds ---- */

static const struct {
    mf_status (*resolve)(block *b);
    void (*put)(block *b);
    int32_t activation;
} block_kinds[] = {
    [MF_BLOCK_RESIDUAL] = {resolve_maps_block, put_residual, MF_ACTIVATION_RELU},
    [MF_BLOCK_BOTTLENECK] = {resolve_maps_block, put_bottleneck, MF_ACTIVATION_RELU},
    [MF_BLOCK_MIXER] = {resolve_sequence_block, put_mixer, MF_ACTIVATION_GELU},
    [MF_BLOCK_TRANSFORMER] = {resolve_sequence_block, put_transformer, MF_ACTIVATION_GELU},
};

static mf_status put_block(block *b)
{
    mf_block_spec *spec = &b->spec;
    const mfi_plan *plan = &b->builder->plan;
    MFI_TRY(mfi_check_constant("block kind", spec->kind, MF_BLOCK_TRANSFORMER));
    MFI_TRY(mfi_check_reserved(spec->reserved));
    MFI_TRY(mfi_fail_at(mfi_plan_find_node(plan, &spec->input), "unit", plan->unit_count + 1));
    b->input = *mfi_plan_shape(plan, spec->input);
    b->node = spec->input;
    if (spec->activation == MF_ACTIVATION_AUTO)
        spec->activation = block_kinds[spec->kind].activation;
    MFI_TRY(block_kinds[spec->kind].resolve(b));
    block_kinds[spec->kind].put(b);
    return b->status;
}

mf_status mfi_builder_block(mf_builder *builder, const mf_block_spec *spec, int32_t *node)
{
    const size_t before = builder->plan.unit_count;
    block b = {.builder = builder, .spec = *spec, .status = MF_STATUS_OK};
    mf_status status = put_block(&b);
    if (status != MF_STATUS_OK)
        builder->plan.unit_count = before;
    else if (node)
        *node = b.node;
    return mfi_builder_remember(builder, status);
}
