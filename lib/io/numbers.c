/* Owns: conversion between numbers and text, independent of the locale. */
#include "io/numbers.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The host's thread may have another rounding direction, or treat subnormal numbers as 0. The C library's
 * functions then do so too, but files must not depend on it. Values are passed through a volatile, so that
 * the compiler does not move arithmetic out of the code that runs in the default mode. */
static void usual_mode(fenv_t *before)
{
    fegetenv(before);
    fesetenv(FE_DFL_ENV);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Replaces the decimal separator of the locale, which may have several bytes, by a point. */
static void to_point(char *text)
{
    char *to = text;
    bool inside = false;
    for (const char *from = text; *from; from++) {
        bool plain = is_digit(*from) || strchr("+-e", *from);
        if (plain)
            *to++ = *from;
        else if (!inside)
            *to++ = '.';
        inside = !plain;
    }
    *to = '\0';
}

void mfi_print_float(float value, char text[MFI_NUMBER_ROOM])
{
    fenv_t before;
    usual_mode(&before);
    volatile float here = value;
    for (int digits = 6; digits <= 9; digits++) {
        float again;
        snprintf(text, MFI_NUMBER_ROOM, "%.*g", digits, (double)here);
        to_point(text);
        volatile bool same = mfi_parse_float(text, &again) && again == here;
        if (same)
            break;
    }
    fesetenv(&before);
}

/* value 10^exponent, in steps that are exact or nearly exact. */
static double scaled(double value, int exponent)
{
    for (; exponent > 0; exponent -= exponent > 22 ? 22 : exponent)
        value *= pow(10.0, exponent > 22 ? 22 : exponent);
    for (; exponent < 0; exponent += exponent < -22 ? 22 : -exponent)
        value /= pow(10.0, exponent < -22 ? 22 : -exponent);
    return value;
}

/* Reads digits with at most one point; *exponent becomes minus the number of digits after it. Returns the
 * end, or NULL if there are no digits or too many. */
static const char *parse_digits(const char *text, uint64_t *digits, int *exponent)
{
    int count = 0;
    bool point = false;
    *digits = 0;
    for (; is_digit(*text) || (*text == '.' && !point && count > 0); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        *digits = *digits * 10 + (uint64_t)(*text - '0');
        *exponent -= point;
        if (++count > 19)
            return NULL;
    }
    return count > 0 && text[-1] != '.' ? text : NULL;
}

static const char *parse_exponent(const char *text, int *exponent)
{
    int value = 0, sign = text[1] == '-' ? -1 : 1;
    const char *first = text + 1 + (text[1] == '-' || text[1] == '+');
    for (text = first; is_digit(*text) && text - first < 3; text++)
        value = value * 10 + (*text - '0');
    *exponent += sign * value;
    return text > first ? text : NULL;
}

bool mfi_parse_float(const char *text, float *value)
{
    int exponent = 0;
    uint64_t digits;
    bool negative = *text == '-';
    text = parse_digits(text + negative, &digits, &exponent);
    if (text && *text == 'e')
        text = parse_exponent(text, &exponent);
    if (!text || *text)
        return false;
    fenv_t before;
    usual_mode(&before);
    volatile uint64_t here = digits;
    volatile float rounded = digits ? (float)scaled((double)here, exponent) : 0.0f;
    fesetenv(&before);
    if (!isfinite(rounded))
        return false;
    *value = negative ? -rounded : rounded;
    return true;
}

bool mfi_parse_u64(const char *text, uint64_t *value)
{
    uint64_t found = 0;
    if (!is_digit(*text) || (*text == '0' && text[1]))
        return false;
    for (; is_digit(*text); text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (found > (UINT64_MAX - digit) / 10)
            return false;
        found = found * 10 + digit;
    }
    if (*text)
        return false;
    *value = found;
    return true;
}
