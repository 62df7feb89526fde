/* The exported functions of builders, and those that describe the units of a layer. */
#include "api/check.h"
#include "api/structs.h"
#include "model/block.h"
#include "model/spec.h"

mf_status mf_unit_spec_init(mf_unit_spec *spec, size_t size)
{
    mf_unit_spec defaults = mfi_unit_defaults();
    return MFI_INIT(mf_unit_spec, spec, size, &defaults);
}

mf_status mf_block_spec_init(mf_block_spec *spec, size_t size)
{
    mf_block_spec defaults = mfi_block_defaults();
    return MFI_INIT(mf_block_spec, spec, size, &defaults);
}

mf_status mf_head_spec_init(mf_head_spec *spec, size_t size)
{
    mf_head_spec defaults = mfi_head_defaults();
    return MFI_INIT(mf_head_spec, spec, size, &defaults);
}

mf_status mf_builder_spec_init(mf_builder_spec *spec, size_t size)
{
    mf_builder_spec defaults = mfi_builder_defaults();
    return MFI_INIT(mf_builder_spec, spec, size, &defaults);
}

/* ---- create and free ---- */

mf_status mf_builder_create(const mf_builder_spec *spec, mf_builder **builder)
{
    MFI_CALM;
    mf_builder_spec known = mfi_builder_defaults();
    mf_shape input = mfi_shape_row(1);
    MFI_TRY(mfi_check_pointer(builder, "the out-pointer of the builder"));
    *builder = NULL;
    MFI_TRY(MFI_READ(mf_builder_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    MFI_TRY(MFI_READ_AS(mf_shape, &input, known.input, "the input of the builder"));
    known.input = &input;
    return mfi_builder_create(&known, builder);
}

mf_status mf_builder_from_spec(const mf_layer_spec *spec, mf_builder **builder)
{
    MFI_CALM;
    mf_layer_spec known = mfi_layer_defaults();
    MFI_TRY(mfi_check_pointer(builder, "the out-pointer of the builder"));
    *builder = NULL;
    MFI_TRY(MFI_READ(mf_layer_spec, &known, spec));
    MFI_TRY(mfi_check_allocator(known.allocator));
    MFI_TRY(mfi_spec_resolve_new(&known));
    return mfi_builder_from_spec(&known, builder);
}

void mf_builder_free(mf_builder *builder)
{
    if (builder && mfi_handle_check(builder, MFI_KIND_BUILDER) == MF_STATUS_OK)
        mfi_builder_release(builder);
}

/* ---- units, blocks and head ---- */

mf_status mf_builder_unit(mf_builder *builder, const mf_unit_spec *unit, int32_t *node)
{
    MFI_CALM;
    mf_unit_spec known = mfi_unit_defaults();
    MFI_TRY(mfi_handle_check(builder, MFI_KIND_BUILDER));
    MFI_TRY(mfi_builder_check(builder));
    MFI_TRY(mfi_builder_remember(builder, MFI_READ(mf_unit_spec, &known, unit)));
    return mfi_builder_unit(builder, &known, node);
}

mf_status mf_builder_block(mf_builder *builder, const mf_block_spec *block, int32_t *node)
{
    MFI_CALM;
    mf_block_spec known = mfi_block_defaults();
    MFI_TRY(mfi_handle_check(builder, MFI_KIND_BUILDER));
    MFI_TRY(mfi_builder_check(builder));
    MFI_TRY(mfi_builder_remember(builder, MFI_READ(mf_block_spec, &known, block)));
    return mfi_builder_block(builder, &known, node);
}

mf_status mf_builder_head(mf_builder *builder, const mf_head_spec *head)
{
    MFI_CALM;
    mf_head_spec known = mfi_head_defaults();
    MFI_TRY(mfi_handle_check(builder, MFI_KIND_BUILDER));
    MFI_TRY(mfi_builder_check(builder));
    MFI_TRY(mfi_builder_remember(builder, MFI_READ(mf_head_spec, &known, head)));
    if (known.shared)
        MFI_TRY(mfi_builder_remember(builder, mfi_handle_check(known.shared, MFI_KIND_MATRIX)));
    return mfi_builder_head(builder, &known);
}

static mf_status check_node(int32_t node, int32_t least, const mfi_plan *plan)
{
    if (node < least || (size_t)node > plan->unit_count)
        return mfi_fail(MF_STATUS_NOT_FOUND, "there is no node %d, the nodes are %d to %zu", (int)node,
                        (int)least, plan->unit_count);
    return MF_STATUS_OK;
}

mf_status mf_builder_shape(const mf_builder *builder, int32_t node, mf_shape *shape)
{
    MFI_TRY(mfi_handle_check(builder, MFI_KIND_BUILDER));
    if (node == MF_NODE_PREVIOUS)
        node = (int32_t)builder->plan.unit_count;
    MFI_TRY(check_node(node, 0, &builder->plan));
    return MFI_WRITE(mf_shape, shape, mfi_plan_shape(&builder->plan, node));
}

mf_status mf_layer_build(mf_builder *builder, mf_layer **layer)
{
    MFI_CALM;
    const mfi_plan *plan = NULL;
    MFI_TRY(mfi_check_pointer(layer, "the out-pointer of the layer"));
    *layer = NULL;
    MFI_TRY(mfi_handle_check(builder, MFI_KIND_BUILDER));
    MFI_TRY(mfi_builder_plan(builder, &plan));
    return mfi_layer_create(plan, &builder->handle.allocator, true, layer);
}

/* ---- the units of a layer ---- */

mf_status mf_layer_unit_count(const mf_layer *layer, size_t *count)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(mfi_check_pointer(count, "the out-pointer of the count"));
    *count = layer->plan.unit_count;
    return MF_STATUS_OK;
}

mf_status mf_layer_unit(const mf_layer *layer, int32_t node, mf_unit_spec *unit, mf_shape *output)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    MFI_TRY(check_node(node, 1, &layer->plan));
    const mfi_unit *found = &layer->plan.units[node - 1];
    if (unit)
        MFI_TRY(MFI_WRITE(mf_unit_spec, unit, &found->spec));
    if (output)
        MFI_TRY(MFI_WRITE(mf_shape, output, &found->output));
    return MF_STATUS_OK;
}

mf_status mf_layer_head(const mf_layer *layer, mf_head_spec *head)
{
    MFI_TRY(mfi_handle_check(layer, MFI_KIND_LAYER));
    return MFI_WRITE(mf_head_spec, head, &layer->plan.head);
}
