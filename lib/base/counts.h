/* Owns: counts that a file or a snapshot may set, and that go on from there.
 *
 * What was counted is saved, and read again, however far it was. So counts end at the largest number that the
 * reader takes: they stay there, as no run that counts from 0 will ever know. */
#ifndef MFI_BASE_COUNTS_H
#define MFI_BASE_COUNTS_H

#include <stdint.h>

#define MFI_LARGEST_COUNT (UINT64_MAX / 2 - 1)

static inline uint64_t mfi_count_on(uint64_t count)
{
    return count < MFI_LARGEST_COUNT ? count + 1 : count;
}

#endif
