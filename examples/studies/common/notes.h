/* notes: what a model file says in its metadata about its classes and its inputs, for people and for
 * `predict`.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_NOTES_H
#define STUDIES_NOTES_H

#include "monoforward.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MOST_SCALED_CHANNELS = 16 };

/* An input is (pixel + shift) scale, for each channel; in float, so that it has the same bits everywhere. */
struct scaling {
    size_t channels; /* 0: pixels are inputs as they are */
    float shift[MOST_SCALED_CHANNELS], scale[MOST_SCALED_CHANNELS];
};

/* Writes them into the metadata. On failure prints one line and returns false; so do the others. */
bool notes_set_classes(mf_network *network, const char *const *names, size_t count);

/* Saves a network that reads scaled pixels as one that scales them by itself. */
bool notes_save(const mf_network *network, const struct scaling *scaling, int32_t contents, const char *path);
bool notes_export(const mf_network *network, const struct scaling *scaling, const char *path);

/* Before version 0.2 of the library metadata said how pixels are scaled: gives a network that was loaded from
 * such a file its scaling. */
bool notes_take_scaling(mf_network *network);

/* The name of a class, to print `length` bytes of; the class' number where no name is known, which is then in
 * `room`. */
const char *notes_class(const mf_network *network, int32_t label, char room[16], int *length);

/* Prints a text from a file so that no terminal takes it for a command, and at most `most` bytes of it. */
void notes_print(FILE *stream, const char *text, size_t length, size_t most);

#endif
