/* Owns: putting the elements of an array in order. Heapsort needs no memory, and there is no order for which
 * it is slow; of the C library's qsort() neither is sure. */
#include "io/sorting.h"

typedef struct sorted_heap {
    char *list;
    size_t bytes; /* of an element */
    mfi_order_of *order;
} sorted_heap;

static char *element_at(const sorted_heap *heap, size_t index)
{
    return heap->list + index * heap->bytes;
}

static void exchange_elements(const sorted_heap *heap, size_t one, size_t other)
{
    char *a = element_at(heap, one), *b = element_at(heap, other);
    for (size_t i = 0; i < heap->bytes; i++) {
        char moved = a[i];
        a[i] = b[i];
        b[i] = moved;
    }
}

static void sink_down(const sorted_heap *heap, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap->order(element_at(heap, child), element_at(heap, child + 1)) < 0)
            child++;
        if (heap->order(element_at(heap, root), element_at(heap, child)) >= 0)
            return;
        exchange_elements(heap, root, child);
    }
}

void mfi_sort(void *list, size_t count, size_t bytes, mfi_order_of *order)
{
    const sorted_heap heap = {list, bytes, order};
    for (size_t root = count / 2; root-- > 0;)
        sink_down(&heap, root, count);
    for (size_t last = count; last-- > 1;) {
        exchange_elements(&heap, 0, last);
        sink_down(&heap, 0, last);
    }
}
