/* Owns: a parameter of a layer: its memory and the initialisation of its values. */
#include "model/parameter.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "math/initialize.h"

const char *mfi_role_name(mfi_role role)
{
    static const char *const names[MFI_COUNTS + 1] = {
        [MFI_WEIGHT] = "weight", [MFI_BIAS] = "bias", [MFI_PROJECTION] = "projection",
        [MFI_SCALE] = "scale",   [MFI_MEAN] = "mean", [MFI_VARIANCE] = "variance",
        [MFI_COUNTS] = "counts",
    };
    return names[role];
}

bool mfi_role_learns(mfi_role role)
{
    return role != MFI_MEAN && role != MFI_VARIANCE && role != MFI_COUNTS;
}

bool mfi_role_decays(mfi_role role)
{
    return role == MFI_WEIGHT || role == MFI_PROJECTION;
}

mfi_matrix_order mfi_parameter_matrix(const mfi_parameter_spec *spec)
{
    return (mfi_matrix_order){spec->order, spec->dims[0], spec->count / spec->dims[0]};
}

/* Values of a row that are paired lie that far apart: those of neighbouring inputs, or, of a convolution, of
 * neighbouring channels at the same place in the kernel. */
static size_t pairs_apart(const mfi_parameter_spec *spec)
{
    return spec->dims[2] * spec->dims[3];
}

/* Pairs of a row. */
static size_t rounded_depth(const mfi_parameter_spec *spec)
{
    return mfi_depth(spec->precision, spec->dims[1]) * pairs_apart(spec);
}

bool mfi_parameter_room(const mfi_parameter_spec *spec, size_t *count, size_t *rounded)
{
    mfi_matrix_order matrix = mfi_parameter_matrix(spec);
    size_t rows = mfi_order_rows(&matrix.order, matrix.rows);
    *rounded = spec->precision == MFI_FLOAT32 ? 0 : rows * rounded_depth(spec);
    return mfi_multiply(rows, matrix.columns, count); /* which is not less */
}

bool mfi_state_layout(size_t count, size_t slots, size_t offsets[MFI_STATE_SLOTS], size_t *bytes)
{
    *bytes = 0;
    for (size_t slot = 0; slot < slots; slot++)
        if (!mfi_reserve(bytes, count, sizeof(float), &offsets[slot]))
            return false;
    return true;
}

static mf_status no_memory(const mfi_parameter_spec *spec)
{
    return mfi_fail(MF_STATUS_MEMORY, "no memory for the %s of a layer", spec->name);
}

mf_status mfi_parameter_allocate(const mfi_parameter_spec *spec, const mf_allocator *allocator,
                                 mfi_storage *storage)
{
    size_t count, rounded, bytes;
    if (!mfi_parameter_room(spec, &count, &rounded) || !mfi_multiply(count, sizeof(float), &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "a %s of %zu values does not fit in memory", spec->name,
                        spec->count);
    float *values = mfi_allocate(allocator, bytes);
    if (!values)
        return no_memory(spec);
    memset(values, 0, bytes);
    storage->values = values;
    storage->count = count;
    if (rounded == 0)
        return MF_STATUS_OK;
    storage->rounded = mfi_allocate(allocator, rounded * sizeof *storage->rounded);
    if (!storage->rounded)
        return no_memory(spec);
    memset(storage->rounded, 0, rounded * sizeof *storage->rounded);
    storage->rounded_count = rounded;
    return MF_STATUS_OK;
}

void mfi_parameter_round(const mfi_parameter_spec *spec, const mfi_panel_products *products,
                         mfi_storage *storage)
{
    mfi_matrix_order matrix = mfi_parameter_matrix(spec);
    size_t depth = rounded_depth(spec), width;
    for (size_t start = 0; storage->rounded && start < matrix.rows; start += width) {
        width = mfi_order_panel(&matrix.order, matrix.rows, start);
        products->round_panel(matrix.columns, pairs_apart(spec), width,
                              storage->values + start * matrix.columns, storage->rounded + start * depth);
    }
}

mf_status mfi_parameter_allocate_state(const mfi_parameter_spec *spec, size_t slots,
                                       const mf_allocator *allocator, mfi_storage *storage)
{
    size_t count, rounded, bytes = 0, offsets[MFI_STATE_SLOTS] = {0};
    memset(storage->state, 0, sizeof storage->state);
    storage->state_bytes = 0;
    if (slots == 0 || !mfi_role_learns(spec->role))
        return MF_STATUS_OK;
    if (!mfi_parameter_room(spec, &count, &rounded) || !mfi_state_layout(count, slots, offsets, &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW, "optimizer state for %zu values does not fit in memory",
                        spec->count);
    char *block = mfi_allocate(allocator, bytes);
    if (!block)
        return no_memory(spec);
    memset(block, 0, bytes);
    for (size_t slot = 0; slot < slots; slot++)
        storage->state[slot] = (float *)(block + offsets[slot]);
    storage->state_bytes = bytes;
    return MF_STATUS_OK;
}

bool mfi_parameter_draw_scratch(const mfi_parameter_spec *spec, size_t *count)
{
    mfi_matrix_order matrix = mfi_parameter_matrix(spec);
    *count = 0;
    return spec->init != MF_INIT_ORTHOGONAL ||
           mfi_init_orthogonal_scratch(matrix.rows, matrix.columns, count);
}

static mf_status draw_orthogonal(const mfi_parameter_spec *spec, const mfi_stream *stream,
                                 const mf_allocator *allocator, float *values)
{
    size_t count, bytes;
    if (!mfi_parameter_draw_scratch(spec, &count) || !mfi_multiply(count, sizeof(float), &bytes))
        return mfi_fail(MF_STATUS_OVERFLOW,
                        "the scratch to initialise an orthogonal %s of %zu values does not fit in memory",
                        spec->name, spec->count);
    float *scratch = mfi_allocate(allocator, bytes);
    if (!scratch)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu bytes of scratch to initialise an orthogonal %s",
                        bytes, spec->name);
    mfi_matrix_order matrix = mfi_parameter_matrix(spec);
    mfi_init_orthogonal(stream, spec->gain, &matrix, values, scratch);
    mfi_release(allocator, scratch, bytes);
    return MF_STATUS_OK;
}

mf_status mfi_parameter_draw(const mfi_parameter_spec *spec, uint64_t seed, uint64_t draw,
                             const mf_allocator *allocator, float *values)
{
    mfi_stream stream = mfi_stream_of(seed, spec->purpose, draw);
    mfi_matrix_order matrix = mfi_parameter_matrix(spec);
    float scale = spec->gain / sqrtf((float)spec->fan);
    switch (spec->init) {
    case MF_INIT_KAIMING_UNIFORM:
        mfi_init_uniform(&stream, scale, &matrix, values);
        return MF_STATUS_OK;
    case MF_INIT_NORMAL:
        mfi_init_normal(&stream, scale, &matrix, values);
        return MF_STATUS_OK;
    case MF_INIT_ORTHOGONAL:
        return draw_orthogonal(spec, &stream, allocator, values);
    default:
        for (size_t i = 0; i < spec->count; i++)
            values[i] = spec->init == MFI_INIT_CONSTANT ? spec->gain : 0.0f;
        return MF_STATUS_OK;
    }
}

void mfi_storage_release(const mf_allocator *allocator, const mfi_storage *storage, const mfi_storage *kept)
{
    if (storage->values != kept->values)
        mfi_release(allocator, storage->values, storage->count * sizeof(float));
    if (storage->rounded != kept->rounded)
        mfi_release(allocator, storage->rounded, storage->rounded_count * sizeof *storage->rounded);
    if (storage->state[0] != kept->state[0])
        mfi_release(allocator, storage->state[0], storage->state_bytes);
}
