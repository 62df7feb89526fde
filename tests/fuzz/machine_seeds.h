/* Which strings of bytes are worth being seeds of the machine. SPDX-License-Identifier: MIT */
#ifndef FUZZ_MACHINE_SEEDS_H
#define FUZZ_MACHINE_SEEDS_H

#include <stddef.h>
#include <stdint.h>

enum { MACHINE_LONGEST = 800 };

/** Writes the random string of that number, at most MACHINE_LONGEST bytes; returns how many. */
size_t machine_string(unsigned long number, uint8_t *bytes);

/** Runs the strings in these files, and notes from then on what calls give; 0 if it can. */
int machine_replay(int count, char **files);

/** 0 if what ran since then, between them, made every kind of handle, trained, predicted, saved, loaded, went
 * back to a snapshot and ran a pipeline. Compilers choose in which order arguments take their bytes, so seeds
 * found with one may not do all of it with another. */
int machine_lacks(void);

/** Writes a few strings to a folder, of so many random ones, that between them get almost every status of
 * every call that those have got; 0 if it can. */
int machine_find(unsigned long strings, const char *folder);

#endif
