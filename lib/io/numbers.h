/* Owns: conversion between numbers and text, independent of the locale and the floating-point mode. The C
 * library's functions depend on the locale of the process, which may write 0.1 with a comma, and on the
 * rounding mode of the thread. */
#ifndef MFI_IO_NUMBERS_H
#define MFI_IO_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

enum { MFI_NUMBER_ROOM = 32 };

/* The text with the fewest digits, from 6 to 9, that is read back as the same float; `value` is finite. */
void mfi_print_float(float value, char text[MFI_NUMBER_ROOM]);

/* Reads the whole text as a finite float: digits with at most one point, then an optional exponent. False if
 * it is anything else. Exact for what mfi_print_float() writes; for other decimals, within one unit in the
 * last place. */
bool mfi_parse_float(const char *text, float *value);

/* Reads the whole text as a number; false unless it consists of digits without leading zeros. */
bool mfi_parse_u64(const char *text, uint64_t *value);

#endif
