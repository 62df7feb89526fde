/* The kernels as a Cortex-M has them, without vectors: kernels_generic.c of another machine has no other test
 * here. SPDX-License-Identifier: MIT */
#define MFI_TABLE kernels_scalar
#define MFI_LANES 1
#define MFI_TILE_ROWS 4
#define MFI_TILE_VECTORS 2
#include "math/kernels_body.h"
