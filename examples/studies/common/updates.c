/* SPDX-License-Identifier: MIT */
#include "updates.h"

#include "complain.h"

#include <stddef.h>

const char *const update_names[] = {[UPDATE_SGD] = "sgd",
                                    [UPDATE_MOMENTUM] = "momentum",
                                    [UPDATE_NESTEROV] = "nesterov",
                                    [UPDATE_ADAM] = "adam",
                                    [UPDATE_ADAMW] = "adamw",
                                    [UPDATE_RMSPROP] = "rmsprop",
                                    NULL};

bool update_spec(enum update_rule rule, double learning_rate, double weight_decay, double clip,
                 mf_optimizer_spec *spec)
{
    static const int32_t kinds[] = {
        [UPDATE_SGD] = MF_OPTIMIZER_SGD,      [UPDATE_MOMENTUM] = MF_OPTIMIZER_SGD,
        [UPDATE_NESTEROV] = MF_OPTIMIZER_SGD, [UPDATE_ADAM] = MF_OPTIMIZER_ADAM,
        [UPDATE_ADAMW] = MF_OPTIMIZER_ADAMW,  [UPDATE_RMSPROP] = MF_OPTIMIZER_RMSPROP};
    static const float momenta[] = {
        [UPDATE_MOMENTUM] = 0.9f, [UPDATE_NESTEROV] = 0.85f, [UPDATE_RMSPROP] = 0};
    if (!library_ok(mf_optimizer_spec_init(spec, sizeof *spec)))
        return false;
    spec->kind = kinds[rule];
    spec->learning_rate = (float)learning_rate;
    spec->momentum = momenta[rule];
    spec->nesterov = rule == UPDATE_NESTEROV;
    spec->weight_decay = (float)weight_decay;
    spec->clip_norm = (float)clip;
    return true;
}

bool update_create(enum update_rule rule, double learning_rate, double weight_decay, double clip,
                   const mf_allocator *allocator, mf_optimizer **optimizer)
{
    mf_optimizer_spec spec;
    if (!update_spec(rule, learning_rate, weight_decay, clip, &spec))
        return false;
    spec.allocator = allocator;
    return library_ok(mf_optimizer_create(&spec, optimizer));
}
