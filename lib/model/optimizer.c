/* Owns: an optimizer's hyper-parameters, the rule for one update that they define, and schedules. */
#include "model/optimizer.h"

#include <float.h>
#include <math.h>

#include "base/status.h"
#include "model/checks.h"

/* Largest float below 1: the end of the ranges that exclude 1. */
#define BELOW_ONE (1.0 - (double)FLT_EPSILON / 2.0)

typedef struct optimizer_field {
    const char *name;
    double lowest, highest;
} optimizer_field;

static const optimizer_field fields[] = {
    [MF_OPTIMIZER_LEARNING_RATE] = {"learning_rate", 0.0, FLT_MAX},
    [MF_OPTIMIZER_MOMENTUM] = {"momentum", 0.0, BELOW_ONE},
    [MF_OPTIMIZER_NESTEROV] = {"nesterov", 0.0, 1.0},
    [MF_OPTIMIZER_BETA1] = {"beta1", 0.0, BELOW_ONE},
    [MF_OPTIMIZER_BETA2] = {"beta2", 0.0, BELOW_ONE},
    [MF_OPTIMIZER_EPSILON] = {"epsilon", FLT_MIN, 1e6},
    [MF_OPTIMIZER_WEIGHT_DECAY] = {"weight_decay", 0.0, FLT_MAX},
    [MF_OPTIMIZER_CLIP_NORM] = {"clip_norm", 0.0, FLT_MAX},
    [MF_OPTIMIZER_CHECKED] = {"checked", 0.0, 1.0},
};
enum { FIELDS = sizeof fields / sizeof *fields };

mf_optimizer_spec mfi_optimizer_defaults(void)
{
    return (mf_optimizer_spec){
        .struct_size = sizeof(mf_optimizer_spec),
        .kind = MF_OPTIMIZER_ADAM,
        .learning_rate = 1e-3f,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f,
    };
}

static mf_status find_field(int32_t key, const optimizer_field **found)
{
    if (key < 0 || key >= FIELDS)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown optimizer key %d", (int)key);
    *found = &fields[key];
    return MF_STATUS_OK;
}

mf_status mfi_optimizer_range(int32_t key, double *lowest, double *highest)
{
    const optimizer_field *found = NULL;
    MFI_TRY(find_field(key, &found));
    *lowest = found->lowest;
    *highest = found->highest;
    return MF_STATUS_OK;
}

static float *float_of(mf_optimizer_spec *spec, int32_t key)
{
    switch (key) {
    case MF_OPTIMIZER_LEARNING_RATE:
        return &spec->learning_rate;
    case MF_OPTIMIZER_MOMENTUM:
        return &spec->momentum;
    case MF_OPTIMIZER_BETA1:
        return &spec->beta1;
    case MF_OPTIMIZER_BETA2:
        return &spec->beta2;
    case MF_OPTIMIZER_EPSILON:
        return &spec->epsilon;
    case MF_OPTIMIZER_WEIGHT_DECAY:
        return &spec->weight_decay;
    default:
        return &spec->clip_norm;
    }
}

mf_status mfi_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value)
{
    const optimizer_field *found = NULL;
    MFI_TRY(find_field(key, &found));
    mf_optimizer_spec spec = optimizer->spec;
    if (key == MF_OPTIMIZER_CHECKED)
        *value = optimizer->checked;
    else
        *value = key == MF_OPTIMIZER_NESTEROV ? (double)spec.nesterov : (double)*float_of(&spec, key);
    return MF_STATUS_OK;
}

/* Written so that a NaN fails. */
static mf_status check_field_value(int32_t key, double value)
{
    const optimizer_field *found = NULL;
    MFI_TRY(find_field(key, &found));
    if (!(value >= found->lowest && value <= found->highest))
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be from %.9g to %.9g, got %g", found->name,
                        found->lowest, found->highest, value);
    if ((key == MF_OPTIMIZER_NESTEROV || key == MF_OPTIMIZER_CHECKED) && value != 0.0 && value != 1.0)
        return mfi_fail(MF_STATUS_ARGUMENT, "%s must be 0 or 1, got %g", found->name, value);
    return mfi_check_narrows(found->name, value);
}

mf_status mfi_optimizer_check_momentum(int32_t kind, double momentum, bool nesterov)
{
    if (momentum > 0.0 && (kind == MF_OPTIMIZER_ADAM || kind == MF_OPTIMIZER_ADAMW))
        return mfi_fail(MF_STATUS_ARGUMENT, "momentum %g: Adam and AdamW have none but beta1", momentum);
    if (nesterov && kind != MF_OPTIMIZER_SGD)
        return mfi_fail(MF_STATUS_ARGUMENT, "nesterov 1: only SGD has that momentum");
    return MF_STATUS_OK;
}

mf_status mfi_optimizer_set(mf_optimizer *optimizer, int32_t key, double value)
{
    MFI_TRY(check_field_value(key, value));
    MFI_TRY(mfi_optimizer_check_momentum(optimizer->spec.kind, key == MF_OPTIMIZER_MOMENTUM ? value : 0.0,
                                         key == MF_OPTIMIZER_NESTEROV && value != 0.0));
    if (key == MF_OPTIMIZER_MOMENTUM && value > 0.0 && !optimizer->has_momentum)
        return mfi_fail(MF_STATUS_STATE, "momentum %g: the optimizer was created with momentum 0", value);
    if (key == MF_OPTIMIZER_NESTEROV)
        optimizer->spec.nesterov = (int32_t)value;
    else if (key == MF_OPTIMIZER_CHECKED)
        optimizer->checked = value != 0.0;
    else
        *float_of(&optimizer->spec, key) = (float)value;
    return MF_STATUS_OK;
}

mf_status mfi_optimizer_check_spec(const mf_optimizer_spec *spec)
{
    mf_optimizer candidate = {.spec = *spec};
    if (spec->kind < MF_OPTIMIZER_SGD || spec->kind > MF_OPTIMIZER_RMSPROP)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown optimizer kind %d", (int)spec->kind);
    for (int32_t key = 0; key < FIELDS; key++) {
        double value = 0.0;
        MFI_TRY(mfi_optimizer_get(&candidate, key, &value));
        MFI_TRY(check_field_value(key, value));
    }
    return MF_STATUS_OK;
}

mf_status mfi_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer)
{
    MFI_TRY(mfi_optimizer_check_spec(spec));
    mf_optimizer *created = mfi_handle_create(MFI_KIND_OPTIMIZER, spec->allocator, sizeof *created);
    if (!created)
        return MF_STATUS_MEMORY;
    created->spec = *spec;
    created->spec.allocator = NULL;
    created->has_momentum = spec->momentum > 0.0f;
    *optimizer = created;
    return MF_STATUS_OK;
}

void mfi_optimizer_restore(mf_optimizer *optimizer, bool has_momentum)
{
    optimizer->has_momentum = has_momentum;
}

void mfi_optimizer_release(mf_optimizer *optimizer)
{
    if (optimizer && mfi_handle_drop(&optimizer->handle))
        mfi_handle_destroy(&optimizer->handle);
}

size_t mfi_optimizer_slots(int32_t kind, bool has_momentum)
{
    switch (kind) {
    case MF_OPTIMIZER_SGD:
        return has_momentum ? 1 : 0;
    case MF_OPTIMIZER_RMSPROP:
        return has_momentum ? 2 : 1;
    default:
        return 2;
    }
}

static mfi_rule_kind rule_kind(const mf_optimizer_spec *spec, bool has_momentum)
{
    switch (spec->kind) {
    case MF_OPTIMIZER_SGD:
        if (!has_momentum)
            return MFI_RULE_SGD;
        return spec->nesterov ? MFI_RULE_NESTEROV : MFI_RULE_MOMENTUM;
    case MF_OPTIMIZER_RMSPROP:
        return has_momentum ? MFI_RULE_RMSPROP_MOMENTUM : MFI_RULE_RMSPROP;
    default:
        return MFI_RULE_ADAM;
    }
}

static mfi_correction correction_at(const mf_optimizer_spec *spec, uint64_t step)
{
    return (mfi_correction){step, 1.0 - pow((double)spec->beta1, (double)step),
                            1.0 / sqrt(1.0 - pow((double)spec->beta2, (double)step))};
}

mfi_rule mfi_optimizer_rule(const mf_optimizer_spec *spec, bool has_momentum, uint64_t step, int decays,
                            mfi_correction *kept)
{
    double rate = (double)spec->learning_rate, decay = decays ? (double)spec->weight_decay : 0.0;
    mfi_rule rule = {
        .kind = rule_kind(spec, has_momentum),
        .rate = (float)rate,
        .decay = (float)decay,
        .keep = 1.0f,
        .momentum = spec->momentum,
        .beta1 = spec->beta1,
        .beta2 = spec->beta2,
        .epsilon = spec->epsilon,
        .root = 1.0f,
    };
    if (rule.kind == MFI_RULE_ADAM) {
        if (kept->step != step)
            *kept = correction_at(spec, step);
        rule.rate = (float)(rate / kept->first);
        rule.root = (float)kept->root;
    }
    if (spec->kind == MF_OPTIMIZER_ADAMW) {
        rule.decay = 0.0f;
        rule.keep = (float)(1.0 - rate * decay);
    }
    return rule;
}

/* ---- schedules ---- */

double mfi_schedule_cosine(uint64_t step, uint64_t total, double floor)
{
    const double pi = 3.14159265358979323846;
    if (step >= total)
        return floor;
    return floor + (1.0 - floor) * 0.5 * (1.0 + cos(pi * (double)step / (double)total));
}

double mfi_schedule_step(uint64_t step, uint64_t interval, double factor)
{
    return interval == 0 ? 1.0 : pow(factor, (double)(step / interval));
}

double mfi_schedule_warmup(uint64_t step, uint64_t steps)
{
    return step >= steps ? 1.0 : (double)(step + 1) / (double)steps;
}
