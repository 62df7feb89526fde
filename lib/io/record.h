/* Owns: what a model file says about layers and optimizers, and the tensors that follow from it. A new kind
 * of layer or option is an entry in the tables of record.c. */
#ifndef MFI_IO_RECORD_H
#define MFI_IO_RECORD_H

#include "io/fields.h"
#include "model/network.h"

/* A layer as its metadata tells it. */
typedef struct mfi_layer_record {
    mf_layer_spec spec;
    uint64_t id;
    uint32_t frozen; /* a bit for each parameter */
} mfi_layer_record;

/* What training remembers of it. */
typedef struct mfi_training_record {
    int32_t optimizer; /* its number in the file; -1: none */
    uint64_t applied, dropped, renewed;
    uint64_t steps[MFI_PARAMETERS];
} mfi_training_record;

typedef struct mfi_optimizer_record {
    mf_optimizer_spec spec;
    int32_t keeps_momentum;
} mfi_optimizer_record;

extern const mfi_field_table mfi_layer_fields, mfi_training_fields, mfi_optimizer_fields;

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
    char name[96];
    int32_t rank;
    size_t dims[4], count;
    size_t parameter;
    int32_t slab;     /* of the optimizer's state; -1: the parameter itself */
    bool no_negative; /* variances and mean squares, of which roots are taken */
} mfi_tensor_plan;

/* Tensors of a layer have numbers from 0 to this. Few layers have all of them. */
enum { MFI_LAYER_TENSORS = MFI_PARAMETERS * (1 + MFI_STATE_SLABS) };

/* The tensor of that number of the layer at `position`, of a resolved spec; `optimizer` is NULL for none. 1:
 * there is one; 0: there is none; -1: its size does not fit. */
int mfi_plan_tensor(size_t position, const mf_layer_spec *spec, const mfi_optimizer_record *optimizer,
                    size_t number, mfi_tensor_plan *plan);

/* Whether the values can be in a file: all finite, none negative where the plan says so. */
bool mfi_values_are_sound(const mfi_tensor_plan *plan, const float *values);

/* Where the tensor lies in a layer. */
float *mfi_tensor_values(const mf_layer *layer, const mfi_tensor_plan *plan);

#endif
