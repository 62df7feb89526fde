/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <stdio.h>
#include <stdlib.h>

const char *places_at(size_t index)
{
    const char *named = getenv("MONOFORWARD_DATA");
    const char *const places[] = {named != NULL ? named : "", "data", "../shared/data",
                                  "/usr/share/datasets"};
    return index < sizeof places / sizeof *places ? places[index] : NULL;
}

const char *places_find(const char *const *names, bool (*holds)(const char *folder, const void *what),
                        const void *what)
{
    static char folder[LONGEST_FOLDER];
    for (size_t i = 0; places_at(i) != NULL; i++)
        for (size_t j = 0; places_at(i)[0] != '\0' && names[j] != NULL; j++) {
            int length = snprintf(folder, sizeof folder, "%s%s%s", places_at(i),
                                  names[j][0] != '\0' ? "/" : "", names[j]);
            if (length > 0 && length < LONGEST_FOLDER && holds(folder, what))
                return folder;
        }
    return NULL;
}
