/* Owns: the description of layers, units and optimizers in a model file, and the tensors that it implies. A
 * new kind of unit or a new option is an entry in the tables of record.c. */
#ifndef MFI_IO_RECORD_H
#define MFI_IO_RECORD_H

#include "io/fields.h"
#include "model/network.h"

/* A layer as the metadata describes it. For a layer of units, `spec` holds only the options of the whole
 * layer. */
typedef struct mfi_layer_record {
    mf_layer_spec spec;
    uint64_t id;
} mfi_layer_record;

/* The state of its training. */
typedef struct mfi_training_record {
    int32_t optimizer; /* its number in the file; -1: none */
    mfi_progress progress;
} mfi_training_record;

typedef struct mfi_optimizer_record {
    mf_optimizer_spec spec;
    int32_t keeps_momentum;
} mfi_optimizer_record;

extern const mfi_field_table mfi_layer_fields, mfi_unit_fields, mfi_head_fields, mfi_training_fields,
    mfi_optimizer_fields;

/* Keys of values of variable length, which are written and read without the tables. */
#define MFI_KEY_INPUT "input"
#define MFI_KEY_UNITS "units"
#define MFI_KEY_HEAD "head"
#define MFI_KEY_SHARED "shared"
#define MFI_KEY_FROZEN "frozen"
#define MFI_KEY_STEPS "steps"

/* The oldest version of the format that can describe such a layer. */
uint64_t mfi_plan_format(const mfi_plan *plan);

mfi_layer_record mfi_record_layer(const mf_network *network, size_t position);
mfi_optimizer_record mfi_record_optimizer(const mf_optimizer *optimizer);

/* A tensor of a model file: of a layer, or the matrix that its head reads. */
typedef struct mfi_tensor_plan {
    char name[128];
    int32_t rank;
    size_t dims[4], count;
    size_t parameter;   /* its number in the layer */
    int32_t state_slot; /* of the optimizer's state; -1: the parameter itself */
    bool no_negative;   /* variances and mean squares, of which roots are taken */
} mfi_tensor_plan;

/* The numbers of a layer's tensors are below this. Most layers do not use all of them. */
size_t mfi_tensor_numbers(const mfi_plan *plan);

/* The tensor of that number of the layer at `position`; `optimizer` is NULL if the layer has none. False if
 * the layer has no tensor of that number. */
bool mfi_plan_tensor(size_t position, const mfi_plan *plan, const mfi_optimizer_record *optimizer,
                     size_t number, mfi_tensor_plan *tensor);

/* The first layer whose head reads the matrix that the head at `position` reads, or one with the same values.
 */
size_t mfi_first_reader(const mf_network *network, size_t position);

/* The tensor of a matrix that the layer at `position` is the first to read. */
mfi_tensor_plan mfi_matrix_tensor(size_t position, const mf_matrix *matrix);

/* Whether a file or a snapshot may hold these counts. Only a parameter that learns has steps, and only where
 * the layer has an optimizer. */
bool mfi_progress_is_sound(const mfi_progress *progress);
bool mfi_steps_are_sound(uint64_t steps, mfi_role role, bool optimizer);

/* Whether the `count` values of a tensor from number `first` on may be in a file: all must be finite, and none
 * negative if the plan says so. If not, returns `refusal`, with a message that names the first. */
mf_status mfi_values_check(const mfi_tensor_plan *tensor, size_t first, const float *values, size_t count,
                           mf_status refusal);

#endif
