/* SPDX-License-Identifier: MIT */
#include "complain.h"

#include <stdarg.h>
#include <stdio.h>

bool complain(const char *format, ...)
{
    char text[6000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* At once: nothing that another rank or mpirun prints comes between. */
    fprintf(stderr, "error: %s\n", text);
    return false;
}

bool output_arrived(void)
{
    return (fflush(stdout) == 0 && !ferror(stdout)) || complain("cannot write what was to be printed");
}

bool library_ok(mf_status status)
{
    if (status == MF_STATUS_OK)
        return true;
    return complain("%s (%s)", mf_last_message(), mf_status_name(status));
}
