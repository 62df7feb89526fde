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

/* What callers pass as names and paths may be anything. */
static void make_utf8(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t code;
        size_t step = mfi_utf8_character((const unsigned char *)text, left, &code);
        if (step == 0)
            *text = '?';
        step = step > 0 ? step : 1;
        text += step;
        left -= step;
    }
}

/* An argument may lie in the last message. */
mf_status mfi_fail(mf_status status, const char *format, ...)
{
    va_list arguments;
    mfi_message message = {""};
    const size_t room = sizeof message.text - 1;
    va_start(arguments, format);
    int length = vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    if (length > (int)room) /* it was cut, maybe inside a character */
        message.text[mfi_utf8_whole(message.text, room)] = 0;
    make_utf8(message.text);
    last_message = message;
    return status;
}

mf_status mfi_fail_at(mf_status status, const char *what, size_t number)
{
    if (status == MF_STATUS_OK)
        return status;
    return mfi_fail(status, "%s %zu: %s", what, number, last_message.text);
}

mf_status mfi_fail_in(mf_status status, const char *path)
{
    enum { SHORTEST = 16 }; /* what is left of a path that is cut */
    const size_t room = sizeof last_message.text - sizeof ": ", used = strlen(last_message.text);
    const size_t left = used < room ? room - used : 0, most = left < MFI_EXCERPT ? left : MFI_EXCERPT;
    if (most >= SHORTEST || (*path && strlen(path) <= most))
        mfi_fail(status, "%s: %s", mfi_path_shown(path, most).text, last_message.text);
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
