/* A host that has unmasked floating-point exceptions, and the numbers that would end it with SIGFPE.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#include "build.h"

#if defined(__GLIBC__) && defined(__SSE2__)
#define HOST_CAN_UNMASK 1
#else
#define HOST_CAN_UNMASK 0
#endif

enum { HOST_INPUTS = 8, HOST_ROWS = 4, HOST_CLASSES = 3, HOSTILE_NUMBERS = 6 };

/** The bits of floats that arithmetic traps at, or that lead to some: the last one, the largest, is finite.
 */
extern const uint32_t hostile[HOSTILE_NUMBERS];
enum { LARGEST_BITS = 0x7F7FFFFF };

/** The same of doubles. They are read from memory: arithmetic on them would trap. */
double hostile_double(size_t number);

typedef struct host {
    mf_optimizer *optimizer;
    mf_network *network; /**< Two dense layers of HOST_INPUTS outputs. */
    mf_layer *layer;     /**< The first one, borrowed. */
    mf_workspace *workspace, *of_layer;
    mf_pipeline *pipeline;
} host;

/** For cmocka_unit_test_setup_teardown(): between them, exceptions trap. */
int set_up_host(void **state);
int tear_down_host(void **state);

/** x is 1, but for one value with these bits. */
void fill_hostile(float *x, size_t count, uint32_t bits);

/** Fails the test unless exceptions trap as the host wants it. */
#define check_mode() check_mode_at(__FILE__, __LINE__)
void check_mode_at(const char *file, int line);

/** Also numbers that are rounded or subnormal trap, until the other call. */
void unmask_all(void);
void unmask_again(void);

/** Values that are not finite give NUMERIC; the largest float may be taken, or overflow later. */
void check_not_finite(uint32_t bits, mf_status status);

/** For main(): 77, and why, where exceptions cannot be unmasked. */
int skip_without_host(void);

#endif
