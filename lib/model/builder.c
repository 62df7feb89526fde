/* Owns: a builder: units that a host adds one by one, until layers are made of them. */
#include "model/builder.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/checks.h"
#include "model/spec.h"

mf_builder_spec mfi_builder_defaults(void)
{
    return (mf_builder_spec){.struct_size = sizeof(mf_builder_spec), .seed = MF_SEED_AUTO};
}

/* ---- life ---- */

static mf_status check_input(const mf_shape *input)
{
    size_t values;
    if (input->rank < 1 || input->rank > 3)
        return mfi_fail(MF_STATUS_ARGUMENT, "the rank of the input must be 1 to 3, got %d", (int)input->rank);
    for (int32_t d = 0; d < input->rank; d++)
        MFI_TRY(mfi_check_size("a dimension of the input", input->dims[d], 1));
    for (int32_t d = input->rank; d < 4; d++)
        if (input->dims[d] > 1)
            return mfi_fail(MF_STATUS_ARGUMENT, "dimension %d of an input of rank %d must be 1, got %zu",
                            (int)d, (int)input->rank, input->dims[d]);
    return mfi_check_product("values of the input", input->dims[0], input->rank > 1 ? input->dims[1] : 1,
                             input->rank == 3 ? input->dims[2] : 1, &values);
}

static mf_status check_spec(const mf_builder_spec *spec)
{
    MFI_TRY(check_input(spec->input));
    MFI_TRY(mfi_check_rate("dropout", (double)spec->dropout));
    MFI_TRY(mfi_check_constant("dropout_maps", spec->dropout_maps, 1));
    return mfi_check_constant("precision", spec->precision, MF_PRECISION_BF16);
}

static mf_status create(const mf_allocator *allocator, mf_builder **builder)
{
    *builder = mfi_handle_create(MFI_KIND_BUILDER, allocator, sizeof **builder);
    return *builder ? MF_STATUS_OK : MF_STATUS_MEMORY;
}

mf_status mfi_builder_create(const mf_builder_spec *spec, mf_builder **builder)
{
    MFI_TRY(check_spec(spec));
    MFI_TRY(create(spec->allocator, builder));
    mf_shape input = {.struct_size = sizeof input, .rank = spec->input->rank, .dims = {1, 1, 1, 1}};
    memcpy(input.dims, spec->input->dims, (size_t)input.rank * sizeof *input.dims);
    (*builder)->plan = (mfi_plan){
        .input = input,
        .dropout = spec->dropout,
        .dropout_maps = spec->dropout_maps,
        .precision = spec->precision,
        .seed = spec->seed,
    };
    return MF_STATUS_OK;
}

void mfi_builder_release(mf_builder *builder)
{
    if (!builder || !mfi_handle_drop(&builder->handle))
        return;
    mfi_release(&builder->handle.allocator, builder->block, builder->block_bytes);
    mfi_matrix_release(builder->plan.head.shared);
    mfi_handle_destroy(&builder->handle);
}

/* ---- room for units ---- */

/* The units go on in a block that has room for arrays of these sizes. */
static mf_status move_to(mf_builder *builder, const mfi_plan_sizes *sizes)
{
    mfi_plan moved = {0};
    size_t bytes;
    if (!mfi_plan_bytes(sizes, &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "room for %zu units does not fit", sizes->units);
    void *block = mfi_allocate(&builder->handle.allocator, bytes);
    if (!block)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu units", sizes->units);
    mfi_plan_carve(&moved, sizes, block);
    if (builder->block)
        memcpy(moved.units, builder->plan.units, builder->plan.unit_count * sizeof *moved.units);
    mfi_release(&builder->handle.allocator, builder->block, builder->block_bytes);
    mfi_plan_carve(&builder->plan, sizes, block);
    builder->block = block;
    builder->block_bytes = bytes;
    builder->capacity = sizes->units;
    return MF_STATUS_OK;
}

mf_status mfi_builder_from_spec(const mf_layer_spec *spec, mf_builder **builder)
{
    mfi_spec_room room;
    mfi_plan plan;
    MFI_TRY(mfi_plan_from_spec(spec, &room, &plan));
    const mfi_plan_sizes sizes = mfi_plan_exact(&plan);
    MFI_TRY(create(spec->allocator, builder));
    mf_status status = move_to(*builder, &sizes);
    if (status != MF_STATUS_OK) {
        mfi_builder_release(*builder);
        *builder = NULL;
        return status;
    }
    mfi_plan_copy(&plan, &(*builder)->plan);
    (*builder)->has_head = (*builder)->completed = true;
    return MF_STATUS_OK;
}

/* ---- units and head ---- */

mf_status mfi_builder_remember(mf_builder *builder, mf_status status)
{
    if (status == MF_STATUS_OK || builder->failure != MF_STATUS_OK)
        return status;
    builder->failure = status;
    snprintf(builder->message, sizeof builder->message, "%s", mf_last_message());
    return status;
}

mf_status mfi_builder_check(mf_builder *builder)
{
    if (builder->failure != MF_STATUS_OK)
        return mfi_fail(builder->failure, "%s", builder->message);
    if (builder->plan.has_spec)
        return mfi_builder_remember(
            builder, mfi_fail(MF_STATUS_STATE, "the builder was made from a layer's spec and is complete"));
    return MF_STATUS_OK;
}

static mf_status add_unit(mf_builder *builder, const mf_unit_spec *unit)
{
    enum { FIRST_CAPACITY = 8 };
    const mfi_plan_sizes larger = {.units = builder->capacity ? 2 * builder->capacity : FIRST_CAPACITY};
    if (builder->plan.unit_count == builder->capacity)
        MFI_TRY(move_to(builder, &larger));
    return mfi_plan_add(&builder->plan, unit);
}

mf_status mfi_builder_unit(mf_builder *builder, const mf_unit_spec *unit, int32_t *node)
{
    MFI_TRY(mfi_builder_remember(builder, add_unit(builder, unit)));
    builder->completed = false;
    if (node)
        *node = (int32_t)builder->plan.unit_count;
    return MF_STATUS_OK;
}

static mf_status set_head(mf_builder *builder, const mf_head_spec *head)
{
    MFI_TRY(mfi_plan_check_head(head));
    if (builder->has_head)
        return mfi_fail(MF_STATUS_STATE, "the builder has a head already");
    builder->plan.head = *head;
    mfi_matrix_retain(head->shared);
    builder->has_head = true;
    builder->completed = false;
    return MF_STATUS_OK;
}

mf_status mfi_builder_head(mf_builder *builder, const mf_head_spec *head)
{
    return mfi_builder_remember(builder, set_head(builder, head));
}

/* What follows from units and head gets its room only now, when it is known how much of it there is: a
 * hostile file has many units, of which few have parameters. */
static mf_status complete(mf_builder *builder)
{
    const mfi_plan_sizes sizes = mfi_plan_most(&builder->plan);
    MFI_TRY(move_to(builder, &sizes));
    MFI_TRY(mfi_plan_complete(&builder->plan));
    builder->completed = true;
    return MF_STATUS_OK;
}

mf_status mfi_builder_plan(mf_builder *builder, const mfi_plan **plan)
{
    if (builder->failure != MF_STATUS_OK)
        return mfi_fail(builder->failure, "%s", builder->message);
    if (builder->plan.unit_count == 0)
        return mfi_fail(MF_STATUS_STATE, "the layer has no units");
    if (!builder->has_head)
        return mfi_fail(MF_STATUS_STATE, "the layer has no head");
    if (!builder->completed)
        MFI_TRY(complete(builder));
    *plan = &builder->plan;
    return MF_STATUS_OK;
}
