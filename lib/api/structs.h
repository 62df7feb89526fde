/* Owns: the public structs that may grow in later versions: the size of each when it was introduced, and
 * macros that read and write them by their type. */
#ifndef MFI_API_STRUCTS_H
#define MFI_API_STRUCTS_H

#include "base/structs.h"

#define MFI_FIRST_SIZE(type, last) MFI_FIRST_##type = MFI_SIZE_UP_TO(type, last)
enum {
    MFI_FIRST_SIZE(mf_optimizer_spec, allocator),
    MFI_FIRST_SIZE(mf_layer_spec, allocator),
    MFI_FIRST_SIZE(mf_shape, dims),
    MFI_FIRST_SIZE(mf_parameter_info, name),
    MFI_FIRST_SIZE(mf_batch, sample_weights),
    MFI_FIRST_SIZE(mf_unit_spec, reserved),
    MFI_FIRST_SIZE(mf_block_spec, reserved),
    MFI_FIRST_SIZE(mf_head_spec, output_node),
    MFI_FIRST_SIZE(mf_builder_spec, allocator),
    MFI_FIRST_SIZE(mf_matrix_spec, allocator),
    MFI_FIRST_SIZE(mf_network_spec, allocator),
    MFI_FIRST_SIZE(mf_pool_spec, allocator),
    MFI_FIRST_SIZE(mf_workspace_spec, allocator),
    MFI_FIRST_SIZE(mf_report, applied),
    MFI_FIRST_SIZE(mf_memory, arena),
    MFI_FIRST_SIZE(mf_memory_spec, threads),
    MFI_FIRST_SIZE(mf_pipeline_spec, allocator),
    MFI_FIRST_SIZE(mf_pipeline_report, applied),
    MFI_FIRST_SIZE(mf_pipeline_progress_info, reserved),
    MFI_FIRST_SIZE(mf_output, user),
    MFI_FIRST_SIZE(mf_load_spec, allocator),
    MFI_FIRST_SIZE(mf_onnx_spec, allocator),
};

/* Copies the caller's struct over `known`, which holds the defaults. `name` is its name in messages. */
#define MFI_READ_AS(type, known, source, name) \
    mfi_struct_read((known), sizeof(type), (source), MFI_FIRST_##type, (name))
#define MFI_READ(type, known, source) MFI_READ_AS(type, known, source, #type)

/* Writes the fields that the caller's struct has. */
#define MFI_WRITE(type, target, values) \
    mfi_struct_write((target), (values), sizeof(type), MFI_FIRST_##type, #type)

/* The body of the public _init functions. */
#define MFI_INIT(type, target, size, defaults) \
    mfi_struct_init((target), (size), (defaults), sizeof(type), MFI_FIRST_##type, #type)

#endif
