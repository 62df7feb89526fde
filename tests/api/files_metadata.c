/* The host's metadata: what is kept, what is refused, and how it goes through files and ONNX models.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "models.h"
#include "sweep.h"
#include "wire.h"

static mf_network *small_network(void)
{
    const size_t widths[] = {3, 4};

    return make_stack(widths, 1, 2, 1, NULL);
}

static void set(mf_network *network, const char *name, const char *value)
{
    check_ok(mf_network_metadata_set(network, name, value));
}

static size_t count_of(const mf_network *network)
{
    size_t count = 99;

    check_ok(mf_network_metadata_count(network, &count));
    return count;
}

static void check_value(const mf_network *network, const char *name, const char *expected)
{
    const char *value = NULL;

    check_ok(mf_network_metadata_get(network, name, &value));
    assert_string_equal(value, expected);
}

static void check_entry(const mf_network *network, size_t index, const char *name, const char *value)
{
    const char *found = NULL, *text = NULL;

    check_ok(mf_network_metadata_at(network, index, &found, &text));
    assert_string_equal(found, name);
    assert_string_equal(text, value);
}

/* `count` times `letter`; free() it. */
static char *repeated(char letter, size_t count)
{
    char *text = get_memory(count + 1);

    memset(text, letter, count);
    text[count] = '\0';
    return text;
}

/* ---- in memory ---- */

static void test_entries_are_set_replaced_and_removed(void **state)
{
    mf_network *network = small_network();
    char name[] = "b", value[] = "two";

    (void)state;
    assert_int_equal(count_of(network), 0);
    set(network, name, value);
    name[0] = value[0] = 'x'; /* both were copied */
    set(network, "c", "");
    set(network, "a", "one");
    set(network, "B", "before small letters");
    check_entry(network, 0, "B", "before small letters");
    check_entry(network, 1, "a", "one");
    check_entry(network, 2, "b", "two");
    check_entry(network, 3, "c", "");
    set(network, "b", "another, and longer than the one before");
    assert_int_equal(count_of(network), 4);
    check_value(network, "b", "another, and longer than the one before");
    check_ok(mf_network_metadata_remove(network, "a"));
    check_entry(network, 1, "b", "another, and longer than the one before");
    assert_int_equal(count_of(network), 3);
    check_status(MF_STATUS_NOT_FOUND, mf_network_metadata_remove(network, "a"));
    check_message("\"a\"");
    check_ok(mf_network_metadata_at(network, 2, NULL, NULL));
    mf_network_free(network);
}

/* Many entries, in and out in an order of their own. */
static void test_many_entries_stay_sorted(void **state)
{
    mf_network *network = small_network();
    char name[16], value[16];

    (void)state;
    for (unsigned i = 0; i < MF_METADATA_ENTRIES; i++) {
        snprintf(name, sizeof name, "%04u", i * 389 % MF_METADATA_ENTRIES);
        set(network, name, name + 1);
    }
    check_status(MF_STATUS_CAPACITY, mf_network_metadata_set(network, "one more", ""));
    check_message("1024");
    set(network, "0000", "replacing is no new entry");
    set(network, "0000", "000");
    for (unsigned i = 0; i < MF_METADATA_ENTRIES; i++) {
        snprintf(name, sizeof name, "%04u", i);
        check_entry(network, i, name, name + 1);
    }
    for (unsigned i = 1; i < MF_METADATA_ENTRIES; i += 2) {
        snprintf(name, sizeof name, "%04u", i);
        check_ok(mf_network_metadata_remove(network, name));
    }
    for (unsigned i = 0; i < MF_METADATA_ENTRIES / 2; i++) {
        snprintf(name, sizeof name, "%04u", 2 * i);
        snprintf(value, sizeof value, "%03u", 2 * i % 1000);
        check_entry(network, i, name, value);
    }
    mf_network_free(network);
}

static void test_null_and_places_are_refused(void **state)
{
    mf_network *network = small_network();
    const char *value = NULL;

    (void)state;
    set(network, "a", "one");
    check_status(MF_STATUS_HANDLE, mf_network_metadata_set(NULL, "a", "b"));
    check_status(MF_STATUS_ARGUMENT, mf_network_metadata_set(network, NULL, "b"));
    check_status(MF_STATUS_ARGUMENT, mf_network_metadata_set(network, "a", NULL));
    check_status(MF_STATUS_HANDLE, mf_network_metadata_get(NULL, "a", &value));
    check_status(MF_STATUS_ARGUMENT, mf_network_metadata_get(network, NULL, &value));
    check_status(MF_STATUS_ARGUMENT, mf_network_metadata_get(network, "a", NULL));
    check_status(MF_STATUS_NOT_FOUND, mf_network_metadata_get(network, "b", &value));
    check_status(MF_STATUS_HANDLE, mf_network_metadata_count(NULL, (size_t *)&value));
    check_status(MF_STATUS_ARGUMENT, mf_network_metadata_count(network, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_metadata_at(NULL, 0, NULL, NULL));
    check_status(MF_STATUS_NOT_FOUND, mf_network_metadata_at(network, 1, NULL, NULL));
    check_status(MF_STATUS_NOT_FOUND, mf_network_metadata_at(network, SIZE_MAX, NULL, NULL));
    check_status(MF_STATUS_HANDLE, mf_network_metadata_remove(NULL, "a"));
    check_status(MF_STATUS_ARGUMENT, mf_network_metadata_remove(network, NULL));
    assert_null(value);
    check_value(network, "a", "one");
    mf_network_free(network);
}

/* Byte sequences that Unicode's standard (table 3-7) does not have, and their neighbours that it has. */
static const char *const not_utf8[] = {"\x80",
                                       "\xBF",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xC2",
                                       "\xC2 ",
                                       "\xDF\xC0",
                                       "\xE0\x9F\xBF",
                                       "\xE0\xA0",
                                       "\xED\xA0\x80",
                                       "\xED\xBF\xBF",
                                       "\xEF\xBF\x7F",
                                       "\xF0\x8F\xBF\xBF",
                                       "\xF0\x90\x80",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xFE",
                                       "\xFF"};
static const char *const utf8[] = {"\xC2\xA0",     "\xDF\xBF",     "\xE0\xA0\x80",     "\xED\x9F\xBF",
                                   "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};

static void refuse(mf_network *network, mf_status status, const char *name, const char *value,
                   const char *part)
{
    check_status(status, mf_network_metadata_set(network, name, value));
    check_message(part);
    assert_int_equal(count_of(network), 1);
}

static void test_texts_that_are_not_utf8_are_refused(void **state)
{
    mf_network *network = small_network();
    char text[16];

    (void)state;
    set(network, "kept", "as it is");
    for (size_t i = 0; i < COUNT_OF(not_utf8); i++) {
        snprintf(text, sizeof text, "ab%s", not_utf8[i]);
        refuse(network, MF_STATUS_ARGUMENT, text, "", "UTF-8, at byte 2");
        refuse(network, MF_STATUS_ARGUMENT, "kept", text, "\"kept\" in the metadata is not valid UTF-8");
    }
    check_value(network, "kept", "as it is");
    for (size_t i = 0; i < COUNT_OF(utf8); i++) {
        set(network, utf8[i], utf8[i]);
        check_value(network, utf8[i], utf8[i]);
    }
    mf_network_free(network);
}

static void test_names_of_the_library_and_control_characters_are_refused(void **state)
{
    static const char *const own[] = {"format",   "format_version", "library_version",    "network",
                                      "training", "monoforward.",   "monoforward.scaling"};
    mf_network *network = small_network();

    (void)state;
    set(network, "kept", "as it is");
    for (size_t i = 0; i < COUNT_OF(own); i++)
        refuse(network, MF_STATUS_ARGUMENT, own[i], "", "the library");
    for (char c = 1; c < ' '; c++) {
        const char name[] = {'a', c, '\0'};

        refuse(network, MF_STATUS_ARGUMENT, name, "", "at byte 1");
    }
    refuse(network, MF_STATUS_ARGUMENT, "a\x7F", "", "0x7f");
    refuse(network, MF_STATUS_ARGUMENT, "a\xC2\x9B", "", "0x9b");
    refuse(network, MF_STATUS_ARGUMENT, "", "", "empty");
    set(network, "Format", "");
    set(network, "monoforward", "");
    set(network, "training.rate", "\x01\x7F\xC2\x9B\n");
    mf_network_free(network);
}

static void test_limits(void **state)
{
    mf_network *network = small_network();
    char *name = repeated('n', MF_METADATA_NAME_BYTES + 1);
    char *value = repeated('v', MF_METADATA_VALUE_BYTES + 1);
    const char *found = "";

    (void)state;
    set(network, "kept", "as it is");
    refuse(network, MF_STATUS_CAPACITY, name, "", "256 bytes, at most 255");
    check_status(MF_STATUS_CAPACITY, mf_network_metadata_get(network, name, &found));
    check_message("256 bytes, at most 255");
    check_status(MF_STATUS_CAPACITY, mf_network_metadata_remove(network, name));
    check_message("256 bytes, at most 255");
    refuse(network, MF_STATUS_CAPACITY, "kept", value, "1048577 bytes, at most 1048576");
    name[MF_METADATA_NAME_BYTES] = value[MF_METADATA_VALUE_BYTES] = '\0';
    set(network, name, value);
    check_value(network, name, value);
    /* 8 entries of 1 MiB are full to the brim with their names: the others have to go first. */
    check_ok(mf_network_metadata_remove(network, name));
    check_ok(mf_network_metadata_remove(network, "kept"));
    for (char c = 'a'; c < 'h'; c++)
        set(network, (char[]){c, '\0'}, value);
    value[MF_METADATA_VALUE_BYTES - 8] = '\0';
    set(network, "h", value);
    check_status(MF_STATUS_CAPACITY, mf_network_metadata_set(network, "i", ""));
    check_message("8388609 bytes in names and values, at most 8388608");
    value[MF_METADATA_VALUE_BYTES - 8] = 'v';
    check_status(MF_STATUS_CAPACITY, mf_network_metadata_set(network, "h", value));
    value[1] = '\0';
    set(network, "h", value); /* room comes back */
    set(network, "i", value);
    assert_int_equal(count_of(network), 9);
    free(name);
    free(value);
    mf_network_free(network);
}

/* ---- in files ---- */

/* Every character that JSON wants escaped, and many that it does not. */
static void set_hard_texts(mf_network *network)
{
    char controls[40] = {0};

    for (char c = 1; c < ' '; c++)
        controls[c - 1] = c;
    set(network, "controls", controls);
    set(network, "a \"quoted\" \\ name / {}[]:,", "\"\\\\\"/ {\"a\":[1]} \\u0041 \\n");
    set(network, "\xF0\x9F\x99\x82\xC3\xA4\xE2\x82\xAC", "\xED\x9F\xBF\xF4\x8F\xBF\xBF\x7F\xC2\x80");
    set(network, "empty", "");
    set(network, "class_names", "zero\none\ntwo");
}

static void check_same_entries(const mf_network *one, const mf_network *other)
{
    assert_int_equal(count_of(one), count_of(other));
    for (size_t i = 0; i < count_of(one); i++) {
        const char *name, *value;

        check_ok(mf_network_metadata_at(one, i, &name, &value));
        check_entry(other, i, name, value);
    }
}

static void test_texts_go_through_files(void **state)
{
    mf_network *network = small_network(), *loaded;
    size_t bytes, again_bytes;
    void *file, *again;

    (void)state;
    set_hard_texts(network);
    for (int32_t contents = MF_CONTENTS_MODEL; contents <= MF_CONTENTS_TRAINING; contents++) {
        file = model_save(network, contents, &bytes);
        loaded = model_load(contents, file, bytes);
        assert_int_equal(count_of(loaded), 5);
        check_same_entries(network, loaded);
        again = model_save(loaded, contents, &again_bytes);
        assert_int_equal(bytes, again_bytes);
        assert_memory_equal(file, again, bytes);
        free(file);
        free(again);
        mf_network_free(loaded);
    }
    mf_network_free(network);
}

/* As RFC 8259 writes such texts, behind the library's own keys and before the tensors. */
static void test_the_header_has_the_texts_as_json(void **state)
{
    mf_network *network = small_network();
    size_t bytes;
    void *file;
    char *header;

    (void)state;
    set(network, "z \"\\", "a\n\t\"\\/\x1F\xC3\xA4");
    set(network, "a", "first");
    file = model_save(network, MF_CONTENTS_MODEL, &bytes);
    header = model_header(file, bytes);
    assert_non_null(strstr(header, "}]}\",\"a\":\"first\",\"z \\\"\\\\\":"
                                   "\"a\\u000a\\u0009\\\"\\\\/\\u001f\xC3\xA4\"},\"layers.0.weight\":"));
    free(file);
    free(header);
    mf_network_free(network);
}

static void test_without_metadata_the_file_is_as_before(void **state)
{
    mf_network *network = small_network();
    size_t bytes, again_bytes, onnx_bytes, onnx_again;
    void *file = model_save(network, MF_CONTENTS_MODEL, &bytes), *again;

    (void)state;
    check_ok(mf_network_export_onnx_size(network, &onnx_bytes));
    set(network, "a", "b");
    check_ok(mf_network_export_onnx_size(network, &onnx_again));
    assert_int_equal(onnx_again - onnx_bytes, 2 + 3 + 3); /* the message, its key, its value */
    check_ok(mf_network_metadata_remove(network, "a"));
    again = model_save(network, MF_CONTENTS_MODEL, &again_bytes);
    assert_int_equal(bytes, again_bytes);
    assert_memory_equal(file, again, bytes);
    free(file);
    free(again);
    mf_network_free(network);
}

/* What is in memory in any order is in files in one. */
static void test_the_order_of_setting_does_not_matter(void **state)
{
    mf_network *one = small_network();
    size_t bytes, again_bytes;
    void *file, *again;

    (void)state;
    set(one, "b", "2");
    set(one, "a", "1");
    file = model_save(one, MF_CONTENTS_MODEL, &bytes);
    check_ok(mf_network_metadata_remove(one, "b"));
    set(one, "c", "3");
    set(one, "b", "2");
    check_ok(mf_network_metadata_remove(one, "c"));
    again = model_save(one, MF_CONTENTS_MODEL, &again_bytes);
    assert_int_equal(bytes, again_bytes);
    assert_memory_equal(file, again, bytes);
    free(file);
    free(again);
    mf_network_free(one);
}

/* ---- files that cannot be trusted ---- */

typedef struct hostile {
    size_t bytes;
    void *file;
    char *header;
} hostile;

static hostile open_hostile(void)
{
    mf_network *network = small_network();
    hostile h;

    set(network, "mine", "value");
    h.file = model_save(network, MF_CONTENTS_TRAINING, &h.bytes);
    h.header = model_header(h.file, h.bytes);
    mf_network_free(network);
    return h;
}

static void close_hostile(hostile *h)
{
    free(h->file);
    free(h->header);
}

static void check_changed(const hostile *h, mf_status status, const char *to, const char *part)
{
    char *changed = replaced(h->header, "\"mine\":\"value\"", to);

    check_model_header(status, h->file, h->bytes, changed, part);
    free(changed);
}

static void test_hostile_entries_are_refused(void **state)
{
    hostile h = open_hostile();
    char text[80];

    (void)state;
    check_changed(&h, MF_STATUS_OK, "\"mine\":\"value\"", NULL);
    check_changed(&h, MF_STATUS_OK, "\"mine\":\"\\ud83d\\ude42\\/\"", NULL);
    check_changed(&h, MF_STATUS_OK, "\"monoforward.later\":\"\"", NULL);
    check_changed(&h, MF_STATUS_FORMAT, "\"mine\":\"a\",\"mine\":\"b\"", "appears twice");
    check_changed(&h, MF_STATUS_FORMAT, "\"mine\":\"a\",\"\\u006dine\":\"b\"", "appears twice");
    check_changed(&h, MF_STATUS_FORMAT, "\"mine\":1", "no string");
    check_changed(&h, MF_STATUS_FORMAT, "\"mine\":{}", "no string");
    check_changed(&h, MF_STATUS_FORMAT, "\"\":\"value\"", "empty");
    check_changed(&h, MF_STATUS_FORMAT, "\"mi\\u001bne\":\"value\"", "control character 0x1b");
    check_changed(&h, MF_STATUS_FORMAT, "\"mi\\u0000ne\":\"value\"", "valid JSON");
    check_changed(&h, MF_STATUS_FORMAT, "\"mi\\ud83dne\":\"value\"", "valid JSON");
    check_changed(&h, MF_STATUS_FORMAT, "\"mine\":\"\\ude42\"", "valid JSON");
    for (size_t i = 0; i < COUNT_OF(not_utf8); i++) {
        snprintf(text, sizeof text, "\"mine\":\"%s\"", not_utf8[i]);
        check_changed(&h, MF_STATUS_FORMAT, text, "valid JSON");
        snprintf(text, sizeof text, "\"%s\":\"value\"", not_utf8[i]);
        check_changed(&h, MF_STATUS_FORMAT, text, "valid JSON");
    }
    close_hostile(&h);
}

static void test_more_than_the_limits_is_refused(void **state)
{
    hostile h = open_hostile();
    char *text = repeated('n', MF_METADATA_VALUE_BYTES + 100), *at;

    (void)state;
    strcpy(text, "\"");
    memset(text + 1, 'n', MF_METADATA_NAME_BYTES + 1);
    strcpy(text + MF_METADATA_NAME_BYTES + 2, "\":\"\"");
    check_changed(&h, MF_STATUS_FORMAT, text, "256 bytes, at most 255");
    memset(text, 'v', MF_METADATA_VALUE_BYTES + 50);
    memcpy(text, "\"mine\":\"", 8);
    strcpy(text + 8 + MF_METADATA_VALUE_BYTES + 1, "\"");
    check_changed(&h, MF_STATUS_FORMAT, text, "1048577 bytes");
    strcpy(text + 8 + MF_METADATA_VALUE_BYTES, "\"");
    check_changed(&h, MF_STATUS_OK, text, NULL);
    at = text;
    for (int i = 0; i <= MF_METADATA_ENTRIES; i++)
        at += sprintf(at, "%s\"%d\":\"\"", i > 0 ? "," : "", i);
    check_changed(&h, MF_STATUS_FORMAT, text, "1024 entries");
    free(text);
    close_hostile(&h);
}

/* What another program has added is kept, but for what later versions of the library may have written. */
static void test_foreign_keys_are_kept(void **state)
{
    hostile h = open_hostile();
    size_t now;
    char *changed = replaced(h.header, "\"mine\":\"value\"",
                             "\"zz\":\"2\",\"mine\":\"value\",\"monoforward.later\":\"\",\"aa\":\"1\""),
         *file;
    mf_network *network;

    (void)state;
    file = model_with_header(h.file, h.bytes, changed, &now);
    network = model_load(MF_CONTENTS_MODEL, file, now);
    assert_int_equal(count_of(network), 3);
    check_entry(network, 0, "aa", "1");
    check_entry(network, 1, "mine", "value");
    check_entry(network, 2, "zz", "2");
    mf_network_free(network);
    free(changed);
    free(file);
    close_hostile(&h);
}

/* ---- in ONNX models ---- */

static void test_onnx_has_metadata_props(void **state)
{
    enum { MODEL_METADATA_PROPS = 14, KEY = 1, VALUE = 2 }; /* onnx.proto */
    mf_network *network = small_network();
    size_t bytes = 0, written = 0;
    unsigned char *buffer;
    wire_field entry;
    wire_view model;

    (void)state;
    set_hard_texts(network);
    check_ok(mf_network_export_onnx_size(network, &bytes));
    buffer = get_memory(bytes);
    check_ok(mf_network_export_onnx_buffer(network, buffer, bytes, &written));
    assert_int_equal(written, bytes);
    model = (wire_view){buffer, bytes};
    assert_int_equal(wire_count(model, MODEL_METADATA_PROPS), count_of(network));
    for (size_t i = 0; i < count_of(network); i++) {
        const char *name, *value;

        check_ok(mf_network_metadata_at(network, i, &name, &value));
        wire_find(model, MODEL_METADATA_PROPS, i, &entry);
        assert_true(wire_is(wire_only(entry.view, KEY).view, name));
        assert_true(wire_is(wire_only(entry.view, VALUE).view, value));
    }
    free(buffer);
    mf_network_free(network);
}

/* ---- memory ---- */

static void test_no_memory_changes_nothing(void **state)
{
    mf_network_spec spec;
    mf_network *network = NULL;
    char name[2] = "a";

    (void)state;
    check_ok(mf_network_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    check_ok(mf_network_create(&spec, &network));
    sweep(2, mf_network_metadata_set(network, "a", "one"), assert_int_equal(count_of(network), 0));
    sweep(1, mf_network_metadata_set(network, "a", "two"), check_value(network, "a", "one"));
    for (; name[0] < 'i'; name[0]++)
        set(network, name, "x");
    sweep(2, mf_network_metadata_set(network, "i", "x"), assert_int_equal(count_of(network), 8));
    mf_network_free(network);
}

static void test_no_memory_while_loading(void **state)
{
    mf_network *network = small_network(), *loaded = NULL;
    size_t size;
    void *file;
    mf_load_spec spec;

    (void)state;
    set_hard_texts(network);
    file = model_save(network, MF_CONTENTS_MODEL, &size);
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    sweep(10, mf_network_load_buffer(&spec, file, size, &loaded), check_null(loaded));
    check_same_entries(network, loaded);
    mf_network_free(loaded);
    mf_network_free(network);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_set_replaced_and_removed),
        cmocka_unit_test(test_many_entries_stay_sorted),
        cmocka_unit_test(test_null_and_places_are_refused),
        cmocka_unit_test(test_texts_that_are_not_utf8_are_refused),
        cmocka_unit_test(test_names_of_the_library_and_control_characters_are_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_texts_go_through_files),
        cmocka_unit_test(test_the_header_has_the_texts_as_json),
        cmocka_unit_test(test_without_metadata_the_file_is_as_before),
        cmocka_unit_test(test_the_order_of_setting_does_not_matter),
        cmocka_unit_test(test_hostile_entries_are_refused),
        cmocka_unit_test(test_more_than_the_limits_is_refused),
        cmocka_unit_test(test_foreign_keys_are_kept),
        cmocka_unit_test(test_onnx_has_metadata_props),
        with_memory(test_no_memory_changes_nothing),
        with_memory(test_no_memory_while_loading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
