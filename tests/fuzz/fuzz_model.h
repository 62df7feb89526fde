/* What fuzz_model.c and fuzz_onnx.c offer to their drivers. SPDX-License-Identifier: MIT */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Changes `size` bytes in place, which may become up to `room`; returns how many there are now. */
typedef size_t fuzz_mutator(void *user, uint8_t *data, size_t size, size_t room);

/** Lets `mutate` change what is worth it: the header of a model file, what is behind the head of a snapshot,
 * a node of an ONNX model. Sets lengths and checksums to what it has become. */
size_t fuzz_mutate_header(uint8_t *data, size_t size, size_t room, fuzz_mutator *mutate, void *user);

/** 1 if the target's reader takes the bytes, as every seed of a corpus must: others lead nowhere. */
int fuzz_seed_loads(const uint8_t *data, size_t size);

#endif
