/* What libFuzzer needs besides the target. SPDX-License-Identifier: MIT */
#include "fuzz_model.h"

/* Weak: engines that do not know LLVMFuzzerCustomMutator() need not have it. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

static size_t mutate(void *user, uint8_t *data, size_t size, size_t room)
{
    (void)user;
    if (LLVMFuzzerMutate == NULL)
        return size;
    return LLVMFuzzerMutate(data, size, room);
}

/* In three of four cases the header alone, or what lies behind the checksum of a snapshot. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    if (seed % 4 == 0)
        return mutate(NULL, data, size, room);
    return fuzz_mutate_header(data, size, room, mutate, NULL);
}
