/* Owns: which BLAS library runs, and its threads, which are the process's and not this library's. */
#ifndef MFI_MATH_BLAS_H
#define MFI_MATH_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* "openblas", "blis", "mkl", "other" or "builtin". */
const char *mfi_blas_name(void);

/* False if the library has no threads or no known way to set them. */
bool mfi_blas_set_threads(int32_t threads);
bool mfi_blas_get_threads(int32_t *threads);

/* An address inside the library, from the file that calls it. */
void *mfi_gemm_library_address(void);

#endif
