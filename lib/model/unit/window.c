/* Owns: the windows that a convolution or a pooling moves over maps. */
#include "model/unit/window.h"

#include <string.h>

#include "base/status.h"
#include "model/checks.h"

static const char *const directions[2] = {"vertical", "horizontal"};

/* Windows that fit in `room` values, one of which `size` takes; the caller has seen that it fits. */
static size_t count_windows(uint64_t room, size_t size, size_t stride)
{
    return (size_t)((room - size) / stride + 1);
}

static mf_status check_pair(const char *name, const size_t values[2], size_t least)
{
    char words[48];
    for (int d = 0; d < 2; d++) {
        strcpy(words, directions[d]);
        strcat(strcat(words, " "), name);
        MFI_TRY(mfi_check_size(words, values[d], least));
    }
    return MF_STATUS_OK;
}

/* Windows cover values of the map, wherever they lie. */
static mf_status check_room(const char *what, const size_t map[2], const size_t size[2],
                           const size_t padding[2])
{
    for (int d = 0; d < 2; d++) {
        if (padding[d] >= size[d])
            return mfi_fail(MF_STATUS_ARGUMENT, "the %s padding must be below the %s's %zu, got %zu",
                            directions[d], what, size[d], padding[d]);
        if (size[d] > (uint64_t)map[d] + 2 * (uint64_t)padding[d])
            return mfi_fail(MF_STATUS_SHAPE, "a %zux%zu %s does not fit a %zux%zu map with %zux%zu padding",
                            size[0], size[1], what, map[0], map[1], padding[0], padding[1]);
    }
    return MF_STATUS_OK;
}

mf_status mfi_check_kernel(const size_t map[2], const size_t kernel[2], const size_t stride[2],
                           const size_t padding[2])
{
    MFI_TRY(check_pair("kernel", kernel, 1));
    MFI_TRY(check_pair("stride", stride, 1));
    MFI_TRY(check_pair("padding", padding, 0));
    return check_room("kernel", map, kernel, padding);
}

mf_status mfi_check_pool(const size_t map[2], const size_t size[2], const size_t stride[2],
                         const size_t padding[2])
{
    MFI_TRY(check_pair("pool_size", size, 1));
    MFI_TRY(check_pair("pool_stride", stride, 0));
    MFI_TRY(check_pair("padding", padding, 0));
    return check_room("pool", map, size, padding);
}

mf_status mfi_check_cells(size_t cells, const size_t map[2])
{
    if (cells > map[0] || cells > map[1])
        return mfi_fail(MF_STATUS_SHAPE, "a %zux%zu head does not fit %zux%zu pooled maps", cells, cells,
                        map[0], map[1]);
    return MF_STATUS_OK;
}

mfi_pool mfi_no_pooling(const size_t map[2])
{
    return (mfi_pool){.kind = MF_POOL_NONE, .map = {map[0], map[1]}, .pooled = {map[0], map[1]}};
}

mfi_pool mfi_pooling(const size_t map[2], int32_t kind, const size_t size[2], const size_t stride[2],
                     const size_t padding[2])
{
    mfi_pool pool = {.kind = kind};
    for (int d = 0; d < 2; d++) {
        pool.map[d] = map[d];
        pool.size[d] = size[d];
        pool.stride[d] = stride[d] ? stride[d] : size[d];
        pool.padding[d] = padding[d];
        pool.pooled[d] = count_windows((uint64_t)map[d] + 2 * (uint64_t)padding[d], size[d], pool.stride[d]);
    }
    return pool;
}

mfi_geometry mfi_convolution(const mf_shape *input, size_t filters, const size_t kernel[2],
                             const size_t stride[2], const size_t padding[2])
{
    mfi_geometry g = {
        .channels = input->dims[0],
        .height = input->dims[1],
        .width = input->dims[2],
        .filters = filters,
        .patch_size = input->dims[0] * kernel[0] * kernel[1],
    };
    for (int d = 0; d < 2; d++) {
        g.kernel[d] = kernel[d];
        g.stride[d] = stride[d];
        g.padding[d] = padding[d];
        g.map[d] =
            count_windows((uint64_t)input->dims[1 + d] + 2 * (uint64_t)padding[d], kernel[d], stride[d]);
    }
    g.pixels = g.map[0] * g.map[1];
    mfi_convolution_pool(&g, mfi_no_pooling(g.map));
    return g;
}

void mfi_convolution_pool(mfi_geometry *g, mfi_pool pool)
{
    g->pool = pool;
    g->pooled = pool.pooled[0] * pool.pooled[1];
}
