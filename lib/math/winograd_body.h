/* The part of kernels_body.h with the transforms of Winograd's convolution, compiled with it for each
 * instruction set. Their matrices are those of the points 0, +-sqrt(1/2), +-sqrt(2) and infinity, with which
 * the result of 4 x 4 outputs from 6 x 6 inputs has the smallest error of the common choices. */
#include "math/kernels.h"
#include "math/lanes.h"

#define NEAR 0.70710678118654752f /* the points +-NEAR and +-FAR */
#define FAR 1.41421356237309505f

/* B^T: 6 inputs to 6 values. */
INLINE void transform_input(const vector in[6], vector out[6])
{
    vector near_even = in[4] - 2.0f * in[2], near_odd = NEAR * in[3] - FAR * in[1];
    vector far_even = in[4] - 0.5f * in[2], far_odd = FAR * in[3] - NEAR * in[1];
    out[0] = in[0] + in[4] - 2.5f * in[2];
    out[1] = near_even + near_odd;
    out[2] = near_even - near_odd;
    out[3] = far_even + far_odd;
    out[4] = far_even - far_odd;
    out[5] = in[1] + in[5] - 2.5f * in[3];
}

/* G: 3 weights to 6 values. */
INLINE void transform_weights(const vector in[3], vector out[6])
{
    const float near = -2.0f / 3.0f, far = 1.0f / 6.0f;
    vector near_even = near * in[0] + (0.5f * near) * in[2], near_odd = (NEAR * near) * in[1];
    vector far_even = far * in[0] + (2.0f * far) * in[2], far_odd = (FAR * far) * in[1];
    out[0] = in[0];
    out[1] = near_even + near_odd;
    out[2] = near_even - near_odd;
    out[3] = far_even + far_odd;
    out[4] = far_even - far_odd;
    out[5] = in[2];
}

/* The transpose of G. */
INLINE void transform_weights_back(const vector in[6], vector out[3])
{
    const float near = -2.0f / 3.0f, far = 1.0f / 6.0f;
    vector near_even = near * (in[1] + in[2]), near_odd = near * (in[1] - in[2]);
    vector far_even = far * (in[3] + in[4]), far_odd = far * (in[3] - in[4]);
    out[0] = in[0] + near_even + far_even;
    out[1] = NEAR * near_odd + FAR * far_odd;
    out[2] = 0.5f * near_even + 2.0f * far_even + in[5];
}

/* A^T: 6 values to 4 outputs. */
INLINE void transform_output(const vector in[6], vector out[4])
{
    vector near_even = in[1] + in[2], near_odd = NEAR * (in[1] - in[2]);
    vector far_even = in[3] + in[4], far_odd = FAR * (in[3] - in[4]);
    out[0] = in[0] + near_even + far_even;
    out[1] = near_odd + far_odd;
    out[2] = 0.5f * near_even + 2.0f * far_even;
    out[3] = 0.5f * near_odd + 2.0f * far_odd + in[5];
}

/* A. */
INLINE void transform_output_back(const vector in[4], vector out[6])
{
    vector near_even = in[0] + 0.5f * in[2], near_odd = NEAR * (in[1] + 0.5f * in[3]);
    vector far_even = in[0] + 2.0f * in[2], far_odd = FAR * (in[1] + 2.0f * in[3]);
    out[0] = in[0];
    out[1] = near_even + near_odd;
    out[2] = near_even - near_odd;
    out[3] = far_even + far_odd;
    out[4] = far_even - far_odd;
    out[5] = in[3];
}

INLINE void transform_line(mfi_transform_kind kind, const vector *in, vector *out)
{
    switch (kind) {
    case MFI_TRANSFORM_INPUT:
        transform_input(in, out);
        break;
    case MFI_TRANSFORM_WEIGHTS:
        transform_weights(in, out);
        break;
    case MFI_TRANSFORM_WEIGHTS_BACK:
        transform_weights_back(in, out);
        break;
    case MFI_TRANSFORM_OUTPUT:
        transform_output(in, out);
        break;
    default:
        transform_output_back(in, out);
        break;
    }
}

/* `kind` and its sizes are constants when this is inlined. */
INLINE void transform_squares(mfi_transform_kind kind, int inputs, int outputs, size_t count,
                              const float *from, ptrdiff_t from_row, ptrdiff_t from_column, float *to,
                              ptrdiff_t to_row, ptrdiff_t to_column, bool add)
{
    for (size_t lane = 0; lane < count; lane += MFI_LANES) {
        vector half[6][6], in[6], out[6];
        UNROLL(6)
        for (int j = 0; j < inputs; j++) {
            UNROLL(6)
            for (int i = 0; i < inputs; i++)
                in[i] = load(from + (ptrdiff_t)lane + i * from_row + j * from_column);
            transform_line(kind, in, out);
            UNROLL(6)
            for (int i = 0; i < outputs; i++)
                half[i][j] = out[i];
        }
        UNROLL(6)
        for (int i = 0; i < outputs; i++) {
            transform_line(kind, half[i], out);
            UNROLL(6)
            for (int j = 0; j < outputs; j++) {
                float *at = to + (ptrdiff_t)lane + i * to_row + j * to_column;
                if (add)
                    out[j] += load(at);
                store(at, out[j]);
            }
        }
    }
}

static void transform(mfi_transform_kind kind, size_t count, const float *from, ptrdiff_t from_row,
                      ptrdiff_t from_column, float *to, ptrdiff_t to_row, ptrdiff_t to_column)
{
    switch (kind) {
    case MFI_TRANSFORM_INPUT:
        transform_squares(kind, 6, 6, count, from, from_row, from_column, to, to_row, to_column, false);
        break;
    case MFI_TRANSFORM_WEIGHTS:
        transform_squares(kind, 3, 6, count, from, from_row, from_column, to, to_row, to_column, false);
        break;
    case MFI_TRANSFORM_WEIGHTS_BACK:
        transform_squares(kind, 6, 3, count, from, from_row, from_column, to, to_row, to_column, true);
        break;
    case MFI_TRANSFORM_OUTPUT:
        transform_squares(kind, 6, 4, count, from, from_row, from_column, to, to_row, to_column, false);
        break;
    default:
        transform_squares(MFI_TRANSFORM_OUTPUT_BACK, 4, 6, count, from, from_row, from_column, to, to_row,
                          to_column, false);
        break;
    }
}

#undef NEAR
#undef FAR
