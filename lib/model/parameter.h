/* Owns: a parameter of a layer: what it is before it has values, and its values, state and counts. */
#ifndef MFI_MODEL_PARAMETER_H
#define MFI_MODEL_PARAMETER_H

#include <stdbool.h>
#include <monoforward.h>

#include "base/rng.h"
#include "math/kernels.h"

/* The role of a parameter in its unit, or, behind the roles of units, in the head. */
typedef enum mfi_role {
    MFI_WEIGHT = 0,
    MFI_BIAS = 1,
    MFI_SCALE = 2,
    MFI_MEAN = 3,
    MFI_VARIANCE = 4,
    MFI_UNIT_ROLES = 5,
    MFI_PROJECTION = 5,
    MFI_ROLES = 6, /* of a layer with a spec; one that is built may also have */
    MFI_COUNTS = 6 /* of the classes, for sampling */
} mfi_role;

const char *mfi_role_name(mfi_role role);

/* Whether it has a gradient: mean and variance follow the batches instead, counts are the host's. */
bool mfi_role_learns(mfi_role role);

/* Whether weight decay acts on it. */
bool mfi_role_decays(mfi_role role);

/* The description of a parameter and of its initialisation. Creation, memory query, files, snapshots, ONNX
 * and the host's queries all use this one. */
typedef struct mfi_parameter_spec {
    char name[40];
    mfi_role role;
    int32_t node; /* of its unit; 0: the head's */
    int32_t rank;
    size_t dims[4];
    size_t count;            /* the product of the dims */
    mfi_precision precision; /* what products round it to: there is a copy that is rounded */
    mfi_order order;         /* of its values and state in memory, as a matrix with the first dim as rows */
    size_t offset;           /* where its gradient begins among those of the whole layer */
    int32_t init;            /* MF_INIT_... */
    float gain;              /* of that; the value itself for MFI_INIT_CONSTANT */
    size_t fan;              /* inputs of an output */
    uint32_t purpose;        /* of its random stream */
} mfi_parameter_spec;

/* In addition to the public MF_INIT_...: all values are `gain`. */
enum { MFI_INIT_CONSTANT = -1 };

/* The state that an optimizer keeps for a parameter: at most this many slots of the parameter's shape. */
enum { MFI_STATE_SLOTS = 2 };

/* As a matrix: one row for each output, a column for each value it reads. */
mfi_matrix_order mfi_parameter_matrix(const mfi_parameter_spec *spec);

/* Values in memory, with those that only fill up a panel, and 32-bit elements of the rounded copy, 0 if there
 * is none; false if that does not fit. */
bool mfi_parameter_room(const mfi_parameter_spec *spec, size_t *count, size_t *rounded);

/* Values, and the state of the optimizer in one block; NULL where there is none. */
typedef struct mfi_storage {
    float *values;
    size_t count;      /* in memory */
    uint32_t *rounded; /* the second operand of products (mfi_panel_products) */
    size_t rounded_count;
    float *state[MFI_STATE_SLOTS];
    size_t state_bytes;
} mfi_storage;

typedef struct mfi_parameter {
    mfi_storage now;
    mfi_storage next; /* while a change is prepared: what differs from `now` is new; see change.h */
    uint64_t steps;   /* updates since the state was reset */
} mfi_parameter;

/* Where the slots of state of a parameter of `count` values begin in their block; false if that does not fit.
 */
bool mfi_state_layout(size_t count, size_t slots, size_t offsets[MFI_STATE_SLOTS], size_t *bytes);

/* Memory for the values of a parameter and their rounded copy, which are 0. OVERFLOW or MEMORY. */
mf_status mfi_parameter_allocate(const mfi_parameter_spec *spec, const mf_allocator *allocator,
                                 mfi_storage *storage);

/* Allocates `slots` slots of zeroed state. */
mf_status mfi_parameter_allocate_state(const mfi_parameter_spec *spec, size_t slots,
                                       const mf_allocator *allocator, mfi_storage *storage);

/* Initialises the values, which are 0, as the spec says, from the `draw`-th stream of that seed. An
 * orthogonal initialisation needs scratch, and so may fail with MEMORY or OVERFLOW. */
mf_status mfi_parameter_draw(const mfi_parameter_spec *spec, uint64_t seed, uint64_t draw,
                             const mf_allocator *allocator, float *values);

/* Number of floats of scratch for the initialisation; false if that does not fit. */
bool mfi_parameter_draw_scratch(const mfi_parameter_spec *spec, size_t *count);

/* Makes the rounded copy anew, if there is one: after anything but update_panel() has changed the values. */
void mfi_parameter_round(const mfi_parameter_spec *spec, const mfi_panel_products *products,
                         mfi_storage *storage);

/* Frees the blocks of `storage` that are not also those of `kept`. */
void mfi_storage_release(const mf_allocator *allocator, const mfi_storage *storage, const mfi_storage *kept);

#endif
