/* The kernels for any processor: every SIMD unit has at least four lanes (SSE2, NEON). */
#define MFI_TABLE mfi_kernels_generic
#define MFI_LANES 4
#include "math/kernels_body.h"
