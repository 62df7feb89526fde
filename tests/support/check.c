/* Checks that explain themselves. SPDX-License-Identifier: MIT */
#include "check.h"

#include <math.h>
#include <stdio.h>

void check_status_at(mf_status expected, mf_status got, const char *call, const char *file, int line)
{
    if (got == expected)
        return;
    print_error("%s\n    returned %s, expected %s\n    message: \"%s\"\n", call, mf_status_name(got),
                mf_status_name(expected), mf_last_message());
    _fail(file, line);
}

void check_message_at(const char *part, const char *file, int line)
{
    const char *message = mf_last_message();

    if (message != NULL && strstr(message, part) != NULL)
        return;
    print_error("the message \"%s\"\n    does not contain \"%s\"\n", message ? message : "(NULL)", part);
    _fail(file, line);
}

void check_near_at(double expected, double got, double tolerance, const char *what, const char *file,
                   int line)
{
    if (fabs(got - expected) <= tolerance)
        return;
    print_error("%s is %.9g, expected %.9g within %.3g\n", what, got, expected, tolerance);
    _fail(file, line);
}

void *get_memory(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);

    assert_non_null(memory);
    return memory;
}

void *get_zeroed(size_t count, size_t bytes)
{
    void *memory = calloc(count ? count : 1, bytes ? bytes : 1);

    assert_non_null(memory);
    return memory;
}

void *read_file(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    void *bytes;

    if (file == NULL)
        return NULL;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    rewind(file);
    bytes = get_memory(*count + 1); /* also of an empty file */
    assert_int_equal(fread(bytes, 1, *count, file), *count);
    fclose(file);
    return bytes;
}
