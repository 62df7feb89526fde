/* Owns: the check of JSON text before it is parsed. It accepts less than JSON libraries do. */
#ifndef MFI_IO_SCAN_H
#define MFI_IO_SCAN_H

#include <monoforward.h>

/* FORMAT, with `what` in the message, unless the text is one object, followed only by spaces. It must not be
 * nested deeper, or have more values for its size, than a model file can. Control characters, null, the
 * escape of character 0, and numbers other than the integers from 0 to 2^53 are refused. */
mf_status mfi_scan_json(const char *text, size_t bytes, const char *what);

#endif
