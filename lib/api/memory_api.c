/* The exported functions about memory. */
#include "api/check.h"
#include "base/arena.h"
#include "api/structs.h"
#include "model/builder.h"
#include "model/footprint.h"
#include "model/spec.h"
#include "base/team.h"

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
    return mfi_spec_resolve_new(known);
}

static mf_status plan_of_spec(const mfi_layer_list *layers, size_t position, const mfi_plan **plan)
{
    const mf_layer_spec *const *specs = layers->source;
    mfi_list_room *room = &layers->rooms[position > 0];
    mf_layer_spec known;
    MFI_TRY(read_layer(specs[position], &known));
    MFI_TRY(mfi_plan_from_spec(&known, &room->arrays, &room->plan));
    *plan = &room->plan;
    return MF_STATUS_OK;
}

static mf_status plan_of_builder(const mfi_layer_list *layers, size_t position, const mfi_plan **plan)
{
    mf_builder *const *builders = layers->source;
    return mfi_builder_plan(builders[position], plan);
}

static mf_memory_spec memory_spec_defaults(void)
{
    return (mf_memory_spec){
        .struct_size = sizeof(mf_memory_spec), .purpose = MF_WORKSPACE_TRAINING, .threads = 1};
}

mf_status mf_memory_spec_init(mf_memory_spec *spec, size_t size)
{
    mf_memory_spec defaults = memory_spec_defaults();
    return MFI_INIT(mf_memory_spec, spec, size, &defaults);
}

static mf_status check_layer_specs(const mf_memory_spec *spec)
{
    mf_layer_spec layer;
    for (size_t i = 0; spec->layers && i < spec->count; i++)
        MFI_TRY(read_layer(spec->layers[i], &layer));
    for (size_t i = 0; spec->builders && i < spec->count; i++)
        MFI_TRY(mfi_handle_check(spec->builders[i], MFI_KIND_BUILDER));
    return MF_STATUS_OK;
}

/* Writes the memory that the spec asks for, in which one of the lists is given. */
static mf_status write_memory(const mf_memory_spec *spec, mf_memory *memory)
{
    mf_optimizer_spec known = mfi_optimizer_defaults();
    mf_memory result = {0};
    mfi_list_room rooms[2];
    mfi_layer_list list = {.rooms = rooms, .count = spec->count, .network = true};
    list.source = spec->layers ? (const void *)spec->layers : (const void *)spec->builders;
    list.at = spec->layers ? plan_of_spec : plan_of_builder;
    MFI_TRY(check_layer_specs(spec));
    MFI_TRY(mfi_check_pointer(memory, "the out-pointer of the memory"));
    if (spec->optimizer) {
        MFI_TRY(MFI_READ(mf_optimizer_spec, &known, spec->optimizer));
        MFI_TRY(mfi_optimizer_check_momentum(known.kind, (double)known.momentum, known.nesterov != 0));
        MFI_TRY(mfi_optimizer_check_spec(&known));
    }
    MFI_TRY(mfi_footprint(&list, spec->optimizer ? &known : NULL, spec->purpose, spec->max_batch,
                          spec->threads ? spec->threads : 1, &result));
    return MFI_WRITE(mf_memory, memory, &result);
}

mf_status mf_memory_query(const mf_memory_spec *spec, mf_memory *memory)
{
    MFI_CALM;
    mf_memory_spec known = memory_spec_defaults();
    MFI_TRY(MFI_READ(mf_memory_spec, &known, spec));
    if (!known.layers == !known.builders)
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "the memory is that of layer specs or of builders: set one of the two");
    if (known.threads > MFI_MOST_THREADS)
        return mfi_fail(MF_STATUS_ARGUMENT, "threads must be at most %d, got %zu", (int)MFI_MOST_THREADS,
                        known.threads);
    return write_memory(&known, memory);
}

mf_status mf_network_memory(const mf_layer_spec *const *layers, size_t count,
                            const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch,
                            mf_memory *memory)
{
    MFI_CALM;
    mf_memory_spec spec = {
        .purpose = purpose, .layers = layers, .count = count, .optimizer = optimizer, .max_batch = max_batch};
    MFI_TRY(mfi_check_pointer(layers, "the list of layers"));
    return write_memory(&spec, memory);
}

mf_status mf_network_memory_built(mf_builder *const *builders, size_t count,
                                  const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch,
                                  mf_memory *memory)
{
    MFI_CALM;
    mf_memory_spec spec = {.purpose = purpose,
                           .builders = builders,
                           .count = count,
                           .optimizer = optimizer,
                           .max_batch = max_batch};
    MFI_TRY(mfi_check_pointer(builders, "the list of builders"));
    return write_memory(&spec, memory);
}

mf_status mf_memory_init(mf_memory *memory, size_t size)
{
    mf_memory defaults = {.struct_size = sizeof defaults};
    return MFI_INIT(mf_memory, memory, size, &defaults);
}
