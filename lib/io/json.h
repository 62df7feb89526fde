/* Owns: reading JSON of the narrow kind that model files have. */
#ifndef MFI_IO_JSON_H
#define MFI_IO_JSON_H

#include <stdbool.h>
#include <monoforward.h>

typedef struct mfi_json mfi_json;

/* Reads text as a tree of its own in one block of memory; free it with mfi_json_free().
 *
 * FORMAT, with `what` in the message, unless the text is one object, followed only by spaces. It must not be
 * nested deeper, or have more values for its size, than a model file can. Control characters, null, the
 * escape of character 0, and numbers other than the integers from 0 to 2^53 are refused. MEMORY. *tree is
 * then NULL. */
mf_status mfi_json_parse(const char *text, size_t bytes, const char *what, const mf_allocator *allocator,
                         mfi_json **tree);
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
