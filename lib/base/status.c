/* Owns: the outcome of a call as a status and a message of this thread. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#ifdef MF_NO_THREADS
#define OF_A_THREAD
#else
#define OF_A_THREAD _Thread_local
#endif

static OF_A_THREAD mfi_message last_message;

mf_status mfi_fail(mf_status status, const char *format, ...)
{
    va_list arguments;
    const size_t room = sizeof last_message.text - 1;
    va_start(arguments, format);
    int length = vsnprintf(last_message.text, sizeof last_message.text, format, arguments);
    va_end(arguments);
    if (length > (int)room) /* it was cut, maybe inside a character */
        last_message.text[mfi_utf8_whole(last_message.text, room)] = 0;
    return status;
}

mf_status mfi_fail_at(mf_status status, const char *what, size_t number)
{
    if (status == MF_STATUS_OK)
        return status;
    const mfi_message reason = last_message;
    return mfi_fail(status, "%s %zu: %s", what, number, reason.text);
}

mf_status mfi_fail_in(mf_status status, const char *path)
{
    const mfi_message reason = last_message;
    const size_t room = sizeof reason.text - sizeof ": ", used = strlen(reason.text);
    if (used < room)
        mfi_fail(status, "%.*s: %s", mfi_utf8_shown(path, room - used), path, reason.text);
    return status;
}

mfi_message mfi_message_keep(void)
{
    return last_message;
}

void mfi_message_put_back(const mfi_message *kept)
{
    last_message = *kept;
}

const char *mf_last_message(void)
{
    return last_message.text;
}

const char *mf_status_name(mf_status status)
{
    static const char *const names[] = {
        "MF_STATUS_OK",        "MF_STATUS_ARGUMENT",    "MF_STATUS_HANDLE", "MF_STATUS_SHAPE",
        "MF_STATUS_LABEL",     "MF_STATUS_CAPACITY",    "MF_STATUS_MEMORY", "MF_STATUS_OVERFLOW",
        "MF_STATUS_NUMERIC",   "MF_STATUS_UNSUPPORTED", "MF_STATUS_STALE",  "MF_STATUS_STATE",
        "MF_STATUS_NOT_FOUND", "MF_STATUS_BUSY",        "MF_STATUS_IO",     "MF_STATUS_FORMAT",
        "MF_STATUS_VERSION",
    };
    if (status < 0 || (size_t)status >= sizeof names / sizeof *names)
        return "unknown status";
    return names[status];
}
