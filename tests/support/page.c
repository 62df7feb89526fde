/* A page with nothing behind it, for structs that end where memory ends. SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "page.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PATTERN = 0x5A };

unsigned char *page_end;
static size_t page_bytes;

int open_page(void **state)
{
    unsigned char *pages;

    (void)state;
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    page_bytes = page_bytes < LARGEST_STRUCT ? LARGEST_STRUCT : page_bytes;
    pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return 1;
    page_end = pages + page_bytes;
    return mprotect(page_end, page_bytes, PROT_NONE);
}

int close_page(void **state)
{
    (void)state;
    return munmap(page_end - page_bytes, 2 * page_bytes);
}

void *place_struct(size_t size)
{
    uint32_t told = (uint32_t)size;

    memset(page_end - page_bytes, PATTERN, page_bytes);
    memcpy(page_end - size, &told, sizeof told);
    return page_end - size;
}

void *place_spec(size_t size, const void *spec, size_t known)
{
    unsigned char *at = place_struct(size);

    memcpy(at + 4, (const unsigned char *)spec + 4, (size < known ? size : known) - 4);
    if (size > known)
        memset(at + known, 0, size - known);
    return at;
}

void check_before(size_t size)
{
    for (const unsigned char *byte = page_end - page_bytes; byte < page_end - size; byte++)
        if (*byte != PATTERN)
            fail_msg("byte %td before a struct of %zu bytes was written", page_end - size - byte, size);
}

void check_untouched(size_t size)
{
    check_before(size);
    for (const unsigned char *byte = page_end - size + 4; byte < page_end; byte++)
        if (*byte != PATTERN)
            fail_msg("byte %td of a struct of %zu bytes was written", byte - (page_end - size), size);
}
