/* Owns: what stages must know of each other, and whether one fits behind another. */
#include "interface.h"

#include <stdio.h>

size_t mfm_shape_values(const mf_shape *shape)
{
    size_t values = 1;
    for (int32_t i = 0; i < shape->rank; i++)
        values *= shape->dims[i];
    return values;
}

static mf_status find_tokens(const mf_layer *layer, uint64_t *tokens)
{
    size_t units = 0;
    MFM_TRY(mfm_core(mf_layer_unit_count(layer, &units)));
    for (int32_t node = 1; (size_t)node <= units; node++) {
        mf_unit_spec unit = {.struct_size = sizeof unit};
        MFM_TRY(mfm_core(mf_layer_unit(layer, node, &unit, NULL)));
        *tokens |= unit.kind == MF_UNIT_EMBEDDING;
    }
    return MF_STATUS_OK;
}

mf_status mfm_interface_read(const mf_layer *first, const mf_layer *last, size_t layers, mfm_interface *own)
{
    const mf_shape shape = {.struct_size = sizeof shape};
    *own = (mfm_interface){layers, 0, shape, shape, shape};
    MFM_TRY(mfm_core(mf_layer_shape(first, &own->input, NULL)));
    MFM_TRY(mfm_core(mf_layer_shape(last, NULL, &own->output)));
    MFM_TRY(mfm_core(mf_layer_goodness_shape(first, &own->goodness)));
    return find_tokens(first, &own->tokens);
}

/* ---- does a stage fit? ---- */

static bool is_same_shape(const mf_shape *one, const mf_shape *other)
{
    bool same = one->rank == other->rank;
    for (int32_t i = 0; same && i < one->rank; i++)
        same = one->dims[i] == other->dims[i];
    return same;
}

/* Maps and sequences fit those of the same shape; a row of values fits any shape with as many. */
static bool is_fitting(const mf_shape *output, const mf_shape *input)
{
    return output->rank > 1 && input->rank > 1 ? is_same_shape(output, input)
                                               : mfm_shape_values(output) == mfm_shape_values(input);
}

enum { SHAPE_TEXT = 96 };

/* "1000" or "64x16x16". */
static const char *write_shape(const mf_shape *shape, char text[SHAPE_TEXT])
{
    int length = snprintf(text, SHAPE_TEXT, "%zu", shape->dims[0]);
    for (int32_t i = 1; i < shape->rank; i++)
        length += snprintf(text + length, SHAPE_TEXT - (size_t)length, "x%zu", shape->dims[i]);
    return text;
}

mf_status mfm_interface_check(const mfm_interface *before, const mfm_interface *own, uint32_t stage)
{
    char one[SHAPE_TEXT], other[SHAPE_TEXT];
    if (own->tokens)
        return mfm_fail(MF_STATUS_SHAPE,
                        "stage %u begins with an embedding, which reads tokens: only the first stage may",
                        (unsigned)stage);
    if (!is_fitting(&before->output, &own->input))
        return mfm_fail(MF_STATUS_SHAPE, "stage %u expects %s inputs, the one before has %s outputs",
                        (unsigned)stage, write_shape(&own->input, one), write_shape(&before->output, other));
    if (!is_same_shape(&before->goodness, &own->goodness))
        return mfm_fail(MF_STATUS_SHAPE, "stage %u has %s scores a row, the one before has %s",
                        (unsigned)stage, write_shape(&own->goodness, one),
                        write_shape(&before->goodness, other));
    return MF_STATUS_OK;
}
