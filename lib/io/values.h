/* Owns: the values of a layer's tensors on their way to and from files. They go piece by piece, since a layer
 * may keep them in another order than the plain one of files. */
#ifndef MFI_IO_VALUES_H
#define MFI_IO_VALUES_H

#include "io/record.h"
#include "io/sink.h"

/* Puts `count` values of a tensor (mfi_layer_get_values), as mfi_sink_floats() does. */
void mfi_sink_tensor(mfi_sink *sink, const mf_layer *layer, size_t number, int32_t slot, size_t count);

/* Whether all values of a tensor of that layer may be in a file (mfi_values_check); if not, NUMERIC. */
mf_status mfi_tensor_check(const mfi_tensor_plan *tensor, const mf_layer *layer);

/* A piece has at most so many values. */
enum { MFI_VALUES_PIECE = 1024 };

/* The values of the piece that begins at number `first` of `count`. */
static inline size_t mfi_values_piece(size_t count, size_t first)
{
    return count - first < MFI_VALUES_PIECE ? count - first : MFI_VALUES_PIECE;
}

#endif
