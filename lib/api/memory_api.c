/* The exported functions about memory. */
#include "api/check.h"
#include "base/arena.h"
#include "api/structs.h"
#include "model/builder.h"
#include "model/footprint.h"
#include "model/spec.h"

mf_status mf_arena_init(void *buffer, size_t bytes, mf_allocator *allocator)
{
    MFI_TRY(mfi_check_pointer(buffer, "the buffer of the arena"));
    MFI_TRY(mfi_check_pointer(allocator, "the out-pointer of the allocator"));
    return mfi_arena_init(buffer, bytes, allocator);
}

static mf_status read_layer(const mf_layer_spec *given, mf_layer_spec *known)
{
    *known = mfi_layer_defaults();
    MFI_TRY(MFI_READ(mf_layer_spec, known, given));
    return mfi_spec_resolve(known);
}

static mf_status plan_of_spec(const void *source, size_t position, mfi_list_room *room, const mfi_plan **plan)
{
    const mf_layer_spec *const *layers = source;
    mf_layer_spec known;
    MFI_TRY(read_layer(layers[position], &known));
    MFI_TRY(mfi_plan_from_spec(&known, &room->arrays, &room->plan));
    *plan = &room->plan;
    return MF_STATUS_OK;
}

static mf_status plan_of_builder(const void *source, size_t position, mfi_list_room *room,
                                 const mfi_plan **plan)
{
    mf_builder *const *builders = source;
    (void)room;
    return mfi_builder_plan(builders[position], plan);
}

/* Writes the memory that these layers take; they have been checked. */
static mf_status write_memory(const mfi_layer_list *layers, const mf_optimizer_spec *optimizer,
                              int32_t purpose, size_t max_batch, mf_memory *memory)
{
    mf_optimizer_spec known = mfi_optimizer_defaults();
    mf_memory result = {0};
    MFI_TRY(mfi_check_pointer(memory, "the out-pointer of the memory"));
    if (optimizer) {
        MFI_TRY(MFI_READ(mf_optimizer_spec, &known, optimizer));
        MFI_TRY(mfi_optimizer_check_spec(&known));
    }
    MFI_TRY(mfi_footprint(layers, optimizer ? &known : NULL, purpose, max_batch, &result));
    return MFI_WRITE(mf_memory, memory, &result);
}

mf_status mf_network_memory(const mf_layer_spec *const *layers, size_t count,
                            const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch,
                            mf_memory *memory)
{
    mf_layer_spec layer;
    mfi_layer_list list = {.source = layers, .at = plan_of_spec, .count = count, .network = true};
    MFI_TRY(mfi_check_pointer(layers, "the list of layers"));
    for (size_t i = 0; i < count; i++)
        MFI_TRY(read_layer(layers[i], &layer));
    return write_memory(&list, optimizer, purpose, max_batch, memory);
}

mf_status mf_network_memory_built(mf_builder *const *builders, size_t count,
                                  const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch,
                                  mf_memory *memory)
{
    mfi_layer_list list = {.source = builders, .at = plan_of_builder, .count = count, .network = true};
    MFI_TRY(mfi_check_pointer(builders, "the list of builders"));
    for (size_t i = 0; i < count; i++)
        MFI_TRY(mfi_handle_check(builders[i], MFI_KIND_BUILDER));
    return write_memory(&list, optimizer, purpose, max_batch, memory);
}

mf_status mf_memory_init(mf_memory *memory, size_t size)
{
    mf_memory defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_memory, memory, size, &defaults);
}
