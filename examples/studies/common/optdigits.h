/* optdigits: reads the digits of the UCI "optical recognition of handwritten digits", gzipped or not, and
 * trusts nothing in them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_OPTDIGITS_H
#define STUDIES_OPTDIGITS_H

#include "images.h"

#include <stdbool.h>

/* A pixel counts the black ones of a 4 x 4 block: 0 to 16. */
enum { OPTDIGITS_SIDE = 8, OPTDIGITS_INK = 16 };

/* Reads <folder>/<name>, or <folder>/<name>.gz: a line for every image, its 64 pixels and its digit with
 * commas between them. On failure prints one line, leaves `set` empty and returns false. */
bool optdigits_load(const char *folder, const char *name, struct image_set *set);

#endif
