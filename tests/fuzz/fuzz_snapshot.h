/* Snapshots as bytes. SPDX-License-Identifier: MIT */
#ifndef FUZZ_SNAPSHOT_H
#define FUZZ_SNAPSHOT_H

#include "fuzz_model.h"

int fuzz_is_snapshot(const uint8_t *data, size_t size);

/** Gives the bytes to a network of the target's own, which must have them or be as it was. */
void fuzz_try_snapshot(const uint8_t *data, size_t size);

/** 1 if that network takes them. */
int fuzz_snapshot_loads(const uint8_t *data, size_t size);

/** Writes one that it takes, with the state of an optimizer or without; the same bytes on every machine.
 * Returns its size. */
size_t fuzz_snapshot(uint8_t *buffer, size_t room, int optimizer);

#endif
