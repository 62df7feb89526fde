/* Owns: tables that map the fields of a struct to the keys of a JSON object, for writing and for reading. */
#ifndef MFI_IO_FIELDS_H
#define MFI_IO_FIELDS_H

#include "io/json.h"
#include "io/text.h"

/* The type of a field in C, and in JSON. */
typedef enum mfi_field_type {
    MFI_FIELD_SIZE,   /* size_t: a number */
    MFI_FIELD_COUNT,  /* the same; 0 is the default and is not written */
    MFI_FIELD_PAIR,   /* size_t[2]: an array of two numbers */
    MFI_FIELD_COUNTS, /* the same; two 0 are the default and are not written */
    MFI_FIELD_FLAG,   /* int32_t, 0 or 1: false or true */
    MFI_FIELD_NAME,   /* int32_t, an index into `names`: a string */
    MFI_FIELD_OPTION, /* the same; the first name is the default and is not written */
    MFI_FIELD_FLOAT,  /* float: a string */
    MFI_FIELD_SHARE,  /* the same; 0 is the default and is not written */
    MFI_FIELD_U64,    /* uint64_t: a string */
    MFI_FIELD_LINK,   /* int32_t: a number; -1 means none and is not written */
    MFI_FIELD_OTHER   /* of variable length: the user of the table reads and writes it */
} mfi_field_type;

typedef struct mfi_field {
    const char *key;
    mfi_field_type type;
    size_t offset;
    const char *const *names;
    size_t name_count;
    uint32_t kinds; /* a bit for each kind that has the field; 0: all */
} mfi_field;

typedef struct mfi_field_table {
    const mfi_field *fields; /* at most 64; the first is the kind, if there are kinds */
    size_t count;
    const char *what; /* for messages */
} mfi_field_table;

/* Writes the fields of `record`, which is of that kind, as members of the current object. */
void mfi_write_members(mfi_text *text, const mfi_field_table *table, int32_t kind, const void *record);

/* The same, as an object of its own. */
void mfi_write_fields(mfi_text *text, const mfi_field_table *table, int32_t kind, const void *record);

/* Reads the fields into `record`; fields that are missing keep their values. FORMAT, with `number` in the
 * message, if a key is unknown, appears twice or belongs to another kind, or if a value has the wrong type.
 */
mf_status mfi_read_fields(const mfi_json *object, const mfi_field_table *table, size_t number, void *record);

#endif
