/* complain: the one line an example prints on stderr before it gives up, and whether what it printed arrived.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_COMPLAIN_H
#define STUDIES_COMPLAIN_H

#include "monoforward.h"

#include <stdbool.h>

/* Prints "error: ..." and returns false, so that a caller can write `return complain(...)`. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
bool complain(const char *format, ...);

/* True if a library call succeeded; otherwise prints what the library says about it. */
bool library_ok(mf_status status);

/* False, after such a line, if something that was printed on stdout could not be written, as on a full disk. */
bool output_arrived(void);

#endif
