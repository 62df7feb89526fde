/* layers: what is done to single layers: new ones, copies, the identity, frozen ones.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_LAYERS_H
#define HOTPLUG_LAYERS_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All functions print one line and return false on failure; the caller frees the layers. */

bool layer_new(mf_layer **layer, size_t inputs, size_t outputs, size_t classes, uint64_t seed);

/* The same parameters in a layer of its own, all free to learn. */
bool layer_copy(mf_layer **copy, const mf_layer *layer);

/* W becomes the identity and b 0: behind ReLU, the layer passes on what it reads. Its M is that of `before`.
 */
bool layer_become_identity(mf_layer *layer, const mf_layer *before);

/* Mixes the values of W among themselves, and those of b: their sizes stay, what they have learned goes. */
bool layer_shuffle(mf_layer *layer, uint64_t seed);

/* Freezes all parameters (0) or lets all learn (1). */
bool layer_set_free(mf_layer *layer, int32_t trainable);

#endif
