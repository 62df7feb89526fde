/* Owns: what JSON the library accepts, which is less than a JSON library does: checked before one sees it. */
#ifndef MFI_IO_SCAN_H
#define MFI_IO_SCAN_H

#include <monoforward.h>

/* FORMAT, with `what` in the message, unless the text is one object and nothing but spaces behind it; nested
 * no deeper than a model file needs; with no more values than a text of that size can have of use; without
 * control characters, numbers other than 0 to 2^53 without fraction, null, and the escape of character 0. */
mf_status mfi_scan_json(const char *text, size_t bytes, const char *what);

#endif
