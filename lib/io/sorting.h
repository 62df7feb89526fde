/* Owns: putting the elements of an array in order. */
#ifndef MFI_IO_SORTING_H
#define MFI_IO_SORTING_H

#include <stddef.h>

/* Below, at or above 0, as one element comes before, with or behind the other. */
typedef int mfi_order_of(const void *one, const void *other);

/* Elements have so many bytes. The time is in proportion to count log(count), whatever the order was. */
void mfi_sort(void *list, size_t count, size_t bytes, mfi_order_of *order);

#endif
