/* A host that has unmasked floating-point exceptions. SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "host.h"

#include <fenv.h>
#include <stdio.h>

#if HOST_CAN_UNMASK
#include <xmmintrin.h>
#endif

const uint32_t hostile[HOSTILE_NUMBERS] = {0x7FC00000, 0x7F800001, 0xFFC00000,
                                           0x7F800000, 0xFF800000, LARGEST_BITS};

/* To hand a signalling NaN to a function is an exception already on 32-bit x86: the host's, not the
 * library's. */
#ifdef __i386__
#define SIGNALLING UINT64_C(0x7FF8000000000001)
#else
#define SIGNALLING UINT64_C(0x7FF0000000000001)
#endif

double hostile_double(size_t number)
{
    static const uint64_t doubles[HOSTILE_NUMBERS] = {
        UINT64_C(0x7FF8000000000000), SIGNALLING,
        UINT64_C(0xFFF8000000000000), UINT64_C(0x7FF0000000000000),
        UINT64_C(0xFFF0000000000000), UINT64_C(0x7FEFFFFFFFFFFFFF)};
    double value;

    memcpy(&value, &doubles[number], sizeof value);
    return value;
}

#if HOST_CAN_UNMASK

enum { UNMASKED = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW };

static void unmask(void)
{
    feenableexcept(UNMASKED);
}

static void mask(void)
{
    feclearexcept(FE_ALL_EXCEPT);
    fedisableexcept(FE_ALL_EXCEPT);
}

void unmask_all(void)
{
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(FE_ALL_EXCEPT);
}

void unmask_again(void)
{
    mask();
    unmask();
}

void check_mode_at(const char *file, int line)
{
    /* fegetexcept() asks the x87 unit alone; the bits of SSE are in the same order, 7 higher. */
    const unsigned masks = _mm_getcsr() >> 7;

    if (fegetexcept() == UNMASKED && (~masks & FE_ALL_EXCEPT) == UNMASKED)
        return;
    print_error("the call has changed which exceptions trap\n");
    _fail(file, line);
}

int skip_without_host(void)
{
    return 0;
}

#else

static void unmask(void)
{
}

static void mask(void)
{
}

void unmask_all(void)
{
}

void unmask_again(void)
{
}

void check_mode_at(const char *file, int line)
{
    (void)file;
    (void)line;
}

int skip_without_host(void)
{
    printf("skip: no feenableexcept(), or a processor without SSE\n");
    return 77;
}

#endif

int set_up_host(void **state)
{
    const size_t widths[] = {HOST_INPUTS, HOST_INPUTS, HOST_INPUTS};
    mf_pipeline_spec spec;
    host *h = get_zeroed(1, sizeof *h);

    h->optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 1e-3);
    h->network = make_stack(widths, 2, HOST_CLASSES, 1, h->optimizer);
    h->layer = layer_at(h->network, 0);
    h->workspace = make_network_workspace(h->network, HOST_ROWS);
    h->of_layer = make_layer_workspace(h->layer, HOST_ROWS);
    check_ok(mf_pipeline_spec_init(&spec, sizeof spec));
    spec.network = h->network;
    spec.max_batch = HOST_ROWS;
    check_ok(mf_pipeline_create(&spec, &h->pipeline));
    *state = h;
    unmask();
    return 0;
}

int tear_down_host(void **state)
{
    host *h = *state;

    mask();
    mf_pipeline_free(h->pipeline);
    mf_workspace_free(h->workspace);
    mf_workspace_free(h->of_layer);
    mf_network_free(h->network);
    mf_optimizer_free(h->optimizer);
    free(h);
    return 0;
}

void fill_hostile(float *x, size_t count, uint32_t bits)
{
    for (size_t i = 0; i < count; i++)
        x[i] = 1.0f;
    memcpy(x + count / 2, &bits, sizeof bits);
}

void check_not_finite(uint32_t bits, mf_status status)
{
    if (status != MF_STATUS_OK || bits != LARGEST_BITS)
        check_status(MF_STATUS_NUMERIC, status);
    check_mode();
}
