/* One CMocka test for each instruction set, from a function check_variant(kernels, index) of the file that
 * includes this. SPDX-License-Identifier: MIT */
#ifndef TEST_VARIANTS_H
#define TEST_VARIANTS_H

#include "check.h"
#include "math/kernels.h"

static void check_variant(const mfi_kernels *kernels, int index);

static void test_variant(int index)
{
    const mfi_kernels *kernels = mfi_kernels_variant(index);

    if (kernels == NULL)
        skip_because(index == 1 ? "this processor has no AVX2" : "this processor has no AVX-512");
    check_variant(kernels, index);
}

static void test_generic(void **state)
{
    (void)state;
    assert_non_null(mfi_kernels_variant(0));
    test_variant(0);
}

static void test_avx2(void **state)
{
    (void)state;
    test_variant(1);
}

static void test_avx512(void **state)
{
    (void)state;
    test_variant(2);
}

extern const mfi_kernels kernels_scalar;

static void test_scalar(void **state)
{
    (void)state;
    check_variant(&kernels_scalar, 3);
}

/* The beginning of a list of tests. */
#define VARIANT_TESTS                                                                           \
    cmocka_unit_test(test_generic), cmocka_unit_test(test_avx2), cmocka_unit_test(test_avx512), \
        cmocka_unit_test(test_scalar)

#endif
