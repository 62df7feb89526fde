/* Philox4x32-10 against the known answers of Random123, and what is drawn from it.
 * SPDX-License-Identifier: MIT */
#include "base/rng.h"
#include "check.h"

/* kat_vectors of Random123 (Salmon, Moraes, Dror, Shaw). */
static const struct {
    uint32_t counter[4], key[2], out[4];
} answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_known_answers_are_reproduced(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        uint32_t out[4];

        mfi_philox4x32(answers[i].counter, answers[i].key, out);
        assert_memory_equal(out, answers[i].out, sizeof out);
    }
}

/* Every part of a stream's place counts: seed (both halves), purpose, draw (both halves), block. */
static void test_streams_differ(void **state)
{
    const uint64_t high = UINT64_C(1) << 32;
    const mfi_stream streams[] = {
        mfi_stream_of(1, MFI_PURPOSE_WEIGHT, 0),        mfi_stream_of(2, MFI_PURPOSE_WEIGHT, 0),
        mfi_stream_of(1 + high, MFI_PURPOSE_WEIGHT, 0), mfi_stream_of(1, MFI_PURPOSE_BIAS, 0),
        mfi_stream_of(1, MFI_PURPOSE_PROJECTION, 0),    mfi_stream_of(1, MFI_PURPOSE_DROPOUT, 0),
        mfi_stream_of(1, MFI_PURPOSE_WEIGHT, 1),        mfi_stream_of(1, MFI_PURPOSE_WEIGHT, high)};
    uint32_t blocks[2 * COUNT_OF(streams)][4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++)
        for (uint32_t block = 0; block < 2; block++)
            mfi_stream_block(&streams[i], block, blocks[2 * i + block]);
    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(blocks[i], blocks[j], sizeof blocks[i]);
}

static void test_unit_floats_are_between_0_and_1(void **state)
{
    (void)state;
    assert_true(mfi_unit_float(0) > 0.0f);
    assert_true(mfi_unit_float(UINT32_MAX) < 1.0f);
    assert_true(mfi_unit_float(UINT32_C(1) << 31) > 0.5f);
    assert_true(mfi_unit_float((UINT32_C(1) << 31) - 1) < 0.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers_are_reproduced),
        cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_unit_floats_are_between_0_and_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
