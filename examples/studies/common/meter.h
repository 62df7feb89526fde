/* meter: an allocator for the library's handles that counts the bytes they hold.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_METER_H
#define STUDIES_METER_H

#include "monoforward.h"

struct meter {
    size_t bytes;
    size_t peak; /* the most there have been */
};

/* `meter` must outlive every handle made with the allocator. */
mf_allocator meter_allocator(struct meter *meter);

#endif
