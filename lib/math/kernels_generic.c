/* The kernels for any processor: every SIMD unit has at least four lanes (SSE2, NEON). A Cortex-M has none. */
#define MFI_TABLE mfi_kernels_generic
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define MFI_LANES 1
#else
#define MFI_LANES 4
#endif
#ifdef __aarch64__ /* 32 registers instead of 16 */
#define MFI_TILE_ROWS 6
#define MFI_TILE_VECTORS 4
#else
#define MFI_TILE_ROWS 4
#define MFI_TILE_VECTORS 2
#endif
#include "math/kernels_body.h"
