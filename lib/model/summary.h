/* Owns: a network as lines for people. */
#ifndef MFI_MODEL_SUMMARY_H
#define MFI_MODEL_SUMMARY_H

#include "base/status.h"
#include "model/network.h"

/* Where lines go, and how long they are already, whether or not there was room. */
typedef struct mfi_page {
    char *text;
    size_t size, length;
} mfi_page;

void mfi_page_put(mfi_page *to, const char *format, ...) MFI_FORMAT(2, 3);

/* *needed receives the bytes that suffice, with the final 0. CAPACITY, with `what` in the message, if there
 * was too little room. */
mf_status mfi_page_end(const mfi_page *page, const char *what, size_t *needed);

/* "1000", "64x512" or "64x16x16". */
void mfi_describe_shape(const mf_shape *shape, char text[64]);

/* What a reader wants to know of a unit beside its shape. */
void mfi_describe_unit(const mf_unit_spec *unit, char text[96]);

/* Writes as much as there is room for, and a final 0; *needed receives the bytes that suffice. CAPACITY if
 * there was too little room, OVERFLOW if a workspace for that batch would not fit. */
mf_status mfi_network_summary(const mf_network *network, size_t max_batch, char *text, size_t size,
                              size_t *needed);

#endif
