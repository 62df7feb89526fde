/* The exported functions about the library itself. */
#include "api/check.h"
#include "base/version.h"
#include "math/blas.h"
#include "math/products.h"

const char *mf_version(void)
{
    return MFI_VERSION;
}

const char *mf_products_name(void)
{
    mfi_products products = mfi_products_choose(MFI_FLOAT32);
    return mfi_products_name(&products);
}

const char *mf_blas_name(void)
{
    return mfi_blas_name();
}

static mf_status no_threads(void)
{
    return mfi_fail(MF_STATUS_UNSUPPORTED, "the BLAS library (%s) has no thread count that can be set",
                    mfi_blas_name());
}

mf_status mf_blas_set_threads(int32_t threads)
{
    if (threads < 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "the number of threads must be at least 1, got %d", (int)threads);
    return mfi_blas_set_threads(threads) ? MF_STATUS_OK : no_threads();
}

mf_status mf_blas_get_threads(int32_t *threads)
{
    MFI_TRY(mfi_check_pointer(threads, "the out-pointer of the number of threads"));
    return mfi_blas_get_threads(threads) ? MF_STATUS_OK : no_threads();
}
