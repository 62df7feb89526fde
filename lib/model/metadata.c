/* Owns: the host's metadata of a network. */
#include "model/metadata.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"

enum { FIRST_ENTRIES = 8, SHOWN_BYTES = 40 };

/* ---- what names and values may be ---- */

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

/* Names that fail are not in the messages, which have to be valid texts themselves. */
static mf_status check_name(const char *name)
{
    size_t length = strlen(name), at = 0;
    if (length == 0)
        return mfi_fail(MF_STATUS_ARGUMENT, "a name of the metadata is empty");
    if (length > MF_METADATA_NAME_BYTES)
        return mfi_fail(MF_STATUS_CAPACITY, "a name of the metadata has %zu bytes, at most %d are allowed",
                        length, (int)MF_METADATA_NAME_BYTES);
    while (at < length) {
        uint32_t code = 0;
        size_t step = mfi_utf8_character((const unsigned char *)name + at, length - at, &code);
        if (step == 0)
            return mfi_fail(MF_STATUS_ARGUMENT, "a name of the metadata is not valid UTF-8, at byte %zu", at);
        if (is_control(code))
            return mfi_fail(MF_STATUS_ARGUMENT,
                            "a name of the metadata has the control character 0x%02x, at byte %zu",
                            (unsigned)code, at);
        at += step;
    }
    return MF_STATUS_OK;
}

static mf_status check_metadata_value(const char *name, const char *value)
{
    size_t length = strlen(value), at = 0, step;
    uint32_t code;
    if (length > MF_METADATA_VALUE_BYTES)
        return mfi_fail(MF_STATUS_CAPACITY,
                        "the value of \"%.*s\" in the metadata has %zu bytes, at most %d are allowed",
                        mfi_utf8_shown(name, SHOWN_BYTES), name, length, (int)MF_METADATA_VALUE_BYTES);
    for (; at < length; at += step) {
        step = mfi_utf8_character((const unsigned char *)value + at, length - at, &code);
        if (step == 0)
            return mfi_fail(MF_STATUS_ARGUMENT,
                            "the value of \"%.*s\" in the metadata is not valid UTF-8, at byte %zu",
                            mfi_utf8_shown(name, SHOWN_BYTES), name, at);
    }
    return MF_STATUS_OK;
}

/* ---- entries ---- */

/* Where the entry of that name is, or where it would have to be put. */
static bool search(const mfi_metadata *metadata, const char *name, size_t *index)
{
    size_t first = 0, end = metadata->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = strcmp(name, metadata->entries[middle].name);
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    *index = first;
    return false;
}

/* Bytes of the texts of an entry. */
static size_t text_bytes(const mfi_metadata_entry *entry)
{
    return entry->bytes - 2;
}

static mf_status make_room(mfi_metadata *metadata, const mf_allocator *allocator)
{
    size_t capacity = metadata->capacity ? 2 * metadata->capacity : FIRST_ENTRIES;
    size_t size = sizeof *metadata->entries;
    if (metadata->count < metadata->capacity)
        return MF_STATUS_OK;
    mfi_metadata_entry *entries = mfi_allocate(allocator, capacity * size);
    if (!entries)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu entries of metadata", metadata->count + 1);
    if (metadata->entries)
        memcpy(entries, metadata->entries, metadata->count * size);
    mfi_release(allocator, metadata->entries, metadata->capacity * size);
    metadata->entries = entries;
    metadata->capacity = capacity;
    return MF_STATUS_OK;
}

static mf_status make_entry(const mf_allocator *allocator, const char *name, const char *value,
                            mfi_metadata_entry *entry)
{
    size_t name_bytes = strlen(name) + 1, value_bytes = strlen(value) + 1, bytes = name_bytes + value_bytes;
    char *block = mfi_allocate(allocator, bytes);
    if (!block)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu bytes of metadata", bytes);
    memcpy(block, name, name_bytes);
    memcpy(block + name_bytes, value, value_bytes);
    *entry = (mfi_metadata_entry){.name = block, .value = block + name_bytes, .bytes = bytes};
    return MF_STATUS_OK;
}

/* `bytes` would be those of all texts. */
static mf_status check_total(const mfi_metadata *metadata, bool there, size_t bytes)
{
    if (!there && metadata->count == MF_METADATA_ENTRIES)
        return mfi_fail(MF_STATUS_CAPACITY, "the metadata has %zu entries, more are not allowed",
                        metadata->count);
    if (bytes > MF_METADATA_BYTES)
        return mfi_fail(MF_STATUS_CAPACITY,
                        "the metadata would have %zu bytes in names and values, at most %d are allowed",
                        bytes, (int)MF_METADATA_BYTES);
    return MF_STATUS_OK;
}

mf_status mfi_metadata_set(mfi_metadata *metadata, const mf_allocator *allocator, const char *name,
                           const char *value)
{
    size_t index = 0;
    mfi_metadata_entry entry;
    MFI_TRY(check_name(name));
    MFI_TRY(check_metadata_value(name, value));
    bool there = search(metadata, name, &index);
    size_t before = there ? text_bytes(&metadata->entries[index]) : 0;
    size_t bytes = metadata->bytes - before + strlen(name) + strlen(value);
    MFI_TRY(check_total(metadata, there, bytes));
    MFI_TRY(make_entry(allocator, name, value, &entry));
    if (!there && make_room(metadata, allocator) != MF_STATUS_OK) {
        mfi_release(allocator, entry.name, entry.bytes);
        return MF_STATUS_MEMORY;
    }
    mfi_metadata_entry *place = metadata->entries + index;
    if (there) {
        mfi_release(allocator, place->name, place->bytes);
    } else {
        memmove(place + 1, place, (metadata->count - index) * sizeof *place);
        metadata->count++;
    }
    *place = entry;
    metadata->bytes = bytes;
    return MF_STATUS_OK;
}

mf_status mfi_metadata_find(const mfi_metadata *metadata, const char *name, size_t *index)
{
    if (search(metadata, name, index))
        return MF_STATUS_OK;
    MFI_TRY(check_name(name));
    return mfi_fail(MF_STATUS_NOT_FOUND, "the metadata has no entry \"%.*s\"",
                    mfi_utf8_shown(name, SHOWN_BYTES), name);
}

mf_status mfi_metadata_remove(mfi_metadata *metadata, const mf_allocator *allocator, const char *name)
{
    size_t index = 0;
    MFI_TRY(mfi_metadata_find(metadata, name, &index));
    mfi_metadata_entry *place = metadata->entries + index, removed = *place;
    memmove(place, place + 1, (metadata->count - index - 1) * sizeof *place);
    metadata->count--;
    metadata->bytes -= text_bytes(&removed);
    mfi_release(allocator, removed.name, removed.bytes);
    return MF_STATUS_OK;
}

void mfi_metadata_clear(mfi_metadata *metadata, const mf_allocator *allocator)
{
    for (size_t i = 0; i < metadata->count; i++)
        mfi_release(allocator, metadata->entries[i].name, metadata->entries[i].bytes);
    mfi_release(allocator, metadata->entries, metadata->capacity * sizeof *metadata->entries);
    *metadata = (mfi_metadata){0};
}
