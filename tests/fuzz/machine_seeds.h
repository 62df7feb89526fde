/* Which strings of bytes are worth being seeds of the machine. SPDX-License-Identifier: MIT */
#ifndef FUZZ_MACHINE_SEEDS_H
#define FUZZ_MACHINE_SEEDS_H

#include <stddef.h>
#include <stdint.h>

enum { MACHINE_LONGEST = 800 };

/** Writes the random string of that number, at most MACHINE_LONGEST bytes; returns how many. */
size_t machine_string(unsigned long number, uint8_t *bytes);

/** Runs the strings in these files; 0 if, between them, they make every kind of handle, train, predict, save,
 * load, go back to a snapshot and run a pipeline. */
int machine_replay(int count, char **files);

/** Writes a few strings to a folder, of so many random ones, that between them get almost every status of
 * every call that those have got; 0 if it can. */
int machine_find(unsigned long strings, const char *folder);

#endif
