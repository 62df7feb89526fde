/* The exported functions about memory. */
#include "api/check.h"
#include "base/arena.h"
#include "base/structs.h"
#include "model/footprint.h"

mf_status mf_arena_init(void *buffer, size_t bytes, mf_allocator *allocator)
{
    MFI_TRY(mfi_check_pointer(buffer, "the buffer of the arena"));
    MFI_TRY(mfi_check_pointer(allocator, "the out-pointer of the allocator"));
    return mfi_arena_init(buffer, bytes, allocator);
}

static mf_status read_layer(const mf_layer_spec *given, mf_layer_spec *known)
{
    *known = mfi_layer_defaults();
    MFI_TRY(mfi_struct_read(known, sizeof *known, given, MFI_SIZE_UP_TO(mf_layer_spec, allocator),
                            "mf_layer_spec"));
    return mfi_spec_resolve(known);
}

static mf_layer_spec layer_at(const void *source, size_t position)
{
    const mf_layer_spec *const *layers = source;
    mf_layer_spec known;
    (void)read_layer(layers[position], &known); /* every spec was checked before */
    return known;
}

mf_status mf_network_memory(const mf_layer_spec *const *layers, size_t count,
                            const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch,
                            mf_memory *memory)
{
    mf_layer_spec layer;
    mf_optimizer_spec known = mfi_optimizer_defaults();
    mf_memory result = {0};
    mfi_layer_list list = {.source = layers, .at = layer_at, .count = count, .network = true};
    MFI_TRY(mfi_check_pointer(layers, "the list of layers"));
    MFI_TRY(mfi_check_pointer(memory, "the out-pointer of the memory"));
    for (size_t i = 0; i < count; i++)
        MFI_TRY(read_layer(layers[i], &layer));
    if (optimizer) {
        MFI_TRY(mfi_struct_read(&known, sizeof known, optimizer, MFI_SIZE_UP_TO(mf_optimizer_spec, allocator),
                                "mf_optimizer_spec"));
        MFI_TRY(mfi_optimizer_check_spec(&known));
    }
    MFI_TRY(mfi_footprint(&list, optimizer ? &known : NULL, purpose, max_batch, &result));
    return mfi_struct_write(memory, &result, sizeof result, MFI_SIZE_UP_TO(mf_memory, arena), "mf_memory");
}
