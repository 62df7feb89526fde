/* Owns: an ONNX file as tables. The field numbers are those of onnx.proto. */
#include "io/onnx_file.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "io/bytes.h"
#include "io/sorting.h"

enum { IN_PRODUCER = 2, IN_GRAPH = 7, IN_OPSET = 8, IN_METADATA = 14 };
enum { IN_NODE = 1, IN_CONSTANT = 5, IN_INPUT = 11, IN_OUTPUT = 12 };
enum {
    OF_NODE_INPUT = 1,
    OF_NODE_OUTPUT = 2,
    OF_NODE_NAME = 3,
    OF_NODE_TYPE = 4,
    OF_NODE_ATTRIBUTE = 5,
    OF_NODE_DOMAIN = 7,
    OF_TENSOR_NAME = 8,
    OF_VALUE_NAME = 1
};
enum { TYPE_FLOAT = 1, TYPE_INT32 = 6, TYPE_INT64 = 7 };
enum { OLDEST_OPSET = 7, NEWEST_OPSET = 21 };

/* ---- names ---- */

static int compare_names(mfi_bytes one, mfi_bytes other)
{
    size_t shorter = one.count < other.count ? one.count : other.count;
    int order = shorter > 0 ? memcmp(one.at, other.at, shorter) : 0;
    return order != 0 ? order : one.count < other.count ? -1 : one.count > other.count;
}

static int by_value_name(const void *one, const void *other)
{
    const mfi_onnx_name_entry *a = one, *b = other;
    return compare_names(a->name, b->name);
}

int32_t mfi_onnx_find_value(const mfi_onnx_file *tables, mfi_bytes name)
{
    size_t first = 0, end = tables->value_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = compare_names(name, tables->values[middle].name);
        if (order == 0)
            return (int32_t)middle;
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return -1;
}

static mfi_bytes name_in_message(mfi_bytes message, uint64_t number)
{
    mfi_wire_field field;
    mfi_bytes name = {0};
    while (mfi_wire_next(&message, &field))
        if (field.number == number)
            name = field.bytes;
    return name;
}

/* ---- tensors ---- */

static bool add_dims(const mfi_wire_field *field, mfi_onnx_constant *constant)
{
    mfi_bytes packed = field->bytes;
    uint64_t dim = field->value;
    bool single = field->wire == MFI_WIRE_VARINT;
    while (single || mfi_wire_varint(&packed, &dim)) {
        if (constant->rank == MFI_ONNX_DIMS || dim > INT32_MAX)
            return false;
        constant->dims[constant->rank++] = (int64_t)dim;
        if (single)
            return true;
    }
    return packed.count == 0;
}

static bool read_tensor_field(const mfi_wire_field *field, mfi_onnx_constant *constant, bool *external)
{
    enum { DIMS = 1, TYPE = 2, FLOATS = 4, INT32S = 5, INT64S = 7, RAW = 9, LOCATION = 14 };
    bool bytes = field->wire == MFI_WIRE_BYTES;
    if (field->number == DIMS)
        return add_dims(field, constant);
    if (field->number == TYPE)
        constant->type = field->value <= INT32_MAX ? (int32_t)field->value : 0;
    if (field->number == LOCATION)
        *external = field->value != 0;
    if (field->number != RAW && field->number != FLOATS && field->number != INT32S && field->number != INT64S)
        return true;
    if (!bytes || constant->values.count > 0)
        return false; /* in pieces, or not packed */
    constant->values = field->bytes;
    constant->varints = field->number == INT32S || field->number == INT64S;
    return true;
}

static bool fits_dims(mfi_onnx_constant *constant)
{
    size_t size = constant->type == TYPE_INT64 ? 8 : 4, bytes;
    constant->count = 1;
    for (int32_t d = 0; d < constant->rank; d++)
        if (!mfi_multiply(constant->count, (size_t)constant->dims[d], &constant->count))
            return false;
    if (constant->type != TYPE_FLOAT && constant->type != TYPE_INT32 && constant->type != TYPE_INT64)
        return true; /* nothing reads it */
    if (constant->varints)
        return constant->type != TYPE_FLOAT && constant->count <= constant->values.count;
    return mfi_multiply(constant->count, size, &bytes) && bytes == constant->values.count;
}

mf_status mfi_onnx_read_constant(mfi_bytes message, mfi_onnx_constant *constant, mfi_bytes *name)
{
    mfi_wire_field field;
    bool good = true, external = false;
    *constant = (mfi_onnx_constant){0};
    *name = name_in_message(message, OF_TENSOR_NAME);
    while (good && mfi_wire_next(&message, &field))
        good = read_tensor_field(&field, constant, &external);
    if (external)
        return mfi_fail(MF_STATUS_UNSUPPORTED,
                        "tensor \"%s\" is in another file: export with all data in one",
                        mfi_bytes_shown(*name, 80).text);
    if (!good || message.count > 0 || !fits_dims(constant))
        return mfi_fail(MF_STATUS_FORMAT, "tensor \"%s\" is damaged, or its values do not fit its dims",
                        mfi_bytes_shown(*name, 80).text);
    return MF_STATUS_OK;
}

float mfi_onnx_float_at(const mfi_onnx_constant *constant, size_t index)
{
    return mfi_get_float(constant->values.at + 4 * index);
}

bool mfi_onnx_integers(const mfi_onnx_constant *constant, int64_t list[MFI_ONNX_DIMS], size_t *count)
{
    mfi_bytes packed = constant->values;
    *count = constant->count;
    if (constant->count > MFI_ONNX_DIMS || (constant->type != TYPE_INT32 && constant->type != TYPE_INT64))
        return false;
    for (size_t i = 0; i < constant->count; i++) {
        uint64_t value = 0;
        if (constant->varints && !mfi_wire_varint(&packed, &value))
            return false;
        if (!constant->varints && constant->type == TYPE_INT64)
            value = mfi_get_u64(packed.at + 8 * i);
        else if (!constant->varints)
            value = (uint64_t)(int64_t)(int32_t)mfi_get_u32(packed.at + 4 * i);
        list[i] = (int64_t)value;
    }
    return true;
}

/* ---- attributes ---- */

static void add_to_list(mfi_onnx_attr *attribute, uint64_t value)
{
    if (attribute->count < MFI_ONNX_DIMS)
        attribute->list[attribute->count] = (int64_t)value;
    attribute->count++;
}

static void read_attribute_field(const mfi_wire_field *field, mfi_onnx_attr *attribute)
{
    enum { NUMBER = 2, INTEGER = 3, TEXT = 4, TENSOR = 5, LIST = 8 };
    mfi_bytes packed = field->bytes;
    uint64_t value;
    uint32_t bits = (uint32_t)field->value;
    if (field->number == NUMBER)
        memcpy(&attribute->number, &bits, sizeof bits);
    else if (field->number == INTEGER)
        attribute->integer = (int64_t)field->value;
    else if (field->number == TEXT)
        attribute->text = field->bytes;
    else if (field->number == TENSOR) {
        attribute->tensor = field->bytes;
        attribute->has_tensor = true;
    } else if (field->number == LIST && field->wire == MFI_WIRE_VARINT)
        add_to_list(attribute, field->value);
    else if (field->number == LIST)
        while (mfi_wire_varint(&packed, &value))
            add_to_list(attribute, value);
}

mfi_onnx_attr mfi_onnx_attribute_of(const mfi_onnx_op *op, const char *name)
{
    mfi_bytes node = op->message;
    mfi_wire_field field, part;
    while (mfi_wire_next(&node, &field)) {
        mfi_onnx_attr attribute = {0};
        mfi_bytes message = field.bytes;
        if (field.number != OF_NODE_ATTRIBUTE)
            continue;
        while (mfi_wire_next(&message, &part))
            if (part.number == 1)
                attribute.found = mfi_bytes_are(part.bytes, name);
            else
                read_attribute_field(&part, &attribute);
        if (attribute.found)
            return attribute;
    }
    return (mfi_onnx_attr){0};
}

/* ---- the graph ---- */

/* What the tables have to hold, at most. */
static mf_status count_graph(mfi_onnx_file *tables, size_t *values)
{
    mfi_bytes graph = tables->graph;
    mfi_wire_field field, part;
    *values = 0;
    while (mfi_wire_next(&graph, &field)) {
        mfi_bytes message = field.bytes;
        if (field.number == IN_CONSTANT || field.number == IN_INPUT || field.number == IN_OUTPUT)
            ++*values;
        if (field.number != IN_NODE)
            continue;
        MFI_TRY(mfi_wire_check(message, "a node of the graph"));
        tables->op_count++;
        while (mfi_wire_next(&message, &part))
            if (part.number == OF_NODE_INPUT || part.number == OF_NODE_OUTPUT)
                tables->link_count++;
    }
    *values += tables->link_count;
    if (tables->op_count > MFI_ONNX_MOST_NODES || *values > MFI_ONNX_MOST_LINKS)
        return mfi_fail(MF_STATUS_FORMAT, "%zu nodes with %zu values: at most %d and %d are read",
                        tables->op_count, *values, (int)MFI_ONNX_MOST_NODES, (int)MFI_ONNX_MOST_LINKS);
    return MF_STATUS_OK;
}

static mf_status allocate_tables(mfi_onnx_file *tables, size_t values)
{
    size_t ops = 0, links = 0, names = 0;
    /* All counts are bounded. */
    (void)(mfi_reserve(&tables->bytes, tables->op_count, sizeof *tables->ops, &ops) &&
           mfi_reserve(&tables->bytes, tables->link_count, sizeof *tables->links, &links) &&
           mfi_reserve(&tables->bytes, values + 1, sizeof *tables->values, &names)); /* never no bytes */
    char *block = mfi_allocate(&tables->allocator, tables->bytes);
    if (!block)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for the tables of %zu nodes", tables->op_count);
    tables->ops = (mfi_onnx_op *)(void *)(block + ops);
    tables->links = (int32_t *)(void *)(block + links);
    tables->values = (mfi_onnx_name_entry *)(void *)(block + names);
    return MF_STATUS_OK;
}

void mfi_onnx_file_free(mfi_onnx_file *tables)
{
    mfi_release(&tables->allocator, tables->ops, tables->bytes);
    tables->ops = NULL;
}

static void add_name(mfi_onnx_file *tables, mfi_bytes name)
{
    if (name.count > 0)
        tables->values[tables->value_count++] = (mfi_onnx_name_entry){.name = name};
}

static void add_names_of_node(mfi_onnx_file *tables, mfi_bytes message)
{
    mfi_wire_field part;
    while (mfi_wire_next(&message, &part))
        if (part.number == OF_NODE_INPUT || part.number == OF_NODE_OUTPUT)
            add_name(tables, part.bytes);
}

/* The names of all values, each once. They are sorted: in a hash table, names can be chosen that all want one
 * place. */
static void fill_names(mfi_onnx_file *tables)
{
    mfi_bytes graph = tables->graph;
    mfi_wire_field field;
    size_t count = 0;
    while (mfi_wire_next(&graph, &field)) {
        if (field.number == IN_NODE)
            add_names_of_node(tables, field.bytes);
        if (field.number == IN_CONSTANT)
            add_name(tables, name_in_message(field.bytes, OF_TENSOR_NAME));
        if (field.number == IN_INPUT || field.number == IN_OUTPUT)
            add_name(tables, name_in_message(field.bytes, OF_VALUE_NAME));
    }
    mfi_sort(tables->values, tables->value_count, sizeof *tables->values, by_value_name);
    for (size_t i = 0; i < tables->value_count; i++)
        if (count == 0 || by_value_name(&tables->values[count - 1], &tables->values[i]) != 0)
            tables->values[count++] = tables->values[i];
    tables->value_count = count;
}

/* The links of one kind; those of a node lie side by side. */
static size_t add_links(mfi_onnx_file *tables, mfi_bytes message, unsigned kind)
{
    mfi_wire_field part;
    size_t count = 0;
    for (; mfi_wire_next(&message, &part);)
        if (part.number == kind) {
            int32_t value = mfi_onnx_find_value(tables, part.bytes);
            if (value >= 0 && kind == OF_NODE_INPUT)
                tables->values[value].readers++;
            tables->links[tables->link_count++] = value;
            count++;
        }
    return count;
}

static mf_status add_op(mfi_onnx_file *tables, mfi_bytes message)
{
    mfi_onnx_op *op = &tables->ops[tables->op_count++];
    mfi_bytes rest = message, domain = {0};
    mfi_wire_field part;
    *op = (mfi_onnx_op){.message = message};
    while (mfi_wire_next(&rest, &part)) {
        if (part.number == OF_NODE_NAME)
            op->name = part.bytes;
        else if (part.number == OF_NODE_TYPE)
            op->type = part.bytes;
        else if (part.number == OF_NODE_DOMAIN)
            domain = part.bytes;
    }
    op->inputs = tables->link_count;
    op->input_count = add_links(tables, message, OF_NODE_INPUT);
    op->outputs = tables->link_count;
    op->output_count = add_links(tables, message, OF_NODE_OUTPUT);
    if (!mfi_bytes_are(domain, "") && !mfi_bytes_are(domain, "ai.onnx"))
        return mfi_fail(MF_STATUS_UNSUPPORTED, "node \"%s\": operators of other domains are not known",
                        mfi_bytes_shown(op->name, 80).text);
    return MF_STATUS_OK;
}

/* The nodes, then the constants. */
static mf_status fill_nodes(mfi_onnx_file *tables)
{
    mfi_bytes graph = tables->graph;
    mfi_wire_field field;
    tables->op_count = tables->link_count = 0;
    while (mfi_wire_next(&graph, &field)) {
        if (field.number == IN_NODE)
            MFI_TRY(add_op(tables, field.bytes));
        if (field.number != IN_CONSTANT)
            continue;
        int32_t value = mfi_onnx_find_value(tables, name_in_message(field.bytes, OF_TENSOR_NAME));
        if (value >= 0)
            tables->values[value].constant = true;
    }
    return MF_STATUS_OK;
}

/* Inputs that are constants, too, as older files list them, are no inputs. */
static mf_status fill_ends(mfi_onnx_file *tables)
{
    mfi_bytes graph = tables->graph;
    mfi_wire_field field;
    size_t inputs = 0;
    tables->input_value = tables->output_value = -1;
    while (mfi_wire_next(&graph, &field)) {
        if (field.number != IN_INPUT && field.number != IN_OUTPUT)
            continue;
        int32_t value = mfi_onnx_find_value(tables, name_in_message(field.bytes, OF_VALUE_NAME));
        if (field.number == IN_OUTPUT && tables->output_value < 0)
            tables->output_value = value;
        if (field.number == IN_OUTPUT || value < 0 || tables->values[value].constant)
            continue;
        tables->input = field.bytes;
        tables->input_value = value;
        inputs++;
    }
    if (inputs != 1 || tables->output_value < 0)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "the graph has %zu inputs%s; one input and an output are read",
                        inputs, tables->output_value < 0 ? " and no output" : "");
    tables->values[tables->output_value].readers++;
    return MF_STATUS_OK;
}

/* ---- the model ---- */

static mf_status read_opset(mfi_bytes message, uint64_t *opset)
{
    mfi_wire_field field;
    mfi_bytes domain = {0};
    uint64_t version = 0;
    while (mfi_wire_next(&message, &field)) {
        if (field.number == 1)
            domain = field.bytes;
        if (field.number == 2)
            version = field.value;
    }
    if (!mfi_bytes_are(domain, "") && !mfi_bytes_are(domain, "ai.onnx"))
        return MF_STATUS_OK; /* nodes that need it are refused */
    if (version < OLDEST_OPSET || version > NEWEST_OPSET)
        return mfi_fail(MF_STATUS_UNSUPPORTED, "opset %llu: %d to %d are read", (unsigned long long)version,
                        (int)OLDEST_OPSET, (int)NEWEST_OPSET);
    *opset = version;
    return MF_STATUS_OK;
}

mf_status mfi_onnx_file_read(mfi_bytes file, const mf_allocator *allocator, mfi_onnx_file *tables)
{
    mfi_bytes model = file;
    mfi_wire_field field;
    size_t values;
    tables->allocator = *allocator;
    MFI_TRY(mfi_wire_check(file, "the ONNX model"));
    while (mfi_wire_next(&model, &field)) {
        if (field.number == IN_GRAPH)
            tables->graph = field.bytes;
        if (field.number == IN_PRODUCER)
            tables->own = mfi_bytes_are(field.bytes, "libmonoforward");
        if (field.number == IN_OPSET)
            MFI_TRY(read_opset(field.bytes, &tables->opset));
    }
    if (tables->opset == 0 || tables->graph.count == 0)
        return mfi_fail(MF_STATUS_FORMAT, "this is no ONNX model: there is no graph, or no opset");
    MFI_TRY(mfi_wire_check(tables->graph, "the graph"));
    MFI_TRY(count_graph(tables, &values));
    MFI_TRY(allocate_tables(tables, values));
    fill_names(tables);
    MFI_TRY(fill_nodes(tables));
    return fill_ends(tables);
}

mf_status mfi_onnx_each_constant(const mfi_onnx_file *tables,
                                 mf_status (*take)(void *user, int32_t value,
                                                   const mfi_onnx_constant *constant),
                                 void *user)
{
    mfi_bytes graph = tables->graph, name;
    mfi_wire_field field;
    mfi_onnx_constant constant;
    while (mfi_wire_next(&graph, &field)) {
        if (field.number != IN_CONSTANT)
            continue;
        MFI_TRY(mfi_onnx_read_constant(field.bytes, &constant, &name));
        int32_t value = mfi_onnx_find_value(tables, name);
        if (value >= 0)
            MFI_TRY(take(user, value, &constant));
    }
    return MF_STATUS_OK;
}

bool mfi_onnx_input_dims(const mfi_onnx_file *tables, int64_t dims[MFI_ONNX_DIMS], int32_t *rank)
{
    mfi_bytes type = name_in_message(tables->input, 2), tensor = name_in_message(type, 1),
              shape = name_in_message(tensor, 2);
    mfi_wire_field field, part;
    *rank = 0;
    while (mfi_wire_next(&shape, &field)) {
        mfi_bytes dim = field.bytes;
        if (field.number != 1 || *rank == MFI_ONNX_DIMS)
            return false;
        dims[*rank] = 0;
        while (mfi_wire_next(&dim, &part))
            if (part.number == 1)
                dims[*rank] = part.value <= INT32_MAX ? (int64_t)part.value : 0;
        ++*rank;
    }
    return *rank > 0;
}

int32_t mfi_onnx_input_type(const mfi_onnx_file *tables)
{
    mfi_bytes type = name_in_message(tables->input, 2), tensor = name_in_message(type, 1);
    mfi_wire_field field;
    int32_t element = 0;
    while (mfi_wire_next(&tensor, &field))
        if (field.number == 1)
            element = field.value <= INT32_MAX ? (int32_t)field.value : 0;
    return element;
}

bool mfi_onnx_next_pair(mfi_bytes *model, mfi_bytes *name, mfi_bytes *value)
{
    mfi_wire_field field;
    while (mfi_wire_next(model, &field))
        if (field.number == IN_METADATA) {
            *name = name_in_message(field.bytes, 1);
            *value = name_in_message(field.bytes, 2);
            return true;
        }
    return false;
}
