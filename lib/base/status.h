/* Owns: the outcome of a call as a status and a message of this thread. */
#ifndef MFI_BASE_STATUS_H
#define MFI_BASE_STATUS_H

#include <monoforward.h>

#if defined(__GNUC__)
#define MFI_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define MFI_FORMAT(text, first)
#endif

/* Keeps the message for mf_last_message() and returns `status`, so that `return mfi_fail(...)` reads well. */
mf_status mfi_fail(mf_status status, const char *format, ...) MFI_FORMAT(2, 3);

/* Puts "WHAT NUMBER: " in front of the message of a failure, which has just happened; MF_STATUS_OK stays
 * that. */
mf_status mfi_fail_at(mf_status status, const char *what, size_t number);

/* Passes a failure on to the caller. */
#define MFI_TRY(call)                    \
    do {                                 \
        mf_status mfi_status_ = (call);  \
        if (mfi_status_ != MF_STATUS_OK) \
            return mfi_status_;          \
    } while (0)

#endif
