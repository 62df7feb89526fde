/* The kernels for any processor: every SIMD unit has at least four lanes (SSE2, NEON). */
#define MFI_TABLE mfi_kernels_generic
#define MFI_LANES 4
#ifdef __aarch64__ /* 32 registers instead of 16 */
#define MFI_TILE_ROWS 6
#define MFI_TILE_VECTORS 4
#else
#define MFI_TILE_ROWS 4
#define MFI_TILE_VECTORS 2
#endif
#include "math/kernels_body.h"
