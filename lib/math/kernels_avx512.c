/* The kernels for x86-64 with AVX-512. */
#define MFI_TABLE mfi_kernels_avx512
#define MFI_USES_AVX512
#define MFI_LANES 16
#define MFI_TILE_ROWS 8
#define MFI_TILE_VECTORS 3
#include "math/kernels_body.h"
