/* whiten: filters that see patches of 2 x 2 along their principal components, each at its own scale.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_WHITEN_H
#define CIFAR10_WHITEN_H

#include "data.h"

enum { WHITEN_SIDE = 2, WHITEN_PATCH = CHANNELS * WHITEN_SIDE * WHITEN_SIDE, WHITEN_MAPS = 2 * WHITEN_PATCH };

/* The weight of a convolution, [WHITEN_MAPS, CHANNELS, WHITEN_SIDE, WHITEN_SIDE]: of the patches of the images to
 * learn from, each component divided by its deviation, and below them the same with the other sign, since an
 * activation lets one sign pass. */
void whiten_find(const struct data *data, float weight[WHITEN_MAPS * WHITEN_PATCH]);

#endif
