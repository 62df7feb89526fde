/* Owns: the order of a matrix's values in memory. */
#include "math/order.h"

#include <string.h>

size_t mfi_order_rows(const mfi_order *order, size_t rows)
{
    size_t start = rows / order->width * order->width;
    return start == rows ? rows : start + mfi_order_panel(order, rows, start);
}

/* Values of one row that are `step` apart. `fill` rows behind it only fill up the panel. */
typedef struct run_of_row {
    size_t place, step, count, fill;
} run_of_row;

/* The values from number `first` in plain order on that lie in the same row, at most `count`. */
static run_of_row find_run(const mfi_matrix_order *of, size_t first, size_t count)
{
    size_t row = first / of->columns, column = first % of->columns, left = of->columns - column;
    size_t start = row / of->order.width * of->order.width;
    size_t panel = mfi_order_panel(&of->order, of->rows, start);
    bool last = row + 1 == of->rows;
    return (run_of_row){start * of->columns + column * panel + (row - start), panel,
                        left < count ? left : count, last ? start + panel - of->rows : 0};
}

void mfi_order_get(const mfi_matrix_order *of, const float *matrix, size_t first, size_t count, float *plain)
{
    if (mfi_order_is_plain(&of->order)) {
        memcpy(plain, matrix + first, count * sizeof *plain);
        return;
    }
    for (size_t done = 0; done < count;) {
        run_of_row run = find_run(of, first + done, count - done);
        for (size_t i = 0; i < run.count; i++)
            plain[done + i] = matrix[run.place + i * run.step];
        done += run.count;
    }
}

void mfi_order_set(const mfi_matrix_order *of, float *matrix, size_t first, size_t count, const float *plain)
{
    if (mfi_order_is_plain(&of->order)) {
        memcpy(matrix + first, plain, count * sizeof *plain);
        return;
    }
    for (size_t done = 0; done < count;) {
        run_of_row run = find_run(of, first + done, count - done);
        for (size_t i = 0; i < run.count; i++)
            matrix[run.place + i * run.step] = plain[done + i];
        for (size_t i = 0; run.fill > 0 && i < run.count; i++)
            memset(matrix + run.place + i * run.step + 1, 0, run.fill * sizeof *matrix);
        done += run.count;
    }
}
