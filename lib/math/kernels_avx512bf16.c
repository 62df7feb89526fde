/* The products of bf16 for x86-64 with AVX512-BF16, whose other kernels are those of AVX-512. */
#define MFI_USES_AVX512
#define MFI_USES_AVX512_BF16
#define MFI_ONLY_PAIRS
#define MFI_LANES 16
#define MFI_TILE_ROWS 8
#define MFI_TILE_VECTORS 3
#include <math.h>
#include <string.h>

#include "math/kernels.h"
#include "math/updates_body.h"
#include "math/products_body.h"

extern const mfi_panel_products mfi_products_avx512bf16;
const mfi_panel_products mfi_products_avx512bf16 = PRODUCTS_OF_PAIRS;
