/* Owns: the JSON library. json.c is the only file that names it; a library built without one cannot load. */
#ifndef MFI_IO_JSON_H
#define MFI_IO_JSON_H

#include <stdbool.h>
#include <monoforward.h>

typedef struct cJSON mfi_json;

/* OK, or UNSUPPORTED in a library without JSON. */
mf_status mfi_json_available(void);

/* A tree from text; free it with mfi_json_free(). FORMAT if mfi_scan_json() is not content with it, or
 * MEMORY, with `what` in the message; *tree is then NULL. */
mf_status mfi_json_parse(const char *text, size_t bytes, const char *what, mfi_json **tree);
void mfi_json_free(mfi_json *tree);

/* Members of an object or array; NULL behind the last, or if there are none. */
const mfi_json *mfi_json_first(const mfi_json *item);
const mfi_json *mfi_json_next(const mfi_json *item);
size_t mfi_json_count(const mfi_json *item);

/* The first member of that key; NULL if there is none. */
const mfi_json *mfi_json_member(const mfi_json *object, const char *key);

/* Key of a member of an object. */
const char *mfi_json_key(const mfi_json *item);

bool mfi_json_is_object(const mfi_json *item);
bool mfi_json_is_array(const mfi_json *item);

/* NULL if it is no string; false if it is no number, or no flag. */
const char *mfi_json_text(const mfi_json *item);
bool mfi_json_size(const mfi_json *item, uint64_t *value);
bool mfi_json_flag(const mfi_json *item, bool *value);

#endif
