/* threads: how many threads the BLAS library uses.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_THREADS_H
#define STUDIES_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* Sets them; 0 leaves them as they are. A BLAS library without threads of its own has one, which is all
 * right. On failure prints one line and returns false. */
bool threads_set(size_t threads);

#endif
