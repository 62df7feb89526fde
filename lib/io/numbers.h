/* Owns: numbers as text that means the same in every locale and floating-point mode. The C library's
 * functions follow the locale of the process, which may write 0.1 with a comma, and the rounding of the
 * thread. */
#ifndef MFI_IO_NUMBERS_H
#define MFI_IO_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

enum { MFI_NUMBER_ROOM = 32 };

/* The shortest of the usual forms that reads back as the same float; `value` is finite. */
void mfi_print_float(float value, char text[MFI_NUMBER_ROOM]);

/* All of `text` as a finite float: digits with at most one point, then perhaps an exponent. False if it is
 * anything else. Exact for what mfi_print_float() writes; other decimals within a unit in the last place. */
bool mfi_parse_float(const char *text, float *value);

/* All of `text` as digits without leading zeros. */
bool mfi_parse_u64(const char *text, uint64_t *value);

#endif
