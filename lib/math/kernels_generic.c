/* The kernels for any machine: four lanes are what every SIMD unit has (SSE2, NEON). */
#define MFI_TABLE mfi_kernels_generic
#define MFI_LANES 4
#include "math/kernels_body.h"
