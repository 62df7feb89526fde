/* Owns: what the metadata of a model file says of its network, read and checked; and what of it is wrong. */
#ifndef MFI_IO_ARCHITECTURE_H
#define MFI_IO_ARCHITECTURE_H

#include "io/record.h"
#include "io/tensors.h"
#include "model/builder.h"
#include "model/workspace.h"

/* What a file says of a parameter. */
typedef struct mfi_parameter_record {
    uint64_t steps;
    bool frozen;
} mfi_parameter_record;

typedef struct mfi_layer_architecture {
    mfi_layer_record record;
    mf_builder *builder; /* of a layer of units; NULL: the record's spec says all */
    mfi_parameter_record *parameters;
    size_t parameter_count;
} mfi_layer_architecture;

/* Zeroed, it can be freed at any point. */
typedef struct mfi_architecture {
    uint64_t version;
    size_t layer_count, optimizer_count, units;
    uint64_t next_id;
    mfi_layer_architecture *layers;
    bool has_training;
    mfi_training_record *training_records; /* NULL without */
    mfi_optimizer_record *optimizer_records;
} mfi_architecture;

/* The plan of a layer; one that has to be made lies in `room`. It was made before, so that this cannot fail.
 */
const mfi_plan *mfi_architecture_plan(const mfi_architecture *architecture, size_t position,
                                      mfi_list_room *room);

/* Every layer has a plan, and all numbers are possible. Errors: FORMAT, VERSION, MEMORY. */
mf_status mfi_architecture_read(const mfi_tensors *tensors, const mf_allocator *allocator,
                                mfi_architecture *architecture);
void mfi_architecture_free(mfi_architecture *architecture, const mf_allocator *allocator);

/* The optimizer of a layer by the file; NULL without one. */
const mfi_optimizer_record *mfi_architecture_optimizer(const mfi_architecture *architecture, size_t position);

/* What a check of the library found wrong, as a fault of the file. */
mf_status mfi_as_format(mf_status status, size_t layer);

/* Zeroed memory for `count` items into the pointer at `pointer`; NULL for none. */
mf_status mfi_take_zeroed(const mf_allocator *allocator, size_t count, size_t size, void *pointer);

#endif
