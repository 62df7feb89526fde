/* Owns: what a model file says about layers, units and optimizers, and the tensors that follow from it. A new
 * kind of unit or option is an entry in the tables of record.c. */
#ifndef MFI_IO_RECORD_H
#define MFI_IO_RECORD_H

#include "io/fields.h"
#include "model/network.h"

/* A layer as its metadata tells it. Of a layer of units, `spec` has what the host set for the whole layer. */
typedef struct mfi_layer_record {
    mf_layer_spec spec;
    uint64_t id;
} mfi_layer_record;

/* What training remembers of it. */
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

/* Keys of what has a length that varies, and is written and read apart from the tables. */
#define MFI_KEY_INPUT "input"
#define MFI_KEY_UNITS "units"
#define MFI_KEY_HEAD "head"
#define MFI_KEY_FROZEN "frozen"
#define MFI_KEY_STEPS "steps"

mfi_layer_record mfi_record_layer(const mf_network *network, size_t position);
mfi_training_record mfi_record_training(const mf_network *network, size_t position);
mfi_optimizer_record mfi_record_optimizer(const mf_optimizer *optimizer);

/* Number of the optimizer of the layer at `position`: they are counted in the order in which layers first use
 * them. -1 without one. */
int32_t mfi_optimizer_number(const mf_network *network, size_t position);

/* Whether no layer before uses the same; false without one. */
bool mfi_optimizer_is_first(const mf_network *network, size_t position);

/* A tensor of a model file. */
typedef struct mfi_tensor_plan {
    char name[128];
    int32_t rank;
    size_t dims[4], count;
    size_t parameter;   /* its number in the layer */
    int32_t state_slot; /* of the optimizer's state; -1: the parameter itself */
    bool no_negative;   /* variances and mean squares, of which roots are taken */
} mfi_tensor_plan;

/* Tensors of a layer have numbers from 0 to below this. Few layers have all of them. */
size_t mfi_tensor_numbers(const mfi_plan *plan);

/* The tensor of that number of the layer at `position`; `optimizer` is NULL for none. False if there is none
 * of that number. */
bool mfi_plan_tensor(size_t position, const mfi_plan *plan, const mfi_optimizer_record *optimizer,
                     size_t number, mfi_tensor_plan *tensor);

/* Whether the values can be in a file: all finite, none negative where the plan says so. */
bool mfi_values_are_sound(const mfi_tensor_plan *tensor, const float *values);

#endif
