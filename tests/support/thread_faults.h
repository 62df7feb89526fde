/* Stands between the library and the calls that start threads and make locks, of which the k-th fails. The
 * linker puts it there: a test has thread_faults.c among its own sources, the static library, and --wrap of
 * the four functions, as tests/CMakeLists.txt has it. SPDX-License-Identifier: MIT */
#ifndef TEST_THREAD_FAULTS_H
#define TEST_THREAD_FAULTS_H

#include <stddef.h>

enum { THREAD_CREATE, THREAD_ATTRIBUTES, THREAD_MUTEX, THREAD_CONDITION, THREAD_KINDS };

/** From now on the `nth` call of that kind, counted from 1, fails, and with `lasting` all behind it; 0: none.
 */
void thread_fail_at(int kind, size_t nth, int lasting);

/** How many have failed since. */
size_t threads_failed(void);

#endif
