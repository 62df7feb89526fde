/* Owns: the table of the kinds of units. */
#include "model/unit.h"

#include "base/status.h"
#include "model/checks.h"

const char *const mfi_unit_names[MFI_UNIT_KINDS] = {
    [MF_UNIT_DENSE] = "dense",
    [MF_UNIT_CONV2D] = "conv2d",
    [MF_UNIT_BATCH_NORM] = "batch_norm",
    [MF_UNIT_ACTIVATION] = "activation",
    [MF_UNIT_POOL] = "pool",
    [MF_UNIT_DROPOUT] = "dropout",
    [MF_UNIT_ADD] = "add",
    [MF_UNIT_LAYER_NORM] = "layer_norm",
    [MF_UNIT_GLOBAL_POOL] = "global_pool",
    [MF_UNIT_CONCAT] = "concat",
    [MF_UNIT_TRANSPOSE] = "transpose",
    [MF_UNIT_TOKENS] = "tokens",
    [MF_UNIT_POSITIONS] = "positions",
    [MF_UNIT_ATTENTION] = "attention",
    [MF_UNIT_EMBEDDING] = "embedding",
    [MF_UNIT_FLATTEN] = "flatten",
};

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
        [MF_UNIT_LAYER_NORM] = &mfi_unit_layer_norm,
        [MF_UNIT_GLOBAL_POOL] = &mfi_unit_global_pool,
        [MF_UNIT_CONCAT] = &mfi_unit_concat,
        [MF_UNIT_TRANSPOSE] = &mfi_unit_transpose,
        [MF_UNIT_TOKENS] = &mfi_unit_tokens,
        [MF_UNIT_POSITIONS] = &mfi_unit_positions,
        [MF_UNIT_ATTENTION] = &mfi_unit_attention,
        [MF_UNIT_EMBEDDING] = &mfi_unit_embedding,
        [MF_UNIT_FLATTEN] = &mfi_unit_flatten,
    };
    return kinds[kind];
}

mf_status mfi_unit_check_product(const mf_unit_spec *unit)
{
    MFI_TRY(mfi_check_size("outputs", unit->outputs, 1));
    MFI_TRY(mfi_check_constant("bias", unit->bias, 1));
    return mfi_unit_check_weight(unit);
}

bool mfi_unit_has_panels(const mf_unit_spec *unit)
{
    return unit->kind == MF_UNIT_DENSE || (unit->kind == MF_UNIT_CONV2D && unit->groups == 0);
}

mf_status mfi_unit_check_weight(const mf_unit_spec *unit)
{
    MFI_TRY(mfi_check_constant("weight_init", unit->weight_init, MF_INIT_NORMAL));
    return mfi_check_gain("weight_gain", unit->weight_gain);
}

mf_status mfi_unit_refuses(const char *reads, const mf_shape *input)
{
    if (input->rank == 1)
        return mfi_fail(MF_STATUS_SHAPE, "%s, its input is a row of %zu values", reads, input->dims[0]);
    if (input->rank == 2)
        return mfi_fail(MF_STATUS_SHAPE, "%s, its input is a sequence of %zux%zu values", reads,
                        input->dims[0], input->dims[1]);
    return mfi_fail(MF_STATUS_SHAPE, "%s, its input is %zu maps of %zux%zu", reads, input->dims[0],
                    input->dims[1], input->dims[2]);
}
