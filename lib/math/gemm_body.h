/* The part of kernels_body.h with the product of matrices in plain order (gemm.h), compiled with it for each
 * instruction set. op(B) is brought into the order of products_tile.h, a panel at a time. */

/* Inner indices of a panel: what lies on the stack is for so many. */
enum { GEMM_DEPTH = 128 };

/* panel [depth, whole vectors] = alpha op(B) for `width` of its columns, and 0 behind them. */
static void pack_operand(bool turned, size_t depth, size_t width, float alpha, const float *b, size_t ldb,
                         float *panel)
{
    size_t filled = filled_columns(width);
    if (turned) {
        transpose(width, depth, b, ldb, panel, filled);
        for (size_t p = 0; p < depth && width < filled; p++)
            memset(panel + p * filled + width, 0, (filled - width) * sizeof *panel);
    } else {
        pack_panel_of_values(depth, width, filled, b, ldb, panel);
    }
    for (size_t i = 0; alpha != 1.0f && i < depth * filled; i++)
        panel[i] *= alpha;
}

/* C = A^T panel, or +=, for A [depth, rows]: its columns are packed in blocks, like those of x for dW = dz^T
 * x. */
static void multiply_turned(size_t rows, size_t depth, const float *a, size_t lda, size_t width,
                            const float *panel, bool add, float *c, size_t ldc)
{
    float block[GEMM_DEPTH * MFI_TILE_ROWS] __attribute__((aligned(64)));
    float sums[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64))) = {0};
    size_t filled = filled_columns(width);
    for (size_t i = 0; i < rows; i += MFI_TILE_ROWS, c += MFI_TILE_ROWS * ldc) {
        size_t count = rows - i < MFI_TILE_ROWS ? rows - i : MFI_TILE_ROWS;
        pack_values(depth, count, a + i, lda, block);
        if (count == MFI_TILE_ROWS && width == filled) {
            gradient_tile_of_values(depth, width, panel, block, add, c, ldc);
            continue;
        }
        for (size_t r = 0; add && r < count; r++)
            memcpy(sums + r * filled, c + r * ldc, width * sizeof *c);
        gradient_tile_of_values(depth, filled, panel, block, add, sums, filled);
        for (size_t r = 0; r < count; r++)
            memcpy(c + r * ldc, sums + r * filled, width * sizeof *c);
    }
}

static void scale_rows(size_t m, size_t n, float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * ldc + j] = beta == 0.0f ? 0.0f : beta * c[i * ldc + j];
}

/* One row of A does not pay for packing B, which is read once, as it lies. */
static void multiply_row(int trans_b, size_t n, size_t k, const float *a, const float *b, size_t ldb,
                         float beta, float *c)
{
    if (trans_b)
        dot_rows(1, n, k, a, 0, b, ldb, c, 0);
    for (size_t p = 0; p < k && !trans_b; p++)
        scale_add(n, p == 0 ? beta : 1.0f, c, a[p], b + p * ldb);
}

static void gemm(int trans_a, int trans_b, size_t m, size_t n, size_t k, float alpha, const float *a,
                 size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    float panel[GEMM_DEPTH * PANEL] __attribute__((aligned(64)));
    if (m == 1 && k > 0 && !trans_a && alpha == 1.0f && (!trans_b || beta == 0.0f)) {
        multiply_row(trans_b, n, k, a, b, ldb, beta, c);
        return;
    }
    if (beta != 1.0f && (beta != 0.0f || k == 0))
        scale_rows(m, n, beta, c, ldc);
    for (size_t p = 0, depth; p < k; p += depth) {
        bool add = beta != 0.0f || p > 0;
        depth = k - p < GEMM_DEPTH ? k - p : GEMM_DEPTH;
        for (size_t j = 0; j < n; j += PANEL) {
            size_t width = n - j < PANEL ? n - j : PANEL;
            pack_operand(trans_b, depth, width, alpha, trans_b ? b + j * ldb + p : b + p * ldb + j, ldb,
                         panel);
            if (trans_a)
                multiply_turned(m, depth, a + p * lda, lda, width, panel, add, c + j, ldc);
            else
                multiply_panel_of_values(m, depth, a + p, lda, width, panel, add, c + j, ldc);
        }
    }
}
