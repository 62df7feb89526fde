/* Owns: an optimizer's hyper-parameters, and what they mean for one update. */
#ifndef MFI_MODEL_OPTIMIZER_H
#define MFI_MODEL_OPTIMIZER_H

#include "base/handle.h"
#include "math/kernels.h"

struct mf_optimizer {
    mfi_handle handle;
    mf_optimizer_spec spec; /* what is in force now; its allocator is not read again */
    bool has_momentum;      /* whether layers keep memory for it: decided at creation */
};

mf_optimizer_spec mfi_optimizer_defaults(void);
mf_status mfi_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer);
void mfi_optimizer_release(mf_optimizer *optimizer);

/* What an optimizer that is being loaded had: memory for momentum in its layers, also where momentum is 0
 * now. */
void mfi_optimizer_restore(mf_optimizer *optimizer, bool has_momentum);

mf_status mfi_optimizer_set(mf_optimizer *optimizer, int32_t key, double value);
mf_status mfi_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value);
mf_status mfi_optimizer_range(int32_t key, double *lowest, double *highest);

mf_status mfi_optimizer_check_spec(const mf_optimizer_spec *spec);

/* Slots of state, each of the parameter's shape, that an optimizer of that kind keeps for a parameter, with
 * memory for momentum or not. */
size_t mfi_optimizer_slots(int32_t kind, bool has_momentum);

/* The update number `step` (1 for the first) of a parameter that `decays` or not. */
mfi_rule mfi_optimizer_rule(const mf_optimizer_spec *spec, bool has_momentum, uint64_t step, int decays);

#endif
