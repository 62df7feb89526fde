/* Owns: the outcome of a call as a status and a message of this thread. */
#ifndef MFI_BASE_STATUS_H
#define MFI_BASE_STATUS_H

#include <monoforward.h>

#if defined(__GNUC__)
#define MFI_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define MFI_FORMAT(text, first)
#endif

/* Stores the message for mf_last_message() and returns `status`, for use as `return mfi_fail(...)`. */
mf_status mfi_fail(mf_status status, const char *format, ...) MFI_FORMAT(2, 3);

/* If `status` is a failure, which has just happened, puts "WHAT NUMBER: " in front of its message. Returns
 * `status`. */
mf_status mfi_fail_at(mf_status status, const char *what, size_t number);

/* The same with "PATH: ", or as much of the path as leaves the message whole. */
mf_status mfi_fail_in(mf_status status, const char *path);

/* This thread's message, to be put back where a call returns OK although something in it has failed. */
typedef struct mfi_message {
    char text[256];
} mfi_message;

mfi_message mfi_message_keep(void);
void mfi_message_put_back(const mfi_message *kept);

/* Returns the status of the call from the calling function, unless it is OK. */
#define MFI_TRY(call)                    \
    do {                                 \
        mf_status mfi_status_ = (call);  \
        if (mfi_status_ != MF_STATUS_OK) \
            return mfi_status_;          \
    } while (0)

#endif
