/* Owns: the values of a layer's tensors on their way to and from files. */
#include "io/values.h"

#include "io/bytes.h"

static size_t piece_size(size_t count, size_t first)
{
    return count - first < MFI_VALUES_PIECE ? count - first : MFI_VALUES_PIECE;
}

void mfi_sink_tensor(mfi_sink *sink, const mf_layer *layer, size_t number, int32_t slot, size_t count)
{
    float values[MFI_VALUES_PIECE];
    for (size_t first = 0; first < count; first += MFI_VALUES_PIECE) {
        mfi_layer_get_values(layer, number, slot, first, piece_size(count, first), values);
        mfi_sink_floats(sink, values, piece_size(count, first));
    }
}

bool mfi_tensor_is_sound(const mfi_tensor_plan *tensor, const mf_layer *layer)
{
    float values[MFI_VALUES_PIECE];
    bool sound = true;
    for (size_t first = 0; sound && first < tensor->count; first += MFI_VALUES_PIECE) {
        size_t count = piece_size(tensor->count, first);
        mfi_layer_get_values(layer, tensor->parameter, tensor->state_slot, first, count, values);
        sound = mfi_values_are_sound(tensor, values, count);
    }
    return sound;
}

bool mfi_tensor_set(const mfi_tensor_plan *tensor, mf_layer *layer, size_t first, size_t count,
                    const unsigned char *bytes)
{
    float values[MFI_VALUES_PIECE];
    for (size_t i = 0; i < count; i++)
        values[i] = mfi_get_float(bytes + 4 * i);
    if (!mfi_values_are_sound(tensor, values, count))
        return false;
    mfi_layer_set_values(layer, tensor->parameter, tensor->state_slot, first, count, values);
    return true;
}
