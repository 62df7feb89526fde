/* threads: how many threads work, those of the library's pool and those of the BLAS library.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_THREADS_H
#define STUDIES_THREADS_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>

/* Sets them; 0 leaves them as they are. A BLAS library without threads of its own has one, which is all
 * right. On failure prints one line and returns false. */
bool threads_set(size_t threads);

/* Threads that share the work where nobody says how many: one per processor, 0 if there is only one. */
size_t threads_usual(void);

/* Prints a line about the library: what computes its products and in which precision, and how many threads
 * share the work. */
void threads_report(size_t workers, const char *precision);

/* A pool of that many threads; NULL for 0. On failure prints one line and returns false. */
bool threads_open(size_t threads, mf_pool **pool);

#endif
