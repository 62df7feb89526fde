/* Owns: reading and checking the description of the network in the metadata of a model file. */
#ifndef MFI_IO_ARCHITECTURE_H
#define MFI_IO_ARCHITECTURE_H

#include "io/record.h"
#include "io/tensors.h"
#include "model/builder.h"
#include "model/workspace.h"

/* What a file says about a parameter. */
typedef struct mfi_parameter_record {
    uint64_t steps;
    bool frozen;
} mfi_parameter_record;

typedef struct mfi_layer_architecture {
    mfi_layer_record record;
    mf_builder *builder; /* of a layer of units; NULL if the record's spec describes the layer */
    mf_matrix *matrix;   /* which its head is the first to read, with values that are still 0; or NULL */
    mfi_parameter_record *parameters;
    size_t parameter_count;
} mfi_layer_architecture;

/* Set it to zero first; then it can be freed at any time. */
typedef struct mfi_architecture {
    uint64_t version;
    size_t layer_count, optimizer_count, units;
    uint64_t next_id;
    mfi_layer_architecture *layers;
    bool has_training;
    mfi_training_record *training_records; /* NULL if the file has none */
    mfi_optimizer_record *optimizer_records;
} mfi_architecture;

/* The plan of a layer. If it has to be made, it is written to `room`. That cannot fail, since it was made
 * once before. */
const mfi_plan *mfi_architecture_plan(const mfi_architecture *architecture, size_t position,
                                      mfi_list_room *room);

/* On success every layer has a valid plan, and all numbers are in range. Errors: FORMAT, VERSION, MEMORY. */
mf_status mfi_architecture_read(const mfi_tensors *tensors, const mf_allocator *allocator,
                                mfi_architecture *architecture);
void mfi_architecture_free(mfi_architecture *architecture, const mf_allocator *allocator);

/* The optimizer that the file gives a layer; NULL if it has none. */
const mfi_optimizer_record *mfi_architecture_optimizer(const mfi_architecture *architecture, size_t position);

/* Turns a failure of one of the library's checks into FORMAT, with the layer's number in the message. */
mf_status mfi_as_format(mf_status status, size_t layer);

/* Allocates zeroed memory for `count` items and stores its address at `pointer`; NULL for 0 items. */
mf_status mfi_take_zeroed(const mf_allocator *allocator, size_t count, size_t size, const char *what,
                          void *pointer);

#endif
