/* Numbers as text: every float comes back, what is no number does not, and the locale has no say.
 * SPDX-License-Identifier: MIT */
#include <fenv.h>
#include <locale.h>
#include <math.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "check.h"
#include "io/numbers.h"
#include "random.h"

static void check_float(float value)
{
    char text[MFI_NUMBER_ROOM];
    float again = 0.0f;

    mfi_print_float(value, text);
    assert_true(mfi_parse_float(text, &again));
    if (memcmp(&again, &value, sizeof value) != 0)
        fail_msg("%.9g became \"%s\" and then %.9g", (double)value, text, (double)again);
    assert_true(strchr(text, ',') == NULL && strtof(text, NULL) == value);
}

static void test_floats_are_read_back_exactly(void **state)
{
    const float ends[] = {0.0f, -0.0f, 1.0f, 3.4028235e38f, 1.17549435e-38f, 1e-45f, 8388608.0f, 16777215.0f};
    test_random random = {3};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        check_float(ends[i]);
    for (int i = 0; i < 300000; i++) {
        uint32_t bits = (uint32_t)(random_next(&random) >> 32);
        float value;

        memcpy(&value, &bits, sizeof value);
        if (isfinite(value))
            check_float(value);
    }
}

static void test_only_numbers_are_read_as_floats(void **state)
{
    const char *const good[] = {"0", "0.5", "1e5", "1e-5", "-2.25e+3", "00.1", "1234567890123456789"};
    const char *const bad[] = {
        "",    ".",   ".5",     "5.", "1e",  "e5",   "1.2.3", "1,5", " 1",   "1 ", "nan",
        "inf", "0x1", "1e1000", "+1", "--1", "1e99", "1e+",   "-",   "1e5x", "1f", "12345678901234567890"};
    float value;
    char *end;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(mfi_parse_float(good[i], &value));
        assert_true(value == strtof(good[i], &end));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (mfi_parse_float(bad[i], &value))
            fail_msg("\"%s\" is taken for %g", bad[i], (double)value);
}

static void test_only_digits_are_read_as_integers(void **state)
{
    const char *const bad[] = {
        "", "-1", "+1", "01", "1.0", "1e3", " 1", "1 ", "18446744073709551616", "99999999999999999999"};
    uint64_t value = 0;

    (void)state;
    assert_true(mfi_parse_u64("0", &value) && value == 0);
    assert_true(mfi_parse_u64("18446744073709551615", &value) && value == UINT64_MAX);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (mfi_parse_u64(bad[i], &value))
            fail_msg("\"%s\" is taken for a number", bad[i]);
}

static void test_numbers_do_not_depend_on_the_locale(void **state)
{
    const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "de_DE", "fr_FR"};
    int found = 0;
    char text[MFI_NUMBER_ROOM];
    float value = 0.0f;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(locales); i++) {
        if (setlocale(LC_ALL, locales[i]) == NULL || strcmp(localeconv()->decimal_point, ".") == 0)
            continue;
        found++;
        mfi_print_float(1.5f, text);
        assert_string_equal(text, "1.5");
        assert_true(mfi_parse_float("1.5", &value) && value == 1.5f);
        mfi_print_float(1e-7f, text);
        assert_string_equal(text, "1e-07");
    }
    setlocale(LC_ALL, "C");
    if (found == 0)
        skip_because("no locale with another decimal point is installed");
}

/* Texts of many values, and what they read back as, one behind the other. */
enum { VALUES = 2000 };

typedef struct written {
    char text[VALUES][MFI_NUMBER_ROOM];
    float value[VALUES];
} written;

static written write_values(const float *values)
{
    static written w;

    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < VALUES; i++) {
        mfi_print_float(values[i], w.text[i]);
        assert_true(mfi_parse_float(w.text[i], &w.value[i]));
    }
    return w;
}

static void check_written(const written *expected, const float *values, const char *mode)
{
    static written found;

    found = write_values(values);
    for (size_t i = 0; i < VALUES; i++)
        if (strcmp(found.text[i], expected->text[i]) != 0 ||
            memcmp(&found.value[i], &expected->value[i], sizeof found.value[i]) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", mode, found.text[i], expected->text[i]);
}

/* Whatever the host has set: the direction of rounding, subnormal numbers as 0. It finds it as it was. */
static void test_numbers_do_not_depend_on_the_floating_point_mode(void **state)
{
    static const struct {
        int mode;
        const char *name;
    } modes[] = {
#ifdef FE_UPWARD
        {FE_UPWARD, "upward"},
#endif
#ifdef FE_DOWNWARD
        {FE_DOWNWARD, "downward"},
#endif
#ifdef FE_TOWARDZERO
        {FE_TOWARDZERO, "toward zero"},
#endif
        {FE_TONEAREST, "to nearest"},
    };
    static float values[VALUES];
    static written expected;
    test_random random = {5};

    (void)state;
    for (size_t i = 0; i < VALUES; i++)
        do {
            uint32_t bits = (uint32_t)(random_next(&random) >> 32) & (i % 8 == 0 ? 0x807fffff : 0xffffffff);

            memcpy(&values[i], &bits, sizeof bits);
        } while (!isfinite(values[i]));
    expected = write_values(values);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        if (fesetround(modes[i].mode) != 0)
            continue;
        check_written(&expected, values, modes[i].name);
        assert_int_equal(fegetround(), modes[i].mode);
        fesetround(FE_TONEAREST);
    }
#if defined(__SSE2__)
    unsigned before = _mm_getcsr();

    _mm_setcsr(before | 0x8040);
    if ((_mm_getcsr() & 0x8040) == 0x8040) { /* valgrind has no such mode */
        check_written(&expected, values, "subnormal numbers as 0");
        assert_int_equal(_mm_getcsr() & 0x8040, 0x8040);
    }
    _mm_setcsr(before);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_are_read_back_exactly),
        cmocka_unit_test(test_only_numbers_are_read_as_floats),
        cmocka_unit_test(test_only_digits_are_read_as_integers),
        cmocka_unit_test(test_numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(test_numbers_do_not_depend_on_the_floating_point_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
