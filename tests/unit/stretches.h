/* Counts stretches of code without a branch: those of files that are compiled with -fsanitize-coverage=trace-pc, which
 * puts a hook in front of each. SPDX-License-Identifier: MIT */
#ifndef TEST_STRETCHES_H
#define TEST_STRETCHES_H

#include <stddef.h>

static size_t stretches;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
    stretches++;
}

#endif
