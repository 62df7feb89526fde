/* Owns: the types that inputs may have, and the floats that they stand for. */
#ifndef MFI_MATH_INPUTS_H
#define MFI_MATH_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fixed scaling: a value that number i belongs to becomes (value + shift[i]) scale[i]. Values of a row that
 * lie side by side share a number, and a row has so many parts that begin with the first number again. */
typedef struct mfi_scaling {
    size_t count; /* 0: none */
    size_t parts;
    const float *shift, *scale;
} mfi_scaling;

/* Rows of inputs as the caller has them. */
typedef struct mfi_inputs {
    int32_t type; /* MF_TYPE_FLOAT32, MF_TYPE_INT32, MF_TYPE_UINT8 or MF_TYPE_BF16 */
    const void *values;
    size_t stride;       /* values from one row to the next */
    float scale, shift;  /* of bytes: (byte + shift) scale, or (byte + shift) / 255 if the scale is 0 */
    mfi_scaling scaling; /* of what they stand for */
} mfi_inputs;

/* x [rows, columns] = the inputs as floats, scaled. */
void mfi_inputs_convert(const mfi_inputs *inputs, size_t rows, size_t columns, float *x);

/* The value at an index, which counts from the first row on, before it is scaled. */
float mfi_input_at(const mfi_inputs *inputs, size_t index);

bool mfi_bf16_all_finite(size_t count, const uint16_t *values);

#endif
