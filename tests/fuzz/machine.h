/* A host that calls functions in an order that bytes decide. SPDX-License-Identifier: MIT */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/** Makes, uses and frees builders, layers, networks, workspaces and pipelines as the bytes say, with values
 * that are often wrong, handles of the wrong kind, and allocations that fail. Ends the program unless every
 * call gives one of the statuses that the header names for it, and all memory is given back at the end. */
void machine_run(const uint8_t *data, size_t size);

/** Calls so far, and how many of them succeeded. */
extern unsigned long machine_calls, machine_successes;

/** Told of each call, as it is written in machine.c, and of its status, unless NULL. */
extern void (*machine_tell)(const char *call, int32_t status);

#endif
