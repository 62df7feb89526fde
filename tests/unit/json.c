/* The reader of JSON: what it makes of a text, which texts it refuses, and that all memory comes from the
 * caller's allocator. The expected strings are spelled byte by byte. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "check.h"
#include "io/json.h"
#include "memory.h"

static test_memory memory;

static mfi_json *parse(const char *text)
{
    const mf_allocator counted = memory_allocator(&memory);
    mfi_json *tree;

    check_ok(mfi_json_parse(text, strlen(text), "it", &counted, &tree));
    return tree;
}

static void check_string(const char *quoted, const char *expected)
{
    char text[200];

    snprintf(text, sizeof text, "{%s:[%s]}", quoted, quoted);
    mfi_json *tree = parse(text);
    const mfi_json *member = mfi_json_first(tree);
    assert_string_equal(expected, mfi_json_key(member));
    assert_string_equal(expected, mfi_json_text(mfi_json_first(member)));
    mfi_json_free(tree);
}

static void test_strings_are_decoded(void **state)
{
    (void)state;
    check_string("\"\"", "");
    check_string("\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d");
    check_string("\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t");
    check_string("\"\\u0041\\u007f\\u0080\"", "A\x7f\xc2\x80");
    check_string("\"\\u07FF\\u0800\\uffff\"", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
    check_string("\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
    check_string("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void test_values_have_their_kinds(void **state)
{
    mfi_json *tree = parse("{\"n\" : 9007199254740992,\t\"t\":true,\n\"f\":false,\"o\":{},\"a\":[ ],"
                           "\"l\":[0,[1,[\"x\"]],12]}   ");
    const mfi_json *list = mfi_json_member(tree, "l");
    uint64_t number = 0;
    bool flag = false;

    (void)state;
    assert_int_equal(6, mfi_json_count(tree));
    assert_true(mfi_json_size(mfi_json_member(tree, "n"), &number) && number == UINT64_C(1) << 53);
    assert_true(mfi_json_flag(mfi_json_member(tree, "t"), &flag) && flag);
    assert_true(mfi_json_flag(mfi_json_member(tree, "f"), &flag) && !flag);
    assert_true(mfi_json_is_object(mfi_json_member(tree, "o")) &&
                !mfi_json_first(mfi_json_member(tree, "o")));
    assert_true(mfi_json_is_array(mfi_json_member(tree, "a")) && !mfi_json_first(mfi_json_member(tree, "a")));
    assert_int_equal(3, mfi_json_count(list));
    assert_int_equal(2, mfi_json_count(mfi_json_next(mfi_json_first(list))));
    assert_null(mfi_json_member(tree, "x"));
    assert_null(mfi_json_text(mfi_json_member(tree, "n")));
    assert_false(mfi_json_size(mfi_json_member(tree, "t"), &number));
    assert_false(mfi_json_flag(mfi_json_member(tree, "n"), &flag));
    mfi_json_free(tree);
}

static void test_other_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        " {}",
        "{}x",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":null}",
        "{\"a\":-1}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":9007199254740993}",
        "{\"a\":99999999999999999999}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\x80\"}",
        "{\"a\":\"\xc0\x80\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":[[[[[[1]]]]]]}",
        "{\"a\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}"};
    const mf_allocator counted = memory_allocator(&memory);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        mfi_json *tree = (mfi_json *)1;
        if (mfi_json_parse(texts[i], strlen(texts[i]), "it", &counted, &tree) != MF_STATUS_FORMAT)
            fail_msg("%s is accepted", texts[i]);
        assert_null(tree);
    }
}

static void test_memory_is_the_allocators(void **state)
{
    const mf_allocator counted = memory_allocator(&memory);
    mfi_json *tree = parse("{\"a\":[1,\"b\"]}");

    (void)state;
    assert_int_equal(1, memory.blocks_out);
    mfi_json_free(tree);
    memory_fail_at(&memory, 1);
    check_status(MF_STATUS_MEMORY, mfi_json_parse("{}", 2, "it", &counted, &tree));
    assert_null(tree);
    mfi_json_free(tree);
    memory_fail_at(&memory, 0);
}

static int check_memory(void **state)
{
    (void)state;
    return memory.blocks_out != 0 || memory.faults != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_decoded),
        cmocka_unit_test(test_values_have_their_kinds),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_memory_is_the_allocators),
    };

    return cmocka_run_group_tests(tests, NULL, check_memory);
}
