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

/* The library's own function that tells its number of threads, looked up once, so that a step can ask. */
typedef struct mfi_blas_counter {
    void (*function)(void); /* NULL where there is none */
    bool wide;
} mfi_blas_counter;

mfi_blas_counter mfi_blas_find_counter(void);

/* 1 where nobody knows. */
int32_t mfi_blas_threads_now(const mfi_blas_counter *counter);

/* An address inside the library, from the file that calls it. */
void *mfi_gemm_library_address(void);

#endif
