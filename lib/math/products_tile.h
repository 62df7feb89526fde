/* The part of products_body.h that is the same for both kinds of operands, included once for each: ELEMENT is
 * what stands for an inner index, or for two of them in a pair; ELEMENTS a vector of it; OF(name) makes
 * names.
 *
 * All products are one tile: MFI_TILE_ROWS x MFI_TILE_VECTORS vectors of sums that stay in registers, while a
 * second operand in panels (order.h) is read as vectors, and the first one element by element. Each sum runs
 * over the inner index in order, from the first to the last, so a value's bits depend neither on the tile it
 * lies in nor on the number of rows or threads. */

/* Where element (r, p) of A is: a[r row + p step], or, in a product that gathers A, a[row_at[r] +
 * inner_at[p]].
 */
typedef struct OF(operand) {
    const ELEMENT *a;
    size_t row, step;
    const uint32_t *row_at, *inner_at;
} OF(operand);

/* C [rows, vectors of lanes] = A B, or += with `add`, from row `first` of A on; B [inner, vectors of lanes]
 * is dense. Sums that are gathered are added to C when they are complete, others go on from C. `gathers`,
 * `rows` and `vectors` are constants when this is inlined. */
INLINE void OF(multiply_tile)(bool gathers, int rows, int vectors, size_t inner, OF(operand) a, size_t first,
                              const ELEMENT *b, bool add, float *c, size_t ldc)
{
    vector sum[MFI_TILE_ROWS][MFI_TILE_VECTORS] = {{{0}}};
    const ELEMENT *row[MFI_TILE_ROWS];
    UNROLL(16)
    for (int r = 0; r < rows; r++)
        row[r] = a.a + (gathers ? a.row_at[first + (size_t)r] : (first + (size_t)r) * a.row);
    if (add && !gathers) {
        UNROLL(16)
        for (int r = 0; r < rows; r++) {
            UNROLL(4)
            for (int v = 0; v < vectors; v++)
                sum[r][v] = load(c + (size_t)r * ldc + v * MFI_LANES);
        }
    }
    for (size_t p = 0; p < inner; p++) {
        size_t at = gathers ? a.inner_at[p] : p * a.step;
        OF(add_step)(rows, vectors, row, at, b + p * (size_t)vectors * MFI_LANES, sum);
    }
    UNROLL(16)
    for (int r = 0; r < rows; r++) {
        UNROLL(4)
        for (int v = 0; v < vectors; v++) {
            float *to = c + (size_t)r * ldc + v * MFI_LANES;
            if (add && gathers)
                sum[r][v] += load(to);
            store(to, sum[r][v]);
        }
    }
}

/* All rows of A with one panel. */
INLINE void OF(multiply_rows)(bool gathers, int vectors, size_t rows, size_t inner, OF(operand) a,
                              const ELEMENT *b, bool add, float *c, size_t ldc)
{
    size_t i = 0;
    for (; i + MFI_TILE_ROWS <= rows; i += MFI_TILE_ROWS)
        OF(multiply_tile)(gathers, MFI_TILE_ROWS, vectors, inner, a, i, b, add, c + i * ldc, ldc);
    for (; i + 4 <= rows; i += 4)
        OF(multiply_tile)(gathers, 4, vectors, inner, a, i, b, add, c + i * ldc, ldc);
    for (; i + 2 <= rows; i += 2)
        OF(multiply_tile)(gathers, 2, vectors, inner, a, i, b, add, c + i * ldc, ldc);
    if (i < rows)
        OF(multiply_tile)(gathers, 1, vectors, inner, a, i, b, add, c + i * ldc, ldc);
}

/* All rows of A with one panel of `width` columns, which are whole vectors. */
INLINE void OF(multiply_width)(bool gathers, size_t rows, size_t inner, OF(operand) a, size_t width,
                               const ELEMENT *b, bool add, float *c, size_t ldc)
{
    switch (width / MFI_LANES) {
    case 1:
        OF(multiply_rows)(gathers, 1, rows, inner, a, b, add, c, ldc);
        break;
#if MFI_TILE_VECTORS > 2
    case 2:
        OF(multiply_rows)(gathers, 2, rows, inner, a, b, add, c, ldc);
        break;
#endif
#if MFI_TILE_VECTORS > 3
    case 3:
        OF(multiply_rows)(gathers, 3, rows, inner, a, b, add, c, ldc);
        break;
#endif
    default:
        OF(multiply_rows)(gathers, MFI_TILE_VECTORS, rows, inner, a, b, add, c, ldc);
        break;
    }
}

static void OF(multiply_whole)(size_t rows, size_t inner, const ELEMENT *a, size_t lda, size_t width,
                               const ELEMENT *b, bool add, float *c, size_t ldc)
{
    OF(multiply_width)(false, rows, inner, (OF(operand)){a, lda, 1, NULL, NULL}, width, b, add, c, ldc);
}

static void OF(gather_product)(size_t rows, size_t depth, const void *a, const uint32_t *row_at,
                               const uint32_t *inner_at, size_t width, const void *b, bool add, float *c)
{
    OF(multiply_width)(true, rows, depth, (OF(operand)){a, 0, 0, row_at, inner_at}, width, b, add, c, width);
}

/* The same for any number of columns: those of the last panel may not be whole vectors. Then C is computed in
 * a place of its own. */
static void OF(multiply_panel)(size_t rows, size_t inner, const ELEMENT *a, size_t lda, size_t columns,
                               const ELEMENT *b, bool add, float *c, size_t ldc)
{
    size_t width = filled_columns(columns);
    if (width == columns) {
        OF(multiply_whole)(rows, inner, a, lda, width, b, add, c, ldc);
        return;
    }
    float t[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64))) = {0};
    for (size_t i = 0, block; i < rows; i += block) {
        block = rows - i < MFI_TILE_ROWS ? rows - i : MFI_TILE_ROWS;
        for (size_t r = 0; add && r < block; r++)
            memcpy(t + r * width, c + (i + r) * ldc, columns * sizeof *c);
        OF(multiply_whole)(block, inner, a + i * lda, lda, width, b, add, t, width);
        for (size_t r = 0; r < block; r++)
            memcpy(c + (i + r) * ldc, t + r * width, columns * sizeof *c);
    }
}

/* One or two rows have too few sums to hide the latency of multiply-adds: they meet several panels at once.
 * Each sum runs as in multiply_tile(). */
INLINE void OF(multiply_across)(int rows, int panels, size_t inner, const ELEMENT *a, size_t lda,
                                const ELEMENT *b, bool add, float *c, size_t ldc)
{
    vector sum[4][MFI_TILE_VECTORS] = {{{0}}};
    for (int q = 0; add && q < panels; q++)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < MFI_TILE_VECTORS; v++)
                sum[q * rows + r][v] = load(c + (size_t)r * ldc + q * PANEL + v * MFI_LANES);
    for (size_t p = 0; p < inner; p++) {
        UNROLL(4)
        for (int q = 0; q < panels; q++) {
            UNROLL(4)
            for (int v = 0; v < MFI_TILE_VECTORS; v++) {
                ELEMENTS x = LOAD_ELEMENTS(b + ((size_t)q * inner + p) * PANEL + v * MFI_LANES);
                UNROLL(2)
                for (int r = 0; r < rows; r++)
                    sum[q * rows + r][v] = ADD_ELEMENTS(sum[q * rows + r][v], a[(size_t)r * lda + p], x);
            }
        }
    }
    for (int q = 0; q < panels; q++)
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < MFI_TILE_VECTORS; v++)
                store(c + (size_t)r * ldc + q * PANEL + v * MFI_LANES, sum[q * rows + r][v]);
}

static void OF(multiply)(size_t rows, size_t inner, const void *first, size_t lda, size_t columns,
                         const void *second, bool add, float *c, size_t ldc)
{
    const ELEMENT *a = first, *panels = second;
    size_t j = 0;
    for (; rows == 1 && j + 4 * PANEL <= columns; j += 4 * PANEL)
        OF(multiply_across)(1, 4, inner, a, lda, panels + j * inner, add, c + j, ldc);
    for (; rows == 2 && j + 2 * PANEL <= columns; j += 2 * PANEL)
        OF(multiply_across)(2, 2, inner, a, lda, panels + j * inner, add, c + j, ldc);
    for (; j < columns; j += PANEL) {
        size_t width = columns - j < PANEL ? columns - j : PANEL;
        size_t filled = filled_columns(width);
        for (size_t p = 0, depth; p < inner; p += depth) {
            depth = inner - p < BLOCK_DEPTH ? inner - p : BLOCK_DEPTH;
            OF(multiply_panel)
            (rows, depth, a + p, lda, width, panels + j * inner + p * filled, add || p > 0, c + j, ldc);
        }
    }
}

/* ---- the gradient of a panel ---- */

/* g [MFI_TILE_ROWS, width], or += with `add`, of one block of columns. */
static void OF(gradient_tile)(size_t batch, size_t width, const ELEMENT *dz, const ELEMENT *packed, bool add,
                              float *g, size_t ldg)
{
    const OF(operand) a = {packed, 1, MFI_TILE_ROWS, NULL, NULL};
    switch (width / MFI_LANES) {
    case 1:
        OF(multiply_tile)(false, MFI_TILE_ROWS, 1, batch, a, 0, dz, add, g, ldg);
        break;
#if MFI_TILE_VECTORS > 2
    case 2:
        OF(multiply_tile)(false, MFI_TILE_ROWS, 2, batch, a, 0, dz, add, g, ldg);
        break;
#endif
#if MFI_TILE_VECTORS > 3
    case 3:
        OF(multiply_tile)(false, MFI_TILE_ROWS, 3, batch, a, 0, dz, add, g, ldg);
        break;
#endif
    default:
        OF(multiply_tile)(false, MFI_TILE_ROWS, MFI_TILE_VECTORS, batch, a, 0, dz, add, g, ldg);
        break;
    }
}

static void OF(gradient_panel)(size_t batch, size_t columns, size_t width, const void *dz, const void *packed,
                               float *gradient)
{
    float g[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64)));
    size_t depth = OF(depth)(batch);
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS) {
        size_t block = columns - j < MFI_TILE_ROWS ? columns - j : MFI_TILE_ROWS;
        OF(gradient_tile)(depth, width, dz, (const ELEMENT *)packed + j * depth, false, g, width);
        memcpy(gradient + j * width, g, block * width * sizeof *g);
    }
}

/* A panel, vector by vector from the rows: the sums run as in a tile. Returns what update_rows() does. */
INLINE mask OF(update_vectors)(mfi_rule_kind kind, int slots, const mfi_rule *rule, size_t depth,
                               size_t columns, size_t width, const ELEMENT *dz, const ELEMENT *packed,
                               float *p, float *s0, float *s1)
{
    const mfi_rule r = *rule;
    mask joined = {0};
    for (size_t j = 0; j < columns; j++) {
        const ELEMENT *x = packed + j / MFI_TILE_ROWS * MFI_TILE_ROWS * depth + j % MFI_TILE_ROWS;
        for (size_t v = 0; v < width; v += MFI_LANES) {
            size_t at = j * width + v;
            vector g = {0}, first = {0}, second = {0};
            for (size_t b = 0; b < depth; b++)
                g = ADD_ELEMENTS(g, x[b * MFI_TILE_ROWS], LOAD_ELEMENTS(dz + b * width + v));
            if (slots > 0)
                first = load(s0 + at);
            if (slots > 1)
                second = load(s1 + at);
            vector value = apply_rule(kind, &r, load(p + at), g, &first, &second);
            store(p + at, value);
            if (slots > 0)
                store(s0 + at, first);
            if (slots > 1)
                store(s1 + at, second);
            joined |= zero_if_finite(value);
        }
    }
    return joined;
}

INLINE mask OF(update_rows)(const mfi_rule *rule, size_t depth, size_t columns, size_t width,
                            const ELEMENT *dz, const ELEMENT *packed, float *p, float *s0, float *s1)
{
    switch (rule->kind) {
    case MFI_RULE_SGD:
        return OF(update_vectors)(MFI_RULE_SGD, 0, rule, depth, columns, width, dz, packed, p, s0, s1);
    case MFI_RULE_MOMENTUM:
        return OF(update_vectors)(MFI_RULE_MOMENTUM, 1, rule, depth, columns, width, dz, packed, p, s0, s1);
    case MFI_RULE_NESTEROV:
        return OF(update_vectors)(MFI_RULE_NESTEROV, 1, rule, depth, columns, width, dz, packed, p, s0, s1);
    case MFI_RULE_ADAM:
        return OF(update_vectors)(MFI_RULE_ADAM, 2, rule, depth, columns, width, dz, packed, p, s0, s1);
    case MFI_RULE_RMSPROP:
        return OF(update_vectors)(MFI_RULE_RMSPROP, 1, rule, depth, columns, width, dz, packed, p, s0, s1);
    default:
        return OF(update_vectors)(MFI_RULE_RMSPROP_MOMENTUM, 2, rule, depth, columns, width, dz, packed, p,
                                  s0, s1);
    }
}

static mask OF(update_few)(const mfi_rule *rule, size_t depth, size_t columns, size_t width,
                           const ELEMENT *dz, const ELEMENT *packed, float *p, float *s0, float *s1)
{
    if (depth == 1)
        return OF(update_rows)(rule, 1, columns, width, dz, packed, p, s0, s1);
    return OF(update_rows)(rule, depth, columns, width, dz, packed, p, s0, s1);
}

static bool OF(update_panel)(const mfi_rule *rule, size_t batch, size_t columns, size_t width, const void *dz,
                             const void *packed, float *p, float *s0, float *s1, void *copy)
{
    float g[MFI_TILE_ROWS * PANEL] __attribute__((aligned(64)));
    size_t depth = OF(depth)(batch);
    mask joined = {0};
    if (batch <= FEW_ROWS) {
        joined = OF(update_few)(rule, depth, columns, width, dz, packed, p, s0, s1);
        OF(copy_block)(columns, width, p, copy, 0);
        return all_zeros(joined);
    }
    for (size_t j = 0; j < columns; j += MFI_TILE_ROWS) {
        size_t block = columns - j < MFI_TILE_ROWS ? columns - j : MFI_TILE_ROWS;
        size_t at = j * width, count = block * width;
        float *t0 = s0 ? s0 + at : NULL, *t1 = s1 ? s1 + at : NULL;
        prefetch(p + at, count);
        prefetch(t0, count);
        prefetch(t1, count);
        OF(gradient_tile)(depth, width, dz, (const ELEMENT *)packed + j * depth, false, g, width);
        joined |= update_values(rule, 1, count, p + at, count, g, count, t0, t1);
        OF(copy_block)(block, width, p + at, copy, OF(depth)(j) * width);
    }
    return all_zeros(joined);
}

/* ---- the gradient with respect to the input ---- */

static void OF(input_gradient)(size_t rows, size_t n, const void *dz, size_t lddz, size_t columns,
                               const float *panels, size_t first, size_t end, float *dx, void *room)
{
    for (size_t j = first; j < end; j += PANEL) {
        size_t width = end - j < PANEL ? end - j : PANEL;
        OF(transpose)(n, columns, panels, j, width, room);
        OF(multiply_panel)(rows, OF(depth)(n), dz, lddz, width, room, false, dx + j, columns);
    }
}

#undef ELEMENT
#undef ELEMENTS
#undef LOAD_ELEMENTS
#undef ADD_ELEMENTS
#undef OF
