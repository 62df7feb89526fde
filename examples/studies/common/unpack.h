/* unpack: the bytes of a file, packed by xz or not. Packed files need liblzma when this is built.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_UNPACK_H
#define STUDIES_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LONGEST_PATH = 4096 };

struct unpacked {
    char path[LONGEST_PATH]; /* the file that was read */
    size_t count;            /* its bytes, or as many as there was room for */
};

/* Reads <folder>/<name>, or else <folder>/<name>.xz, into the `room` bytes at `bytes`. What does not fit is
 * not read, so that a file costs no more than there is room for, whatever it claims to hold. On failure
 * prints one line and returns false. */
bool unpack_read(const char *folder, const char *name, uint8_t *bytes, size_t room, struct unpacked *file);

/* Is there such a file that can be opened, packed or not? */
bool unpack_finds(const char *folder, const char *name);

/* Can files packed by xz be read? */
bool unpack_knows_xz(void);

#endif
