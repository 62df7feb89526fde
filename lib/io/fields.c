/* Owns: tables that map the fields of a struct to the keys of a JSON object. */
#include "io/fields.h"

#include <string.h>

#include "base/status.h"
#include "base/utf8.h"
#include "io/numbers.h"

/* ---- writing ---- */

static void write_value(mfi_text *text, const mfi_field *field, const void *value)
{
    const uint64_t *counts = value;
    const size_t *sizes = value;
    const int32_t *number = value;
    switch (field->type) {
    case MFI_FIELD_SIZE:
    case MFI_FIELD_COUNT:
        mfi_text_size(text, *sizes);
        return;
    case MFI_FIELD_PAIR:
    case MFI_FIELD_COUNTS:
        mfi_text_open(text, '[');
        mfi_text_size(text, sizes[0]);
        mfi_text_size(text, sizes[1]);
        mfi_text_close(text, ']');
        return;
    case MFI_FIELD_FLAG:
        mfi_text_flag(text, *number != 0);
        return;
    case MFI_FIELD_NAME:
    case MFI_FIELD_OPTION:
        mfi_text_string(text, field->names[*number]);
        return;
    case MFI_FIELD_FLOAT:
    case MFI_FIELD_SHARE:
        mfi_text_float(text, *(const float *)value);
        return;
    case MFI_FIELD_U64:
        mfi_text_u64(text, *counts);
        return;
    case MFI_FIELD_LINK:
        mfi_text_size(text, (uint64_t)*number);
        return;
    case MFI_FIELD_OTHER:
        return;
    }
}

static bool is_of(const mfi_field *field, int32_t kind)
{
    return field->kinds == 0 || field->kinds >> kind & 1;
}

/* Links to nothing and options at their default are left out. */
static bool is_written(const mfi_field *field, const void *value)
{
    const int32_t *number = value;
    const size_t *count = value;
    if (field->type == MFI_FIELD_LINK)
        return *number >= 0;
    if (field->type == MFI_FIELD_COUNT)
        return *count > 0;
    if (field->type == MFI_FIELD_SHARE)
        return *(const float *)value != 0.0f;
    if (field->type == MFI_FIELD_COUNTS)
        return count[0] + count[1] > 0;
    return field->type == MFI_FIELD_OPTION ? *number != 0 : field->type != MFI_FIELD_OTHER;
}

void mfi_write_members(mfi_text *text, const mfi_field_table *table, int32_t kind, const void *record)
{
    for (size_t i = 0; i < table->count; i++) {
        const mfi_field *field = &table->fields[i];
        const void *value = (const char *)record + field->offset;
        if (!is_of(field, kind) || !is_written(field, value))
            continue;
        mfi_text_key(text, field->key);
        write_value(text, field, value);
    }
}

void mfi_write_fields(mfi_text *text, const mfi_field_table *table, int32_t kind, const void *record)
{
    mfi_text_open(text, '{');
    mfi_write_members(text, table, kind, record);
    mfi_text_close(text, '}');
}

/* ---- reading ---- */

static bool find_name(const mfi_field *field, const char *name, size_t *found)
{
    for (size_t i = 0; name && i < field->name_count; i++)
        if (strcmp(field->names[i], name) == 0) {
            *found = i;
            return true;
        }
    return false;
}

static bool read_size(const mfi_json *item, size_t *value)
{
    uint64_t number;
    if (!item || !mfi_json_size(item, &number) || number > SIZE_MAX)
        return false;
    *value = (size_t)number;
    return true;
}

static bool read_value(const mfi_json *item, const mfi_field *field, void *value)
{
    int32_t *number = value;
    size_t index = 0, *sizes = value;
    bool flag;
    const char *words = mfi_json_text(item);
    switch (field->type) {
    case MFI_FIELD_SIZE:
    case MFI_FIELD_COUNT:
        return read_size(item, sizes);
    case MFI_FIELD_PAIR:
    case MFI_FIELD_COUNTS:
        return mfi_json_is_array(item) && mfi_json_count(item) == 2 &&
               read_size(mfi_json_first(item), &sizes[0]) &&
               read_size(mfi_json_next(mfi_json_first(item)), &sizes[1]);
    case MFI_FIELD_FLAG:
        if (!mfi_json_flag(item, &flag))
            return false;
        *number = flag;
        return true;
    case MFI_FIELD_NAME:
    case MFI_FIELD_OPTION:
        if (!find_name(field, words, &index))
            return false;
        *number = (int32_t)index;
        return true;
    case MFI_FIELD_FLOAT:
    case MFI_FIELD_SHARE:
        return words && mfi_parse_float(words, value);
    case MFI_FIELD_U64:
        return words && mfi_parse_u64(words, value);
    case MFI_FIELD_LINK:
        if (!read_size(item, &index) || index > INT32_MAX)
            return false;
        *number = (int32_t)index;
        return true;
    case MFI_FIELD_OTHER:
        break;
    }
    return true;
}

static mf_status bad_field(const mfi_field_table *table, size_t number, const mfi_json *item, const char *why)
{
    const char *key = mfi_json_key(item);
    return mfi_fail(MF_STATUS_FORMAT, "%s %zu: \"%.*s\" %s", table->what, number, mfi_utf8_shown(key, 40),
                    key, why);
}

/* The kind is read first, since it decides which other fields exist. */
static mf_status read_kind(const mfi_json *object, const mfi_field_table *table, size_t number, void *record,
                           int32_t *kind)
{
    const mfi_field *field = &table->fields[0];
    int32_t *place = (int32_t *)((char *)record + field->offset);
    *kind = 0;
    if (field->type != MFI_FIELD_NAME)
        return MF_STATUS_OK;
    for (const mfi_json *item = mfi_json_first(object); item; item = mfi_json_next(item))
        if (strcmp(mfi_json_key(item), field->key) == 0) {
            if (!read_value(item, field, place))
                return bad_field(table, number, item, "has an unknown value");
            *kind = *place;
            return MF_STATUS_OK;
        }
    return mfi_fail(MF_STATUS_FORMAT, "%s %zu: there is no \"%s\"", table->what, number, field->key);
}

mf_status mfi_read_fields(const mfi_json *object, const mfi_field_table *table, size_t number, void *record)
{
    int32_t kind;
    uint64_t seen = 0;
    if (!mfi_json_is_object(object))
        return mfi_fail(MF_STATUS_FORMAT, "%s %zu is no object", table->what, number);
    MFI_TRY(read_kind(object, table, number, record, &kind));
    for (const mfi_json *item = mfi_json_first(object); item; item = mfi_json_next(item)) {
        size_t i = 0;
        while (i < table->count && strcmp(table->fields[i].key, mfi_json_key(item)) != 0)
            i++;
        if (i == table->count || !is_of(&table->fields[i], kind))
            return bad_field(table, number, item, "is not known");
        if (seen >> i & 1)
            return bad_field(table, number, item, "appears twice");
        seen |= UINT64_C(1) << i;
        if (!read_value(item, &table->fields[i], (char *)record + table->fields[i].offset))
            return bad_field(table, number, item, "has a value of the wrong kind");
    }
    return MF_STATUS_OK;
}
