/* Owns: the name of the BLAS library that is used, and the number of its threads, which belongs to the
 * process and not to this library. */
#ifndef MFI_MATH_BLAS_H
#define MFI_MATH_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* "openblas", "blis", "mkl", "other" or "builtin". */
const char *mfi_blas_name(void);

/* False if the BLAS library has no threads, or no known function that sets their number. */
bool mfi_blas_set_threads(int32_t threads);
bool mfi_blas_get_threads(int32_t *threads);

/* The address of a function of the BLAS library, from the file that calls it. */
void *mfi_gemm_library_address(void);

#endif
