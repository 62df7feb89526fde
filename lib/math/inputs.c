/* Owns: the types that inputs may have, and the floats that they stand for. */
#include "math/inputs.h"

#include <string.h>

#include <monoforward.h>

enum { BF16_EXPONENT = 0x7F80 };

/* A sum and then a product, or a quotient: nothing that a compiler could fuse, so that a host that writes the
 * same gets the same bits. */
static void convert_bytes(const mfi_inputs *inputs, size_t count, const uint8_t *restrict from,
                          float *restrict to)
{
    const float shift = inputs->shift, scale = inputs->scale;
    if (scale == 0.0f)
        for (size_t i = 0; i < count; i++)
            to[i] = ((float)from[i] + shift) / (float)UINT8_MAX;
    else
        for (size_t i = 0; i < count; i++)
            to[i] = ((float)from[i] + shift) * scale;
}

static void convert_bf16(size_t count, const uint16_t *restrict from, float *restrict to)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)from[i] << 16;
        memcpy(&to[i], &bits, sizeof bits);
    }
}

static void convert_integers(size_t count, const int32_t *restrict from, float *restrict to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)from[i];
}

/* `count` values from that index on. */
static void convert_values(const mfi_inputs *inputs, size_t first, size_t count, float *to)
{
    switch (inputs->type) {
    case MF_TYPE_UINT8:
        convert_bytes(inputs, count, (const uint8_t *)inputs->values + first, to);
        break;
    case MF_TYPE_INT32:
        convert_integers(count, (const int32_t *)inputs->values + first, to);
        break;
    case MF_TYPE_BF16:
        convert_bf16(count, (const uint16_t *)inputs->values + first, to);
        break;
    default:
        memcpy(to, (const float *)inputs->values + first, count * sizeof *to);
        break;
    }
}

static void scale_values(size_t count, float shift, float scale, float *x)
{
    for (size_t j = 0; j < count; j++)
        x[j] = (x[j] + shift) * scale;
}

static void scale_each(size_t count, const float *restrict shift, const float *restrict scale,
                       float *restrict x)
{
    for (size_t j = 0; j < count; j++)
        x[j] = (x[j] + shift[j]) * scale[j];
}

static void scale_row(const mfi_scaling *scaling, size_t columns, float *x)
{
    size_t part = columns / scaling->parts, run = part / scaling->count;
    for (float *end = x + columns; x < end; x += part)
        if (run == 1)
            scale_each(scaling->count, scaling->shift, scaling->scale, x);
        else
            for (size_t i = 0; i < scaling->count; i++)
                scale_values(run, scaling->shift[i], scaling->scale[i], x + i * run);
}

void mfi_inputs_convert(const mfi_inputs *inputs, size_t rows, size_t columns, float *x)
{
    for (size_t b = 0; b < rows; b++, x += columns) {
        convert_values(inputs, b * inputs->stride, columns, x);
        if (inputs->scaling.count > 0)
            scale_row(&inputs->scaling, columns, x);
    }
}

float mfi_input_at(const mfi_inputs *inputs, size_t index)
{
    float value;
    convert_values(inputs, index, 1, &value);
    return value;
}

bool mfi_bf16_all_finite(size_t count, const uint16_t *values)
{
    int bad = 0;
    for (size_t i = 0; i < count; i++)
        bad |= (values[i] & BF16_EXPONENT) == BF16_EXPONENT;
    return bad == 0;
}
