/* Owns: the values of a layer's tensors on their way to and from files. */
#include "io/values.h"

#include "base/status.h"

void mfi_sink_tensor(mfi_sink *sink, const mf_layer *layer, size_t number, int32_t slot, size_t count)
{
    float values[MFI_VALUES_PIECE];
    for (size_t first = 0; first < count; first += MFI_VALUES_PIECE) {
        mfi_layer_get_values(layer, number, slot, first, mfi_values_piece(count, first), values);
        mfi_sink_floats(sink, values, mfi_values_piece(count, first));
    }
}

mf_status mfi_tensor_check(const mfi_tensor_plan *tensor, const mf_layer *layer)
{
    float values[MFI_VALUES_PIECE];
    for (size_t first = 0; first < tensor->count; first += MFI_VALUES_PIECE) {
        size_t count = mfi_values_piece(tensor->count, first);
        mfi_layer_get_values(layer, tensor->parameter, tensor->state_slot, first, count, values);
        MFI_TRY(mfi_values_check(tensor, first, values, count, MF_STATUS_NUMERIC));
    }
    return MF_STATUS_OK;
}
