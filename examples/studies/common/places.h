/* Owns: where data sets lie. SPDX-License-Identifier: MIT */
#ifndef STUDIES_PLACES_H
#define STUDIES_PLACES_H

#include <stdbool.h>
#include <stddef.h>

enum { LONGEST_FOLDER = 3072 };

/* Folders that may hold data sets, each in a folder of its own: $MONOFORWARD_DATA, ./data, ../shared/data and
 * /usr/share/datasets, of Debian's packages. "" if the variable is not set; NULL behind the last. */
const char *places_at(size_t index);

/* What such messages call them. */
#define PLACES_NAMED "$MONOFORWARD_DATA, data or /usr/share/datasets"

/* The first folder, out of `names` below one of these places, for which holds(folder, what) is true; "" is the
 * place itself, and NULL ends the names. It lies in a buffer that the next call overwrites; NULL: there is none. */
const char *places_find(const char *const *names, bool (*holds)(const char *folder, const void *what),
                        const void *what);

#endif
