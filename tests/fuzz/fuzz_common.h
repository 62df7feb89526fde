/* What the targets for files share. SPDX-License-Identifier: MIT */
#ifndef FUZZ_COMMON_H
#define FUZZ_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include "monoforward.h"

/** Ends the program with a core, which is what all drivers look for. */
#define fuzz_require(what) ((what) ? (void)0 : fuzz_complain(#what, __FILE__, __LINE__))
void fuzz_complain(const char *what, const char *file, int line);

/** How much a file may ask for. */
typedef struct fuzz_budget {
    size_t most, used;
} fuzz_budget;

/** Ends the program where more is asked for. */
mf_allocator fuzz_allocator(fuzz_budget *budget);

/** A few rows through a network that is small enough; 1 if it predicts or, if it is to be trained, learns
 * them. */
int fuzz_use(mf_network *network, int training);

/** Writes floats that are the same on every machine, as a file has them: finite, positive, of 16 bits or
 * less. */
void fuzz_exact_values(uint8_t *to, size_t count);

#endif
