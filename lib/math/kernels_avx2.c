/* The kernels for x86-64 with AVX2 and FMA. */
#define MFI_TABLE mfi_kernels_avx2
#define MFI_USES_AVX2
#define MFI_LANES 8
#define MFI_TILE_ROWS 6
#define MFI_TILE_VECTORS 2
#include "math/kernels_body.h"
