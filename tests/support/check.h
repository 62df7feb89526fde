/* What every test includes: CMocka, the public header, and checks that explain themselves.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monoforward.h"

/** Whether a sanitizer is in the program that keeps an account of memory or of threads. clang says so by
 * __has_feature() alone. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED \
    (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/** The size of a struct up to this field: without what the compiler adds behind the last one. */
#define UP_TO(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/** The call must return `expected`; otherwise both statuses and the library's message are shown. */
#define check_status(expected, call) check_status_at((expected), (call), #call, __FILE__, __LINE__)
#define check_ok(call) check_status(MF_STATUS_OK, call)

/** mf_last_message() must contain `part`. */
#define check_message(part) check_message_at((part), __FILE__, __LINE__)

/** |got - expected| must be at most `tolerance`; a NaN never is. */
#define check_near(expected, got, tolerance) \
    check_near_at((expected), (got), (tolerance), #got, __FILE__, __LINE__)

/** Ends the running test as skipped and says why in a line that tests/run.sh collects. */
#define skip_because(why)                                 \
    do {                                                  \
        print_message("skip: %s: %s\n", __func__, (why)); \
        skip();                                           \
    } while (0)

void check_status_at(mf_status expected, mf_status got, const char *call, const char *file, int line);
void check_message_at(const char *part, const char *file, int line);
void check_near_at(double expected, double got, double tolerance, const char *what, const char *file,
                   int line);

/** malloc and calloc that end the test when there is no memory. */
void *get_memory(size_t bytes);

/** A file's bytes, to be freed, and how many there are; NULL if there is no such file. */
void *read_file(const char *path, size_t *count);
void *get_zeroed(size_t count, size_t bytes);

#endif
