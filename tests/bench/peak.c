/* Owns: loops of multiply-adds in registers, one for each instruction set.
 *
 * A multiply-add takes about 4 cycles and a core begins two in each, or four, so that 8 to 16 sums have to be
 * on their way. Each loop has as many as there are registers for. */
#include "peak.h"

#include <stddef.h>

#include "support.h"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__has_include)
#if __has_include(<avx512bf16intrin.h>)
#define KNOWS_BF16
#endif
#endif
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Runs the loop so many times, and returns the FLOPs of one time. */
typedef size_t peak_loop(size_t times);

/* The optimizer must neither know what the sums begin with nor see that nobody reads them. */
static volatile float start = 1.0f, step = 1e-6f;
static volatile float sink;

#define UNROLLED _Pragma("GCC unroll 32") for

/* A loop over SUMS vectors. The rest is how this instruction set spells its vectors, a vector of equal lanes,
 * one multiply-add, and the first lane. */
#define PEAK_LOOP(NAME, SUMS, VECTOR, INPUT, SPLAT, SPLAT_INPUT, ADD, FIRST, FLOPS) \
    static size_t NAME(size_t times)                                                \
    {                                                                               \
        VECTOR sums[SUMS];                                                          \
        const INPUT a = SPLAT_INPUT(start), b = SPLAT_INPUT(step);                  \
        UNROLLED(int i = 0; i < SUMS; i++) sums[i] = SPLAT(start + (float)i);       \
        for (size_t n = 0; n < times; n++) {                                        \
            UNROLLED(int i = 0; i < SUMS; i++) sums[i] = ADD(sums[i], a, b);        \
        }                                                                           \
        UNROLLED(int i = 0; i < SUMS; i++) sink = FIRST(sums[i]);                   \
        return (size_t)SUMS * (FLOPS);                                              \
    }

/* ---- what every compiler knows: vectors of 4 floats ---- */

typedef float four __attribute__((vector_size(16)));

/* Not sum + a b: that product is the same each time, so that a compiler without a multiply-add computes it
 * once. */
#define GENERIC_SPLAT(x) ((four){0} + (x))
#define GENERIC_ADD(sum, a, b) ((sum) * (a) + (b))
#define GENERIC_FIRST(sum) ((sum)[0])
PEAK_LOOP(generic_loop, 12, four, four, GENERIC_SPLAT, GENERIC_SPLAT, GENERIC_ADD, GENERIC_FIRST, 8)

#if defined(__aarch64__)
#define NEON_ADD(sum, a, b) vfmaq_f32(sum, a, b)
#define NEON_FIRST(sum) vgetq_lane_f32(sum, 0)
PEAK_LOOP(neon_loop, 24, float32x4_t, float32x4_t, vdupq_n_f32, vdupq_n_f32, NEON_ADD, NEON_FIRST, 8)
#endif

#if defined(__x86_64__)
#define AVX2_ADD(sum, a, b) _mm256_fmadd_ps(a, b, sum)
__attribute__((target("avx2,fma")))
PEAK_LOOP(avx2_loop, 12, __m256, __m256, _mm256_set1_ps, _mm256_set1_ps, AVX2_ADD, _mm256_cvtss_f32, 16)

#define AVX512_ADD(sum, a, b) _mm512_fmadd_ps(a, b, sum)
    __attribute__((target("avx512f"))) PEAK_LOOP(avx512_loop, 16, __m512, __m512, _mm512_set1_ps,
                                                 _mm512_set1_ps, AVX512_ADD, _mm512_cvtss_f32, 32)
#endif

#if defined(KNOWS_BF16)
/* Of a float32 the upper half is the bf16, so that each pair is the value and what its lower bits say. */
#define BF16_SPLAT(x) ((__m512bh)_mm512_set1_ps(x))
        __attribute__((target("avx512f,avx512bf16")))
        PEAK_LOOP(bf16_loop, 16, __m512, __m512bh, _mm512_set1_ps, BF16_SPLAT, _mm512_dpbf16_ps,
                  _mm512_cvtss_f32, 64)
#endif

            static peak_loop *float32_loop(const char **name)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return *name = "avx512", avx512_loop;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return *name = "avx2", avx2_loop;
#elif defined(__aarch64__)
    return *name = "neon", neon_loop;
#endif
    return *name = "generic", generic_loop;
}

static double peak_of(peak_loop *loop)
{
    enum { AT_A_TIME = 4000 };
    const double long_enough = 0.01;
    double flops = 0.0, begin = seconds_now(), time;
    do {
        flops += AT_A_TIME * (double)loop(AT_A_TIME);
        time = seconds_now() - begin;
    } while (time < long_enough);
    return flops / time;
}

double peak_float32(void)
{
    const char *name;
    return peak_of(float32_loop(&name));
}

static int has_bf16(void)
{
#if defined(KNOWS_BF16)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16");
#else
    return 0;
#endif
}

double peak_bf16(void)
{
#if defined(KNOWS_BF16)
    if (has_bf16())
        return peak_of(bf16_loop);
#endif
    return 0.0;
}

double peak_for(int bf16)
{
    return bf16 && has_bf16() ? peak_bf16() : peak_float32();
}

const char *peak_name_for(int bf16)
{
    return bf16 && has_bf16() ? "bf16" : "float32";
}

const char *peak_instructions(void)
{
    const char *name;
    float32_loop(&name);
    return name;
}
