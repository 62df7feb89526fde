/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "threads.h"

#include "complain.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool threads_set(size_t threads)
{
    if (threads == 0)
        return true;
    mf_status status = mf_blas_set_threads((int32_t)threads);
    return (threads == 1 && status == MF_STATUS_UNSUPPORTED) || library_ok(status);
}

size_t threads_usual(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 0 : (size_t)processors;
}

void threads_report(size_t workers, const char *precision)
{
    int32_t threads;
    printf("library   libmonoforward %s, products by %s", mf_version(), mf_products_name());
    if (strcmp(mf_products_name(), "blas") == 0)
        printf(" (%s)", mf_blas_name());
    printf(" in %s", precision);
    if (workers > 0)
        printf(", %zu thread%s share%s the work", workers, workers == 1 ? "" : "s", workers == 1 ? "s" : "");
    else
        printf(", one thread");
    if (mf_blas_get_threads(&threads) == MF_STATUS_OK && threads > 1)
        printf(", BLAS library with %d threads", (int)threads);
    printf("\n");
}

bool threads_open(size_t threads, mf_pool **pool)
{
    mf_pool_spec spec;
    *pool = NULL;
    if (threads == 0)
        return true;
    if (!library_ok(mf_pool_spec_init(&spec, sizeof spec)))
        return false;
    spec.threads = (uint32_t)threads;
    return library_ok(mf_pool_create(&spec, pool));
}
