/* A page with nothing behind it, for structs that end where memory ends. SPDX-License-Identifier: MIT */
#ifndef TEST_PAGE_H
#define TEST_PAGE_H

#include "check.h"

enum { LARGEST_STRUCT = 4096 };

/** Where it ends. */
extern unsigned char *page_end;

/** For cmocka_run_group_tests(). */
int open_page(void **state);
int close_page(void **state);

/** A struct of `size` bytes at the end, which says so itself; a pattern before and in it. */
void *place_struct(size_t size);

/** A spec of that size, of which as much is at the end as there is room for; zeros behind what is known. */
void *place_spec(size_t size, const void *spec, size_t known);

/** Nothing before a struct of that size was written. */
void check_before(size_t size);

/** Nor was anything of itself but its size. */
void check_untouched(size_t size);

#endif
