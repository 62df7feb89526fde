/* The same inputs as bytes or bf16 and as floats. SPDX-License-Identifier: MIT */
#include "typed_inputs.h"

#include <math.h>

#include "random.h"

const typed_kind typed_kinds[TYPED_KINDS] = {
    {MF_TYPE_UINT8, 0.0f, 0.0f},    {MF_TYPE_UINT8, 0.0f, -127.5f}, {MF_TYPE_UINT8, 0.0127f, -33.3f},
    {MF_TYPE_UINT8, -0.01f, 0.25f}, {MF_TYPE_INT32, 0.0f, 0.0f},     {MF_TYPE_BF16, 0.0f, 0.0f},
};

/* A double holds such sums, products and quotients of a byte and a float with bits to spare, so that rounding
 * them to float is what float arithmetic does. */
static float byte_value(const typed_kind *kind, uint8_t byte)
{
    float sum = (float)((double)byte + (double)kind->shift);
    return (float)(kind->scale == 0.0f ? (double)sum / 255.0 : (double)sum * (double)kind->scale);
}

/* sign, exponent and 7 bits of the fraction */
static float bf16_value(uint16_t bits)
{
    int exponent = bits >> 7 & 0xFF;
    double fraction = (bits & 0x7F) / 128.0;
    double size = exponent ? ldexp(1.0 + fraction, exponent - 127) : ldexp(fraction, -126);
    return (float)(bits >> 15 ? -size : size);
}

static uint16_t draw_bf16(test_random *random)
{
    float value = (float)random_normal(random);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return random_index(random, 20) ? (uint16_t)(bits >> 16) : (uint16_t)random_index(random, 0x80);
}

/* Mostly small ones, and some that are rounded, to even where they are in the middle. */
static int32_t draw_int32(test_random *random)
{
    uint32_t bits = (uint32_t)random_next(random);

    return random_index(random, 20) ? (int32_t)(bits % 9) - 4 : (int32_t)(bits >> random_index(random, 8));
}

typed_inputs make_typed_inputs(const typed_kind *kind, size_t rows, size_t columns, size_t gap, uint64_t seed)
{
    typed_inputs made = {.kind = *kind, .rows = rows, .columns = columns, .stride = columns + gap};
    size_t count = rows * made.stride;
    test_random random = {seed};
    int32_t *integers = get_memory(count * sizeof *integers);
    uint16_t *halves = (uint16_t *)integers;
    uint8_t *bytes = (uint8_t *)integers;

    made.values = integers;
    made.floats = get_memory(rows * columns * sizeof *made.floats);
    memset(integers, 0xFF, count * sizeof *integers);
    for (size_t b = 0; b < rows; b++)
        for (size_t j = 0; j < columns; j++) {
            size_t at = b * made.stride + j;
            if (kind->type == MF_TYPE_UINT8)
                bytes[at] = (uint8_t)random_index(&random, 256);
            else if (kind->type == MF_TYPE_INT32)
                integers[at] = draw_int32(&random);
            else
                halves[at] = draw_bf16(&random);
            made.floats[b * columns + j] = kind->type == MF_TYPE_UINT8   ? byte_value(kind, bytes[at])
                                           : kind->type == MF_TYPE_INT32 ? (float)integers[at]
                                                                         : bf16_value(halves[at]);
        }
    return made;
}

void free_typed_inputs(typed_inputs *inputs)
{
    free(inputs->values);
    free(inputs->floats);
}

mf_batch typed_batch(const typed_inputs *inputs, size_t rows, const int32_t *y)
{
    mf_batch batch = make_batch(rows, NULL, y);
    batch.input_type = inputs->kind.type;
    batch.input_scale = inputs->kind.scale;
    batch.input_shift = inputs->kind.shift;
    batch.inputs = inputs->values;
    batch.input_stride = inputs->stride > inputs->columns ? inputs->stride : 0;
    return batch;
}

mf_batch float_batch(const typed_inputs *inputs, size_t rows, const int32_t *y)
{
    return make_batch(rows, inputs->floats, y);
}
