/* What Adam's update costs by itself, by where its state comes from.
 *
 * in=cache: few enough parameters for the second-level cache. in=memory: those of four layers of 1000 x
 * 1000, one after the other, again and again. in=training: the same with the product dz^T x of a batch of
 * 128 before every panel, untimed, as in a step; the time between two uses of a parameter is what differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/gemm.h"
#include "math/kernels.h"
#include "support.h"

enum { WIDTH = 1000, ROWS = 128, PANEL = 96, LAYERS = 4, MOST_ROUNDS = 101 };

typedef struct state {
    size_t count;
    float *p, *m, *v;
} state;

static float *filled(size_t count, float value)
{
    float *values = make_inputs(count);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    return values;
}

static state make_state(size_t count)
{
    return (state){count, filled(count, 0.1f), filled(count, 1e-3f), filled(count, 1e-6f)};
}

static void free_state(state *s)
{
    free(s->p);
    free(s->m);
    free(s->v);
}

/* Seconds that the updates of all parameters take, in panels. */
static double update_all(const mfi_kernels *kernels, const state *s, float *g, const float *dz,
                         const float *x)
{
    const mfi_rule rule = {.kind = MFI_RULE_ADAM,
                           .rate = 1e-3f,
                           .keep = 1.0f,
                           .beta1 = 0.9f,
                           .beta2 = 0.999f,
                           .epsilon = 1e-8f,
                           .root = 1.0f};
    double seconds = 0.0;
    for (size_t start = 0; start < s->count; start += PANEL * WIDTH) {
        size_t count = s->count - start < PANEL * WIDTH ? s->count - start : PANEL * WIDTH;
        if (dz)
            mfi_gemm(MFI_TRANS, MFI_NO_TRANS, PANEL, WIDTH, ROWS, 1e-6f, dz, PANEL, x, WIDTH, 0.0f, g, WIDTH);
        double before = seconds_now();
        kernels->update(&rule, 1, count, s->p + start, count, g, count, s->m + start, s->v + start);
        seconds += seconds_now() - before;
    }
    return seconds;
}

static void measure(const char *place, size_t count, size_t repeat, int products, size_t rounds)
{
    const mfi_kernels *kernels = mfi_kernels_select();
    state s = make_state(count);
    float *g = filled(PANEL * WIDTH, 1e-3f), *dz = make_inputs(ROWS * PANEL), *x = make_inputs(ROWS * WIDTH);
    double times[MOST_ROUNDS];
    update_all(kernels, &s, g, products ? dz : NULL, x);
    for (size_t round = 0; round < rounds; round++) {
        times[round] = 0.0;
        for (size_t i = 0; i < repeat; i++)
            times[round] += update_all(kernels, &s, g, products ? dz : NULL, x);
    }
    double each = median(times, rounds) / (double)(repeat * count);
    printf("result bench=update kernels=%s in=%s parameters=%zu ns_per_parameter=%.3f gb_s=%.1f\n",
           kernels->name, place, count, 1e9 * each, 24e-9 / each);
    free_state(&s);
    free(g);
    free(dz);
    free(x);
}

static const char OPTIONS[] = "[--rounds=21]";

int main(int argc, char **arguments)
{
    check_options(argc, arguments, OPTIONS);
    size_t rounds = strtoul(argument(argc, arguments, "rounds", "21"), NULL, 10);
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return 1;
    mf_blas_set_threads(1);
    measure("cache", 32768, 50, 0, rounds);
    measure("memory", (size_t)LAYERS * WIDTH * WIDTH, 1, 0, rounds);
    measure("training", (size_t)LAYERS * WIDTH * WIDTH, 1, 1, rounds);
    return 0;
}
