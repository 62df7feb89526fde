/* Owns: how the scratch areas of a call lie in a block. */
#include "model/scratch.h"

#include "base/memory.h"

void mfi_scratch_widen(mfi_scratch_sizes *sizes, const mfi_scratch_sizes *needs)
{
#define WIDEN(name) sizes->name = sizes->name > needs->name ? sizes->name : needs->name;
    MFI_SCRATCH_AREAS(WIDEN)
#undef WIDEN
}

bool mfi_scratch_reserve(const mfi_scratch_sizes *sizes, size_t *bytes, mfi_scratch_sizes *offsets)
{
    bool fits = true;
#define RESERVE(name) fits = fits && mfi_reserve(bytes, sizes->name, sizeof(float), &offsets->name);
    MFI_SCRATCH_AREAS(RESERVE)
#undef RESERVE
    return fits;
}

mfi_scratch mfi_scratch_carve(void *block, const mfi_scratch_sizes *sizes, const mfi_scratch_sizes *offsets)
{
    mfi_scratch scratch;
#define CARVE(name) scratch.name = sizes->name ? (float *)((char *)block + offsets->name) : NULL;
    MFI_SCRATCH_AREAS(CARVE)
#undef CARVE
    return scratch;
}
