/* Owns: an optimizer's hyper-parameters, and what they mean for one update. */
#ifndef MFI_MODEL_OPTIMIZER_H
#define MFI_MODEL_OPTIMIZER_H

#include "base/handle.h"
#include "math/kernels.h"

/* State a parameter keeps between steps: at most this many slabs of its own shape. */
enum { MFI_STATE_SLABS = 2 };

struct mf_optimizer {
    mfi_handle head;
    mf_optimizer_spec spec; /* what is in force now; its allocator is not read again */
    bool has_momentum;      /* whether layers keep memory for it: decided at creation */
};

mf_optimizer_spec mfi_optimizer_defaults(void);
mf_status mfi_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer);
void mfi_optimizer_release(mf_optimizer *optimizer);

mf_status mfi_optimizer_set(mf_optimizer *optimizer, int32_t key, double value);
mf_status mfi_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value);
mf_status mfi_optimizer_range(int32_t key, double *lowest, double *highest);

mf_status mfi_optimizer_check_spec(const mf_optimizer_spec *spec);

/* Slabs of state that a parameter needs under an optimizer of that kind, with memory for momentum or not. */
size_t mfi_optimizer_slabs(int32_t kind, bool has_momentum);

/* The update number `step` (1 for the first) of a parameter that `decays` or not. */
mfi_rule mfi_optimizer_rule(const mf_optimizer_spec *spec, bool has_momentum, uint64_t step, int decays);

#endif
