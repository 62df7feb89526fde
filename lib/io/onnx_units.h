/* Owns: what the nodes of an ONNX graph mean, as a list of units. A value of the graph is a view of the
 * output of a unit, with dims and strides: what only moves values (Reshape, Transpose, Slice, Split and their
 * like) makes views and no units, and only where an operator reads a view there must be a unit whose output
 * has that order. Operators that are a unit only together (those of GELU, layer normalisation and attention)
 * leave a form of a view behind until the last of them is met. */
#ifndef MFI_IO_ONNX_UNITS_H
#define MFI_IO_ONNX_UNITS_H

#include "io/onnx_file.h"
#include "model/builder.h"

/* What a value is, z being its view. */
typedef enum mfi_onnx_form {
    MFI_FORM_NONE = 0,
    MFI_FORM_CONSTANT,
    MFI_FORM_LIST,   /* of integers, such as a shape */
    MFI_FORM_NUMBER, /* which is its epsilon */
    MFI_FORM_VIEW,
    MFI_FORM_LAST_ROW,  /* maps z as a row in which the values of a place lie side by side */
    MFI_FORM_PADDED,    /* maps z with zeros around them */
    MFI_FORM_SOFTMAX,   /* of z, at the end of the graph */
    MFI_FORM_MEAN,      /* of the last dim */
    MFI_FORM_OFF,       /* z - mean */
    MFI_FORM_SQUARE,    /* (z - mean)^2 */
    MFI_FORM_VARIANCE,  /* the mean of that */
    MFI_FORM_SPREAD,    /* variance + epsilon */
    MFI_FORM_DEVIATION, /* its root */
    MFI_FORM_ERF,       /* erf(z), where z has its factor */
    MFI_FORM_ERF_ONE,   /* factor (1 + erf(z / sqrt 2)) */
    MFI_FORM_TWICE,     /* factor z (1 + erf(z / sqrt 2)) */
    MFI_FORM_SIGMOID,
    MFI_FORM_SCORES, /* factor times queries times keys, z being the queries */
    MFI_FORM_SHARES  /* their softmax */
} mfi_onnx_form;

typedef struct mfi_onnx_view {
    int32_t node;        /* 0: the input of the graph; else the number of a unit, from 1 on */
    int32_t rank, batch; /* the dim that is the batch has no stride */
    int32_t dims[MFI_ONNX_DIMS], strides[MFI_ONNX_DIMS];
    size_t offset;
    float factor;
} mfi_onnx_view;

typedef struct mfi_onnx_integers_list {
    int32_t rank; /* 0 or 1 */
    size_t count;
    int64_t values[MFI_ONNX_DIMS];
    bool free[MFI_ONNX_DIMS]; /* the number of rows, which may be any: the value is 1 */
} mfi_onnx_integers_list;

/* Places around maps: above and left, below and right. */
typedef struct mfi_onnx_sides {
    int32_t before[2], after[2];
} mfi_onnx_sides;

typedef struct mfi_onnx_result {
    mfi_onnx_form form;
    mfi_onnx_sides sides; /* those of MFI_FORM_PADDED */
    float epsilon;
    int32_t keys; /* node of the keys; that of the queries is the view's */
    bool causal;  /* of scores: a mask was added to them; of a constant: it is such a mask */
    bool whole;   /* fractions were taken from it, as is done with tokens alone */
    union {
        mfi_onnx_view view;
        mfi_onnx_constant constant;
        mfi_onnx_integers_list list;
    } is;
} mfi_onnx_result;

/* Pseudo-kinds of units. A reshape is possible between two layers alone. */
enum { MFI_ONNX_RESHAPE = -1 };

typedef struct mfi_onnx_unit {
    mf_unit_spec unit;                                  /* inputs are numbers of nodes of the graph */
    mf_shape shape;                                     /* of its output */
    const mfi_onnx_constant *constants[MFI_UNIT_ROLES]; /* NULL: as they are drawn */
    bool turned;                                        /* the values of the weight lie in columns */
    size_t lead[2]; /* where the kernel of the file lies in that of the convolution; the others are zeros */
    size_t last_channels; /* of a product of MFI_FORM_LAST_ROW, channels; 0: of another */
    bool fixed;    /* a factor of each channel, and what is added: a batch normalisation that never learns */
    int32_t op;    /* the node of the graph that made it */
    int32_t value; /* whose value is its output; -1: none's */
    int64_t layer; /* of files of this library: its layer */
    bool end;      /* the last one of it, which M reads */
    int32_t place; /* its number without units that nothing reads; 0: it is one of them */
} mfi_onnx_unit;

/* Set it to zero first; then it can be freed at any time. */
typedef struct mfi_onnx_units {
    const mfi_onnx_file *file;
    mf_shape input;
    bool channels_last;       /* the file has them so; the network reads maps as everywhere */
    bool integers;            /* the input's values are, so that no fractions can be taken from them */
    int32_t batch;            /* rows of the graph's input, if it says how many; else 1 */
    bool any_rows;            /* it does not say */
    mfi_onnx_result *results; /* [values] */
    mfi_onnx_unit *list;
    size_t count, capacity;
    mf_builder *shapes; /* of the units since the last reshape, for shapes and checks */
    int32_t base;       /* the node that its input is */
    int64_t layer;
    int32_t *reached; /* [nodes of the graph] how many units there were behind it */
    int32_t read;     /* the value that is the input as units read it: behind its scaling */
    float *scaling;   /* [2, scaled] shifts and scales of the input */
    size_t scaled;    /* 0: it has none */
    size_t scalings;  /* nodes that have made them */
} mfi_onnx_units;

/* Finds the units of a graph. UNSUPPORTED (the message names the node, its operator and why), FORMAT, MEMORY.
 */
mf_status mfi_onnx_find_units(const mfi_onnx_file *file, mfi_onnx_units *units);
void mfi_onnx_units_free(mfi_onnx_units *units);

/* The shape of a row of a node. */
const mf_shape *mfi_onnx_shape(const mfi_onnx_units *units, int32_t node);

/* ---- for the operators ---- */

typedef struct mfi_onnx_call {
    mfi_onnx_units *graph;
    const mfi_onnx_op *op;
} mfi_onnx_call;

/* UNSUPPORTED, with the node and its operator in front of `why`. */
mf_status mfi_onnx_refuse(const mfi_onnx_call *call, const char *why);

/* What an input is; its form is MFI_FORM_NONE if there is none. */
const mfi_onnx_result *mfi_onnx_input(const mfi_onnx_call *call, size_t index);
int32_t mfi_onnx_input_value(const mfi_onnx_call *call, size_t index);

/* Sets output `index`. */
mf_status mfi_onnx_give(const mfi_onnx_call *call, size_t index, const mfi_onnx_result *result);

/* Gives a node's output, which has these dims without the batch. */
mf_status mfi_onnx_give_node(const mfi_onnx_call *call, int32_t node, int32_t rank, const int32_t *dims);

/* What a constant is. It is looked at here and once: any number of nodes may read it. */
mfi_onnx_result mfi_onnx_of_constant(const mfi_onnx_constant *constant);

/* Whether values of a type, as the format numbers them, have fractions. */
bool mfi_onnx_has_fractions(int64_t type);

/* The unit behind everything that is there; it is the last of units->list then. */
mf_status mfi_onnx_add_unit(const mfi_onnx_call *call, const mf_unit_spec *spec, int32_t *node);

/* The node that holds a view, in its own order; one is made if need be. With `row`, what reads it reads maps
 * as a row. */
mf_status mfi_onnx_settle(const mfi_onnx_call *call, const mfi_onnx_result *value, bool row, int32_t *node);

/* Dims of a view without the batch. */
int32_t mfi_onnx_row_dims(const mfi_onnx_view *view, int32_t dims[MFI_ONNX_DIMS]);

/* Integers that are known, up to MFI_ONNX_DIMS, and a single number. */
bool mfi_onnx_integers_of(const mfi_onnx_result *value, mfi_onnx_integers_list *integers);
bool mfi_onnx_number_of(const mfi_onnx_result *value, float *number);

/* Operators on what is known already. False if it is none of them. */
bool mfi_onnx_fold(const mfi_onnx_call *call, mf_status *status);

/* Operators that only move values. False if it is none of them. */
bool mfi_onnx_move(const mfi_onnx_call *call, mf_status *status);

/* All others. */
mf_status mfi_onnx_compute(const mfi_onnx_call *call);

/* Operators that scale the graph's input by constants. False if it is none of them. */
bool mfi_onnx_scale(const mfi_onnx_call *call, mf_status *status);

/* Gives one input's value, whatever it is, as output 0. */
mf_status mfi_onnx_pass(const mfi_onnx_call *call, const mfi_onnx_result *value);

/* Integers of an attribute, or, where it is missing, of input `index`. False if neither has them. */
bool mfi_onnx_list(const mfi_onnx_call *call, const char *name, size_t index, int64_t list[MFI_ONNX_DIMS],
                   size_t *count);

#endif
