/* Owns: the plan of a layer, before the layer has memory: its units, its head, and what is computed from
 * them.
 *
 * Units are what the host lists. A stage is what is computed in one pass: a unit, often together with units
 * that follow it. Stages of the body come first, and the last of them gives the layer's output. Those behind
 * it are the head's own; M reads what the last of these gives. Behind that come stages of training alone:
 * those of auxiliary heads, and, if the head compares similarities, a map for that as the last. */
#ifndef MFI_MODEL_PLAN_H
#define MFI_MODEL_PLAN_H

#include "math/kernels.h"
#include "math/maps.h"
#include "math/products.h"
#include "model/matrix.h"
#include "model/parameter.h"

typedef struct mfi_unit {
    mf_unit_spec spec;    /* defaults filled in; inputs are numbers of nodes, 0 or more */
    mf_shape output;      /* of a row */
    int32_t readers;      /* inputs of other units that are this unit's node */
    int32_t first_reader; /* node of the first of these units; 0: there is none */
} mfi_unit;

enum { MFI_STAGE_INPUTS = 2 };

/* Inputs are numbers of stages, counted as nodes are: 0 is the layer's input, 1 the first stage. */
typedef struct mfi_stage {
    int32_t kind;        /* MF_UNIT_..., of its first unit */
    int32_t first, last; /* nodes of its units */
    int32_t inputs[MFI_STAGE_INPUTS];
    int32_t input_count;
    int32_t last_reader;                /* the last stage that reads its output; -1: none */
    mfi_precision precision;            /* what the operands of its products with W are rounded to */
    size_t input_values, output_values; /* in a row; of the first input */
    size_t channels;                    /* neurons, or maps: what has a bias and a normalisation of its own */
    size_t area;                        /* values of a channel in a row, before a pooling */
    size_t positions;                   /* of a sequence; 1 of other inputs */
    size_t heads;                       /* of an attention */
    size_t vocabulary;                  /* of an embedding */
    double multiplications;             /* of its product, for one row */
    size_t groups;                      /* of a convolution; 0: it has none */
    mfi_geometry geometry;              /* of a convolution, or, as far as its pool, of a pooling */
    size_t group_lanes;                 /* of the kernels, if they compute its groups; 0: the BLAS library */
    mfi_order order;                    /* of the weight */
    mfi_activation phi;
    float normalization_rate, normalization_epsilon;
    float dropout;
    bool normalizes;
    bool winograd; /* whether a convolution is computed by that method (math/winograd.h) */
    bool drops_maps;
    bool causal;
    bool scores;                            /* whether it is an auxiliary head, whose scores its output is */
    bool starts_gradient[MFI_STAGE_INPUTS]; /* whether it is the first to give a gradient to that input, on
                                               the way back */
    int32_t parameters[MFI_UNIT_ROLES];     /* numbers in the layer's table; -1: there is none */
    int32_t output_slot;   /* slot of the output in inference; -1: it is the layer's output */
    int32_t gradient_slot; /* slot of the output's gradient in the backward pass */
} mfi_stage;

/* A buffer that stages use in turn. */
typedef struct mfi_slot {
    size_t width;      /* values of a row */
    bool taken;        /* while slots are being assigned */
    int32_t next_free; /* then, of one that is not taken; -1: it is the last */
} mfi_slot;

typedef struct mfi_plan {
    mfi_products products;
    mf_shape input;
    size_t inputs, outputs; /* values in a row of the layer's input and output */
    size_t vocabulary;      /* inputs are tokens below this number; 0: they may be anything */
    mf_head_spec head;      /* what it is now */
    int32_t output;         /* node of the layer's output */
    int32_t read;           /* node that M reads */
    size_t features;        /* values that M reads, of a row or a position */
    size_t scored;          /* goodness of a row: for each of its positions, or 1 */
    float dropout;
    int32_t dropout_maps, precision;
    uint64_t seed;

    mfi_unit *units;
    size_t unit_count;
    mfi_stage *stages;
    size_t stage_count;
    size_t body;    /* stages before those of the head */
    size_t scoring; /* stages up to that which M reads; those behind it are for training alone */
    mfi_parameter_spec
        *parameters; /* in the order in which the host sees them; the projection is one of them */
    size_t parameter_count;
    size_t projection; /* its number; 0 if the head learns no column of M */
    size_t counts;     /* that of the counts, if there are any */
    size_t values;     /* of all parameters together */
    mfi_slot *output_slots, *gradient_slots;
    size_t output_slot_count, gradient_slot_count;
    size_t spare; /* width of the buffer for gradients that are added to others; 0: none is needed */

    bool has_spec;      /* whether the layer was made from `spec` */
    mf_layer_spec spec; /* resolved */
} mfi_plan;

/* The lengths of a plan's arrays, or their limits. */
typedef struct mfi_plan_sizes {
    size_t units, stages, parameters, output_slots, gradient_slots;
} mfi_plan_sizes;

/* The largest sizes that completing a plan with these units may need, and the sizes of a complete plan. */
mfi_plan_sizes mfi_plan_most(const mfi_plan *plan);
mfi_plan_sizes mfi_plan_exact(const mfi_plan *plan);

/* Whether such a unit is an auxiliary head. */
bool mfi_unit_scores(const mf_unit_spec *unit);

/* Whether such a unit has a parameter of that role. */
bool mfi_unit_has(const mf_unit_spec *unit, mfi_role role);

/* Bytes of all of them; false if they do not fit. */
bool mfi_plan_bytes(const mfi_plan_sizes *sizes, size_t *bytes);

/* Sets the pointers of the arrays to the parts of such a block. */
void mfi_plan_carve(mfi_plan *plan, const mfi_plan_sizes *sizes, void *block);

/* A copy whose arrays are those of `plan`, which are long enough. */
void mfi_plan_copy(const mfi_plan *from, mfi_plan *plan);

/* Arrays for the plan of a layer with a spec. */
enum { MFI_SPEC_UNITS = 4 };
typedef struct mfi_spec_room {
    mfi_unit units[MFI_SPEC_UNITS];
    mfi_stage stages[MFI_SPEC_UNITS];
    mfi_parameter_spec parameters[MFI_ROLES];
    mfi_slot slots[2][MFI_SPEC_UNITS + 1];
} mfi_spec_room;

/* The plan of a resolved spec. Its arrays are those of `room`. */
mf_status mfi_plan_from_spec(const mf_layer_spec *spec, mfi_spec_room *room, mfi_plan *plan);

/* Adds a unit, for which there is room, and fills in what it leaves to defaults. */
mf_status mfi_plan_add(mfi_plan *plan, const mf_unit_spec *unit);

/* What the laws of sampling are called in model files and summaries. */
enum { MFI_SAMPLINGS = MF_SAMPLING_COUNTS + 1 };
extern const char *const mfi_sampling_names[MFI_SAMPLINGS];

/* Checks a head, except against its input; its candidates alone, against another number of classes. */
mf_status mfi_plan_check_head(const mf_head_spec *head);
mf_status mfi_plan_check_candidates(const mf_head_spec *head, size_t classes);

/* Computes the rest of the plan when it has all units and the head. */
mf_status mfi_plan_complete(mfi_plan *plan);

/* Describes M for another number of classes: OVERFLOW if it would be too large. */
mf_status mfi_plan_projection(const mfi_plan *plan, size_t classes, mfi_parameter_spec *projection);

/* Describes the counts of the classes, which there are, for a number that is not too large for M. */
mfi_parameter_spec mfi_plan_counts_of(const mfi_plan *plan, size_t classes);

/* Sets the number of classes, which mfi_plan_projection() has accepted. */
void mfi_plan_set_classes(mfi_plan *plan, size_t classes);

/* The current spec of a layer that has one. */
mf_layer_spec mfi_plan_spec(const mfi_plan *plan);

size_t mfi_shape_values(const mf_shape *shape);

/* A row of `count` values, a sequence, or `count` maps. */
mf_shape mfi_shape_row(size_t count);
mf_shape mfi_shape_sequence(size_t positions, size_t values);
mf_shape mfi_shape_maps(size_t count, size_t height, size_t width);

/* How many nodes a unit reads: 1 or 2. */
int32_t mfi_unit_inputs(const mf_unit_spec *unit);

/* What has a bias or a normalisation of its own in a row of that shape: values, or maps. */
size_t mfi_shape_channels(const mf_shape *shape);

/* Makes a number of MF_NODE_PREVIOUS. ARGUMENT if no unit that comes next could read that node. */
mf_status mfi_plan_find_node(const mfi_plan *plan, int32_t *node);

/* The shape of a row of a node. */
const mf_shape *mfi_plan_shape(const mfi_plan *plan, int32_t node);

/* The layer's output, and what its head reads: another shape if the head has units of its own. */
const mf_shape *mfi_plan_output(const mfi_plan *plan);
const mf_shape *mfi_plan_head_input(const mfi_plan *plan);

/* How many auxiliary heads there are. */
size_t mfi_plan_auxiliaries(const mfi_plan *plan);

/* Whether the head compares similarities, and how many numbers stand for a row in that. */
bool mfi_plan_compares(const mfi_plan *plan);
size_t mfi_plan_compared(const mfi_plan *plan);

/* Scores of a row. */
size_t mfi_plan_scores(const mfi_plan *plan);

/* Columns of M that are those of a matrix which heads share, and behind them those that the head learns. */
size_t mfi_plan_shared(const mfi_plan *plan);
size_t mfi_plan_learned(const mfi_plan *plan);

/* Whether two layers may belong to one network: goodness for rows, or for so many positions of each. */
bool mfi_plan_same_scores(const mfi_plan *one, const mfi_plan *other);

/* "whole rows" or "7 positions". */
enum { MFI_SCORED_NAME = 40 };
const char *mfi_plan_scored_name(const mfi_plan *plan, char text[MFI_SCORED_NAME]);

/* The most classes that a training step with that many rows scores. */
size_t mfi_plan_columns(const mfi_plan *plan, size_t rows);

/* Whether there is a parameter with counts of the classes. */
bool mfi_plan_counts(const mfi_plan *plan);

/* Whether M reads a pooling of the head's input. */
bool mfi_plan_pools_head(const mfi_plan *plan);

/* Whether steps draw dropout masks inside the layer. */
bool mfi_plan_drops(const mfi_plan *plan);

/* Floating-point operations of a step for one row. */
double mfi_plan_work(const mfi_plan *plan);

#endif
