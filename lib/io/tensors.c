/* Owns: the table of tensors in the header of a safetensors file. */
#include "io/tensors.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/utf8.h"
#include "io/sorting.h"

/* ---- orders ---- */

static int by_name(const void *one, const void *other)
{
    const mfi_tensor *a = one, *b = other;
    return strcmp(a->name, b->name);
}

/* By the first byte; an empty tensor comes before the one that begins at the same byte. */
static int by_place(const void *one, const void *other)
{
    const mfi_tensor *a = one, *b = other;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

/* ---- entries ---- */

enum { SHOWN = 60 }; /* bytes of a name in messages */

static mf_status bad_tensor(const mfi_tensor *tensor, const char *why)
{
    return mfi_fail(MF_STATUS_FORMAT, "tensor \"%.*s\": %s", mfi_utf8_shown(tensor->name, SHOWN),
                    tensor->name, why);
}

static bool read_numbers(const mfi_json *item, size_t most, uint64_t *numbers, size_t *count)
{
    *count = 0;
    if (!mfi_json_is_array(item))
        return false;
    for (const mfi_json *number = mfi_json_first(item); number; number = mfi_json_next(number))
        if (*count == most || !mfi_json_size(number, &numbers[(*count)++]))
            return false;
    return true;
}

/* Reads an entry, which must have exactly the three keys, each once. */
static mf_status read_entry(const mfi_json *item, mfi_tensor *tensor)
{
    enum { TYPE = 1, SHAPE = 2, OFFSETS = 4, ALL = 7 };
    int seen = 0;
    uint64_t offsets[2] = {0};
    size_t count;
    tensor->name = mfi_json_key(item);
    for (const mfi_json *field = mfi_json_first(item); field; field = mfi_json_next(field)) {
        const char *key = mfi_json_key(field), *type = mfi_json_text(field);
        int found = strcmp(key, "dtype") == 0          ? TYPE
                    : strcmp(key, "shape") == 0        ? SHAPE
                    : strcmp(key, "data_offsets") == 0 ? OFFSETS
                                                       : 0;
        if (!found || (seen & found))
            return bad_tensor(tensor, "it has a key that is not known or appears twice");
        seen |= found;
        if (found == TYPE && (!type || strcmp(type, "F32") != 0))
            return bad_tensor(tensor, "its type is not F32");
        if (found == SHAPE && !read_numbers(field, MFI_TENSOR_RANK, tensor->dims, &tensor->rank))
            return bad_tensor(tensor, "its shape is not an array of at most 4 numbers");
        if (found == OFFSETS && (!read_numbers(field, 2, offsets, &count) || count != 2))
            return bad_tensor(tensor, "its offsets are not an array of 2 numbers");
    }
    if (seen != ALL)
        return bad_tensor(tensor, "dtype, shape or data_offsets is missing");
    tensor->begin = offsets[0];
    tensor->end = offsets[1];
    return MF_STATUS_OK;
}

static bool tensor_bytes(const mfi_tensor *tensor, uint64_t *bytes)
{
    *bytes = sizeof(float);
    for (size_t d = 0; d < tensor->rank; d++) {
        if (tensor->dims[d] != 0 && *bytes > UINT64_MAX / tensor->dims[d])
            return false;
        *bytes *= tensor->dims[d];
    }
    return true;
}

static mf_status check_entry(const mfi_tensor *tensor, uint64_t data_bytes)
{
    uint64_t bytes;
    if (tensor->begin > tensor->end || tensor->end > data_bytes)
        return bad_tensor(tensor, "its offsets are outside the data: is the model cut off?");
    if (!tensor_bytes(tensor, &bytes) || bytes != tensor->end - tensor->begin)
        return bad_tensor(tensor, "its offsets do not fit its shape");
    return MF_STATUS_OK;
}

/* ---- the table ---- */

static mf_status check_order(mfi_tensors *tensors, uint64_t data_bytes)
{
    uint64_t end = 0;
    mfi_sort(tensors->list, tensors->count, sizeof *tensors->list, by_place);
    for (size_t i = 0; i < tensors->count; i++) {
        if (tensors->list[i].begin != end)
            return bad_tensor(&tensors->list[i],
                              "its data does not begin where that of the tensor before ends");
        end = tensors->list[i].end;
    }
    if (end != data_bytes)
        return mfi_fail(MF_STATUS_FORMAT, "the tensors have %llu bytes, the model has %llu bytes of data",
                        (unsigned long long)end, (unsigned long long)data_bytes);
    mfi_sort(tensors->list, tensors->count, sizeof *tensors->list, by_name);
    for (size_t i = 1; i < tensors->count; i++)
        if (by_name(&tensors->list[i - 1], &tensors->list[i]) == 0)
            return bad_tensor(&tensors->list[i], "appears twice");
    return MF_STATUS_OK;
}

static mf_status bad_key(const mfi_tensor *key, const char *why)
{
    return mfi_fail(MF_STATUS_FORMAT, "__metadata__: \"%.*s\" %s", mfi_utf8_shown(key->name, SHOWN),
                    key->name, why);
}

/* Keys that the library does not know are the host's, but no key may appear twice. */
static mf_status check_metadata(const mfi_tensors *tensors)
{
    size_t count = mfi_json_count(tensors->metadata), filled = 0;
    mf_status status = MF_STATUS_OK;
    if (count == 0)
        return MF_STATUS_OK;
    mfi_tensor *keys = mfi_allocate(&tensors->allocator, count * sizeof *keys);
    if (!keys)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for %zu keys", count);
    for (const mfi_json *item = mfi_json_first(tensors->metadata); item; item = mfi_json_next(item)) {
        keys[filled++] = (mfi_tensor){.name = mfi_json_key(item)};
        if (!mfi_json_text(item) && status == MF_STATUS_OK)
            status = bad_key(&keys[filled - 1], "is no string");
    }
    mfi_sort(keys, count, sizeof *keys, by_name);
    for (size_t i = 1; i < count && status == MF_STATUS_OK; i++)
        if (by_name(&keys[i - 1], &keys[i]) == 0)
            status = bad_key(&keys[i], "appears twice");
    mfi_release(&tensors->allocator, keys, count * sizeof *keys);
    return status;
}

static mf_status fill_table(const mfi_json *header, uint64_t data_bytes, mfi_tensors *tensors, size_t room)
{
    for (const mfi_json *item = mfi_json_first(header); item; item = mfi_json_next(item)) {
        if (!mfi_json_is_object(item))
            return mfi_fail(MF_STATUS_FORMAT, "\"%.*s\" is no object",
                            mfi_utf8_shown(mfi_json_key(item), SHOWN), mfi_json_key(item));
        if (strcmp(mfi_json_key(item), "__metadata__") == 0) {
            if (tensors->metadata)
                return mfi_fail(MF_STATUS_FORMAT, "__metadata__ appears twice");
            tensors->metadata = item;
            continue;
        }
        if (tensors->count == room)
            return mfi_fail(MF_STATUS_FORMAT,
                            "there is no __metadata__, so this is not a model of monoforward");
        mfi_tensor *tensor = &tensors->list[tensors->count++];
        MFI_TRY(read_entry(item, tensor));
        MFI_TRY(check_entry(tensor, data_bytes));
    }
    return MF_STATUS_OK;
}

mf_status mfi_tensors_read(const mfi_json *header, uint64_t data_bytes, const mf_allocator *allocator,
                           mfi_tensors *tensors)
{
    size_t members = mfi_json_count(header), room = members ? members - 1 : 0;
    *tensors = (mfi_tensors){.allocator = *allocator};
    if (room > 0) {
        tensors->list = mfi_allocate(allocator, room * sizeof *tensors->list);
        if (!tensors->list)
            return mfi_fail(MF_STATUS_MEMORY, "no memory for a table of %zu tensors", room);
        memset(tensors->list, 0, room * sizeof *tensors->list);
    }
    tensors->bytes = room * sizeof *tensors->list;
    MFI_TRY(fill_table(header, data_bytes, tensors, room));
    MFI_TRY(check_order(tensors, data_bytes));
    return check_metadata(tensors);
}

void mfi_tensors_free(mfi_tensors *tensors)
{
    if (tensors->list)
        mfi_release(&tensors->allocator, tensors->list, tensors->bytes);
    tensors->list = NULL;
}

const mfi_tensor *mfi_tensors_find(const mfi_tensors *tensors, const char *name)
{
    size_t first = 0, end = tensors->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = strcmp(name, tensors->list[middle].name);
        if (order == 0)
            return &tensors->list[middle];
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return NULL;
}

const char *mfi_tensors_metadata(const mfi_tensors *tensors, const char *key)
{
    for (const mfi_json *item = mfi_json_first(tensors->metadata); item; item = mfi_json_next(item))
        if (strcmp(mfi_json_key(item), key) == 0)
            return mfi_json_text(item);
    return NULL;
}
