/* Snapshots as bytes. SPDX-License-Identifier: MIT */
#ifndef FUZZ_SNAPSHOT_H
#define FUZZ_SNAPSHOT_H

#include "fuzz_model.h"

int fuzz_is_snapshot(const uint8_t *data, size_t size);

/** Gives the bytes to networks of the target's own, with and without an optimizer: they must have them or be
 * as they were. */
void fuzz_try_snapshot(const uint8_t *data, size_t size);

/** 1 if the one with an optimizer takes them. */
int fuzz_snapshot_loads(const uint8_t *data, size_t size);

/** Writes one that it takes, with the state of an optimizer or without; the same bytes on every machine.
 * Returns its size. */
size_t fuzz_snapshot(uint8_t *buffer, size_t room, int optimizer);

/** Lets `mutate` change what is behind the head, and sets size and checksum to what it has become. */
size_t fuzz_mutate_snapshot(uint8_t *data, size_t size, size_t room, fuzz_mutator *mutate, void *user);

#endif
