/* SPDX-License-Identifier: MIT */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

bool complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return false;
}

bool library_ok(mf_status status)
{
    if (status == MF_STATUS_OK)
        return true;
    return complain("%s (%s)", mf_last_message(), mf_status_name(status));
}
