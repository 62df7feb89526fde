/* Owns: a sequence or maps read as a row. The values lie in that order already, so no stage computes this
 * unit: whoever reads its node reads the node before it. */
#include "model/unit.h"

static mf_status flatten_resolve(mf_unit_spec *unit, const mf_shape *input, mf_shape *output)
{
    (void)unit;
    if (input->rank == 1)
        return mfi_unit_refuses("a flatten reads a sequence or maps", input);
    *output = mfi_shape_row(mfi_shape_values(input));
    return MF_STATUS_OK;
}

const mfi_unit_kind mfi_unit_flatten = {.resolve = flatten_resolve};
