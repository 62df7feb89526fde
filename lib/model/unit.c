/* Owns: the table of the kinds of units. */
#include "model/unit.h"

const mfi_unit_kind *mfi_unit_kind_of(int32_t kind)
{
    static const mfi_unit_kind *const kinds[MFI_UNIT_KINDS] = {
        [MF_UNIT_DENSE] = &mfi_unit_dense,
        [MF_UNIT_CONV2D] = &mfi_unit_conv2d,
        [MF_UNIT_BATCH_NORM] = &mfi_unit_batch_norm,
        [MF_UNIT_ACTIVATION] = &mfi_unit_activation,
        [MF_UNIT_POOL] = &mfi_unit_pool,
        [MF_UNIT_DROPOUT] = &mfi_unit_dropout,
        [MF_UNIT_ADD] = &mfi_unit_add,
    };
    return kinds[kind];
}
