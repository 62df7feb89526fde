/* Where texts are cut for messages: never inside a character. SPDX-License-Identifier: MIT */
#include "base/utf8.h"
#include "base/status.h"
#include "check.h"

#define E_ACUTE "\xc3\xa9"
#define EURO "\xe2\x82\xac"
#define SMILE "\xf0\x9f\x99\x82"

static void test_a_character_of_which_bytes_are_missing_is_left_out(void **state)
{
    static const struct {
        const char *text;
        size_t length, whole;
    } cases[] = {
        {"", 0, 0},          {"ab", 2, 2},      {E_ACUTE, 2, 2},   {E_ACUTE, 1, 0},    {"a" E_ACUTE, 3, 3},
        {"a" E_ACUTE, 2, 1}, {"a" EURO, 4, 4},  {"a" EURO, 3, 1},  {"a" EURO, 2, 1},   {"a" SMILE, 5, 5},
        {"a" SMILE, 4, 1},   {"a" SMILE, 3, 1}, {"a" SMILE, 2, 1}, {"\x80\x80", 2, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(mfi_utf8_whole(cases[i].text, cases[i].length), cases[i].whole);
}

static void test_what_is_shown_has_whole_characters(void **state)
{
    (void)state;
    assert_int_equal(mfi_utf8_shown("abc", 3), 3);
    assert_int_equal(mfi_utf8_shown("abc", 2), 2);
    assert_int_equal(mfi_utf8_shown("a" EURO "b", 4), 4);
    assert_int_equal(mfi_utf8_shown("a" EURO "b", 3), 1);
    assert_int_equal(mfi_utf8_shown("\xe9", 1), 1); /* a path that is none: it is not cut */
}

static void check_excerpt(const char *bytes, size_t count, size_t most, const char *expected)
{
    assert_string_equal(mfi_excerpt_of((const unsigned char *)bytes, count, most).text, expected);
}

static void test_excerpts_end_before_what_is_no_text(void **state)
{
    char longer[2 * MFI_EXCERPT];

    (void)state;
    memset(longer, 'a', sizeof longer);
    check_excerpt("abc", 3, 80, "abc");
    check_excerpt("abc", 3, 2, "ab");
    check_excerpt("a" EURO "b", 5, 3, "a");
    check_excerpt("a\0b", 3, 80, "a");
    check_excerpt("a\xff"
                  "b",
                  3, 80, "a");
    check_excerpt("a" EURO, 3, 80, "a");
    check_excerpt("", 0, 80, "");
    assert_int_equal(strlen(mfi_excerpt_of((const unsigned char *)longer, sizeof longer, MFI_EXCERPT).text),
                     MFI_EXCERPT);
}

static void check_path(const char *path, size_t most, const char *expected)
{
    assert_string_equal(mfi_path_shown(path, most).text, expected);
}

/* The file's name is at the end. */
static void test_of_a_long_path_the_end_is_shown(void **state)
{
    char path[300] = "", text[400];

    (void)state;
    check_path("a/b.mf", 6, "a/b.mf");
    check_path("a/bc.mf", 6, "....mf");
    check_path("a/bc.mf", 3, "...");
    check_path("", 20, "an empty path");
    check_path("a/" EURO EURO, 7, "..." EURO); /* 4 bytes are left, of which one is of the character before */
    for (int i = 0; i < 20; i++)
        strcat(path, "a folder/");
    strcat(path, "model.mf");
    mfi_fail_in(mfi_fail(MF_STATUS_FORMAT, "why"), path);
    assert_int_equal(strlen(mf_last_message()), MFI_EXCERPT + strlen(": why"));
    assert_memory_equal(mf_last_message(), "...", 3);
    assert_non_null(strstr(mf_last_message(), "/a folder/model.mf: why"));

    memset(text, 'a', sizeof text); /* where the message is so long that no room is left for the path */
    text[240] = 0;
    mfi_fail_in(mfi_fail(MF_STATUS_FORMAT, "%s", text), path);
    assert_string_equal(mf_last_message(), text);
    mfi_fail_in(mfi_fail(MF_STATUS_FORMAT, "%s", text), "net.mf"); /* but for this one */
    assert_memory_equal(mf_last_message(), "net.mf: aaaa", 12);
    text[200] = 0;
    mfi_fail_in(mfi_fail(MF_STATUS_FORMAT, "%s", text), path);
    assert_non_null(strstr(mf_last_message(), "model.mf: aaaa"));
    assert_int_equal(strlen(mf_last_message()), 255);
}

/* At each place in which a message may end. */
static void test_messages_are_cut_between_characters(void **state)
{
    char text[400];
    const char *message = mf_last_message();

    (void)state;
    for (size_t before = 0; before < 3; before++) {
        memset(text, 'a', before);
        text[before] = 0;
        for (int i = 0; i < 100; i++)
            strcat(text, EURO);
        mfi_fail(MF_STATUS_FORMAT, "%s", text);
        assert_int_equal(strlen(message) % 3, before);
        assert_in_range(strlen(message), 253, 255);
        mfi_fail_in(mfi_fail(MF_STATUS_FORMAT, "why"), text);
        assert_non_null(strstr(message, EURO ": why"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_character_of_which_bytes_are_missing_is_left_out),
        cmocka_unit_test(test_what_is_shown_has_whole_characters),
        cmocka_unit_test(test_excerpts_end_before_what_is_no_text),
        cmocka_unit_test(test_of_a_long_path_the_end_is_shown),
        cmocka_unit_test(test_messages_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
