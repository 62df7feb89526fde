/* updates: the library's optimizers by the names that command lines give them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_UPDATES_H
#define STUDIES_UPDATES_H

#include "monoforward.h"

#include <stdbool.h>

enum update_rule { UPDATE_SGD, UPDATE_MOMENTUM, UPDATE_NESTEROV, UPDATE_ADAM, UPDATE_ADAMW, UPDATE_RMSPROP };

/* In the order of their constants; ends with NULL. */
extern const char *const update_names[];

/* What an optimizer is made from; momentum is SGD with 0.9, nesterov SGD with Nesterov's momentum of 0.85,
 * `clip` the largest norm of a layer's gradient, 0 for any. On failure prints one line and returns false; so does the other, which makes it. */
bool update_spec(enum update_rule rule, double learning_rate, double weight_decay, double clip,
                 mf_optimizer_spec *spec);
bool update_create(enum update_rule rule, double learning_rate, double weight_decay, double clip,
                   const mf_allocator *allocator, mf_optimizer **optimizer);

#endif
