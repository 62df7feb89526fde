/* What fuzz_model.c offers to its drivers. SPDX-License-Identifier: MIT */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Changes `size` bytes in place, which may become up to `room`; returns how many there are now. */
typedef size_t fuzz_mutator(void *user, uint8_t *data, size_t size, size_t room);

/** Lets `mutate` change the header of a model file alone, and sets its length to what it has become. */
size_t fuzz_mutate_header(uint8_t *data, size_t size, size_t room, fuzz_mutator *mutate, void *user);

/** A snapshot that the target's own network accepts; its size. */
size_t fuzz_snapshot(uint8_t *buffer, size_t room);

#endif
