/* Owns: the JSON library. Only json.c calls it; without it this library cannot load models. */
#ifndef MFI_IO_JSON_H
#define MFI_IO_JSON_H

#include <stdbool.h>
#include <monoforward.h>

typedef struct cJSON mfi_json;

/* OK, or UNSUPPORTED if this library was built without a JSON library. */
mf_status mfi_json_available(void);

/* Parses text to a tree; free it with mfi_json_free(). FORMAT if mfi_scan_json() refuses the text, or MEMORY,
 * with `what` in the message; *tree is then NULL. */
mf_status mfi_json_parse(const char *text, size_t bytes, const char *what, mfi_json **tree);
void mfi_json_free(mfi_json *tree);

/* The first and the next member of an object or array; NULL if there is none. */
const mfi_json *mfi_json_first(const mfi_json *item);
const mfi_json *mfi_json_next(const mfi_json *item);
size_t mfi_json_count(const mfi_json *item);

/* The first member of that key; NULL if there is none. */
const mfi_json *mfi_json_member(const mfi_json *object, const char *key);

/* The key of a member of an object. */
const char *mfi_json_key(const mfi_json *item);

bool mfi_json_is_object(const mfi_json *item);
bool mfi_json_is_array(const mfi_json *item);

/* The value of an item: NULL if it is not a string, false if it is not a number or not a boolean. */
const char *mfi_json_text(const mfi_json *item);
bool mfi_json_size(const mfi_json *item, uint64_t *value);
bool mfi_json_flag(const mfi_json *item, bool *value);

#endif
