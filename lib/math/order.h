/* Owns: the order of a matrix's values in memory.
 *
 * Plain order: row by row. In panels, as our own products read it: the rows are cut into panels of `width`
 * rows; in a panel the values of one column stand together,
 *
 *     panel[column][row of the panel]
 *
 * so that a vector register loads the same column of neighbouring rows. The last panel may have fewer rows,
 * rounded up to a multiple of `lanes`; what is beyond the last row is 0. Plain order is that of panels of one
 * row. Only parameters inside layers lie in panels: hosts and files see plain order. */
#ifndef MFI_MATH_ORDER_H
#define MFI_MATH_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mfi_order {
    uint32_t width, lanes;
} mfi_order;

/* A matrix [rows, columns] in an order. */
typedef struct mfi_matrix_order {
    mfi_order order;
    size_t rows, columns;
} mfi_matrix_order;

static inline bool mfi_order_is_plain(const mfi_order *order)
{
    return order->width == 1;
}

/* Rows of the panel that begins at row `start`, with those that only fill it up. */
static inline size_t mfi_order_panel(const mfi_order *order, size_t rows, size_t start)
{
    size_t left = rows - start;
    return left >= order->width ? order->width : (left + order->lanes - 1) / order->lanes * order->lanes;
}

/* Rows with those that only fill up the last panel. */
size_t mfi_order_rows(const mfi_order *order, size_t rows);

/* Copies `count` values, from number `first` in plain order on, out of a matrix or into it. With a value
 * of the last row what fills up its panel becomes 0: it may have overflowed with the values. */
void mfi_order_get(const mfi_matrix_order *of, const float *matrix, size_t first, size_t count, float *plain);
void mfi_order_set(const mfi_matrix_order *of, float *matrix, size_t first, size_t count, const float *plain);

#endif
