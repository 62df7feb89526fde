/* Owns: an ONNX file as tables: its nodes, its constant tensors, and which values nodes read and write. What
 * operators mean is not known here. Everything points into the file. */
#ifndef MFI_IO_ONNX_FILE_H
#define MFI_IO_ONNX_FILE_H

#include "io/wire.h"

enum { MFI_ONNX_DIMS = 8 };

/* Limits, so that a small file cannot demand much memory or time. */
enum { MFI_ONNX_MOST_NODES = 8192, MFI_ONNX_MOST_LINKS = 65536, MFI_ONNX_MOST_UNITS = 16384 };

typedef struct mfi_onnx_constant {
    int32_t type; /* of the format: 1 float, 6 int32, 7 int64 */
    int32_t rank;
    int64_t dims[MFI_ONNX_DIMS];
    size_t count;     /* the product of the dims */
    mfi_bytes values; /* packed */
    bool varints;     /* whether integers are packed as varints */
    bool turned;      /* a matrix that is meant the other way round than its values lie */
} mfi_onnx_constant;

/* A value by its name: an input, a constant, or the result of a node. */
typedef struct mfi_onnx_name_entry {
    mfi_bytes name;
    int32_t readers;
    bool constant; /* of the graph; those of nodes are not */
} mfi_onnx_name_entry;

typedef struct mfi_onnx_op {
    mfi_bytes message, name, type;
    size_t inputs, input_count; /* from where on in `links`, and how many */
    size_t outputs, output_count;
} mfi_onnx_op;

typedef struct mfi_onnx_attr {
    bool found;
    float number;
    int64_t integer;
    mfi_bytes text;
    mfi_bytes tensor;
    bool has_tensor;
    size_t count; /* of `list`; more than it holds if there were more */
    int64_t list[MFI_ONNX_DIMS];
} mfi_onnx_attr;

/* Set it to zero first; then it can be freed at any time. */
typedef struct mfi_onnx_file {
    mf_allocator allocator;
    mfi_bytes graph;
    bool own; /* written by this library */
    uint64_t opset;
    mfi_onnx_op *ops;
    size_t op_count;
    int32_t *links; /* numbers of values; -1: an input that is left out */
    size_t link_count;
    mfi_onnx_name_entry *values; /* sorted by their names */
    size_t value_count;
    mfi_bytes input; /* the message of the one input that is no constant */
    int32_t input_value, output_value;
    size_t bytes; /* of all three tables together, in one block */
} mfi_onnx_file;

/* Reads the tables of a file in memory. FORMAT (damaged, or beyond a limit), UNSUPPORTED (another opset,
 * external data, several inputs), MEMORY. */
mf_status mfi_onnx_file_read(mfi_bytes file, const mf_allocator *allocator, mfi_onnx_file *tables);
void mfi_onnx_file_free(mfi_onnx_file *tables);

/* The number of the value of that name; -1 if there is none, as of a name that is empty. */
int32_t mfi_onnx_find_value(const mfi_onnx_file *tables, mfi_bytes name);

/* Calls `take` for each constant tensor of the graph. */
mf_status mfi_onnx_each_constant(const mfi_onnx_file *tables,
                                 mf_status (*take)(void *user, int32_t value,
                                                   const mfi_onnx_constant *constant),
                                 void *user);

/* Reads a tensor's message. FORMAT if its values do not fit its dims, UNSUPPORTED for external data. */
mf_status mfi_onnx_read_constant(mfi_bytes message, mfi_onnx_constant *constant, mfi_bytes *name);

/* The attribute of that name of a node. */
mfi_onnx_attr mfi_onnx_attribute_of(const mfi_onnx_op *op, const char *name);

/* The dims of the input, the batch first; those that are free are 0. False if there are none, or too many. */
bool mfi_onnx_input_dims(const mfi_onnx_file *tables, int64_t dims[MFI_ONNX_DIMS], int32_t *rank);

/* The type of the input's values, as the format numbers them; 0 if there is none. */
int32_t mfi_onnx_input_type(const mfi_onnx_file *tables);

/* The pairs of the model's metadata, one after the other, from *at on, which is 0 at first. */
bool mfi_onnx_next_pair(mfi_bytes *model, mfi_bytes *name, mfi_bytes *value);

/* A value of a constant as a number; `index` is below its count. */
float mfi_onnx_float_at(const mfi_onnx_constant *constant, size_t index);

/* Up to MFI_ONNX_DIMS integers of a constant; false if it has more, or others. */
bool mfi_onnx_integers(const mfi_onnx_constant *constant, int64_t list[MFI_ONNX_DIMS], size_t *count);

#endif
