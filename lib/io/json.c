/* Owns: the JSON library. Its memory functions are set for the whole process, so this library does not change
 * them. */
#include "io/json.h"

#include <string.h>

#include "base/status.h"
#include "io/scan.h"

#ifdef MFI_HAVE_CJSON

#include <cJSON.h>

mf_status mfi_json_available(void)
{
    return MF_STATUS_OK;
}

mf_status mfi_json_parse(const char *text, size_t bytes, const char *what, mfi_json **tree)
{
    *tree = NULL;
    MFI_TRY(mfi_scan_json(text, bytes, what));
    /* The text has passed a stricter check, so NULL means that there was no memory. */
    *tree = cJSON_ParseWithLength(text, bytes);
    if (!*tree)
        return mfi_fail(MF_STATUS_MEMORY, "no memory for the JSON of %s", what);
    return MF_STATUS_OK;
}

void mfi_json_free(mfi_json *tree)
{
    cJSON_Delete(tree);
}

const mfi_json *mfi_json_first(const mfi_json *item)
{
    return item ? item->child : NULL;
}

const mfi_json *mfi_json_next(const mfi_json *item)
{
    return item->next;
}

const char *mfi_json_key(const mfi_json *item)
{
    return item->string;
}

bool mfi_json_is_object(const mfi_json *item)
{
    return cJSON_IsObject(item);
}

bool mfi_json_is_array(const mfi_json *item)
{
    return cJSON_IsArray(item);
}

const char *mfi_json_text(const mfi_json *item)
{
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool mfi_json_size(const mfi_json *item, uint64_t *value)
{
    if (!cJSON_IsNumber(item))
        return false;
    *value = (uint64_t)item->valuedouble; /* 0 to 2^53, as mfi_scan_json() has checked */
    return true;
}

bool mfi_json_flag(const mfi_json *item, bool *value)
{
    *value = cJSON_IsTrue(item);
    return cJSON_IsBool(item);
}

#else

mf_status mfi_json_available(void)
{
    return mfi_fail(MF_STATUS_UNSUPPORTED,
                    "the library was built without a JSON library, so it cannot load models");
}

mf_status mfi_json_parse(const char *text, size_t bytes, const char *what, mfi_json **tree)
{
    (void)text, (void)bytes, (void)what;
    *tree = NULL;
    return mfi_json_available();
}

void mfi_json_free(mfi_json *tree)
{
    (void)tree;
}

const mfi_json *mfi_json_first(const mfi_json *item)
{
    (void)item;
    return NULL;
}

const mfi_json *mfi_json_next(const mfi_json *item)
{
    (void)item;
    return NULL;
}

const char *mfi_json_key(const mfi_json *item)
{
    (void)item;
    return "";
}

bool mfi_json_is_object(const mfi_json *item)
{
    (void)item;
    return false;
}

bool mfi_json_is_array(const mfi_json *item)
{
    (void)item;
    return false;
}

const char *mfi_json_text(const mfi_json *item)
{
    (void)item;
    return NULL;
}

bool mfi_json_size(const mfi_json *item, uint64_t *value)
{
    (void)item, (void)value;
    return false;
}

bool mfi_json_flag(const mfi_json *item, bool *value)
{
    (void)item, (void)value;
    return false;
}

#endif

size_t mfi_json_count(const mfi_json *item)
{
    size_t count = 0;
    for (const mfi_json *member = mfi_json_first(item); member; member = mfi_json_next(member))
        count++;
    return count;
}

const mfi_json *mfi_json_member(const mfi_json *object, const char *key)
{
    for (const mfi_json *member = mfi_json_first(object); member; member = mfi_json_next(member))
        if (strcmp(mfi_json_key(member), key) == 0)
            return member;
    return NULL;
}
