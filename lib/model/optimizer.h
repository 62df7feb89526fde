/* Owns: an optimizer's hyper-parameters, the rule for one update that they define, and schedules. */
#ifndef MFI_MODEL_OPTIMIZER_H
#define MFI_MODEL_OPTIMIZER_H

#include "base/handle.h"
#include "math/kernels.h"

struct mf_optimizer {
    mfi_handle handle;
    mf_optimizer_spec spec; /* the current values; its allocator is not read again */
    bool has_momentum;      /* whether layers keep memory for it: decided at creation */
    bool checked;           /* whether a trial of an update comes before it */
};

mf_optimizer_spec mfi_optimizer_defaults(void);
mf_status mfi_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer);
void mfi_optimizer_release(mf_optimizer *optimizer);

/* For an optimizer that is being loaded: whether its layers keep memory for momentum, even if momentum is 0
 * now. */
void mfi_optimizer_restore(mf_optimizer *optimizer, bool has_momentum);

mf_status mfi_optimizer_set(mf_optimizer *optimizer, int32_t key, double value);
mf_status mfi_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value);
mf_status mfi_optimizer_range(int32_t key, double *lowest, double *highest);

mf_status mfi_optimizer_check_spec(const mf_optimizer_spec *spec);

/* ARGUMENT for momentum, or Nesterov's, that the kind does not have. Files may say so. */
mf_status mfi_optimizer_check_momentum(int32_t kind, double momentum, bool nesterov);

/* The number of state slots that an optimizer of that kind keeps for a parameter, with or without momentum.
 * Each slot has the parameter's shape. */
size_t mfi_optimizer_slots(int32_t kind, bool has_momentum);

/* Adam's bias corrections: 1 - beta1^step, and 1 / sqrt of the second. Powers are dear on a microcontroller,
 * and the parameters of a layer are at the same step, nearly always. */
typedef struct mfi_correction {
    uint64_t step; /* 0: none yet */
    double first, root;
} mfi_correction;

/* The rule of update number `step`, counted from 1, for a parameter with weight decay or without. `kept` is
 * from one call to the next with the same spec. */
mfi_rule mfi_optimizer_rule(const mf_optimizer_spec *spec, bool has_momentum, uint64_t step, int decays,
                            mfi_correction *kept);

/* Factors of a learning rate. They are not inline, so that no compiler moves their arithmetic out of where
 * exceptions are masked. */
double mfi_schedule_cosine(uint64_t step, uint64_t total, double floor);
double mfi_schedule_step(uint64_t step, uint64_t interval, double factor);
double mfi_schedule_warmup(uint64_t step, uint64_t steps);

#endif
