/* Vectors of 32-bit sums, one lane per output channel, on x86. A file that includes this defines EQ_X86 first:
 *
 *   EQ_AVX2         8 lanes; a step multiplies two activations of 16 bits by two weights in each lane
 *   EQ_AVX2_BYTES   8 lanes; a step multiplies four activations, unsigned, by four weights, two of which, neighbours
 * from an even one on, must not add up to more than 128 in magnitude: pairs of products are added in 16 bits
 *   EQ_AVX_VNNI     8 lanes; a step multiplies four activations, unsigned, by four weights
 *   EQ_AVX512_VNNI  16 lanes, likewise
 *
 * Where the instructions are missing their meaning in C stands for them, so that the same kernels run on any machine.
 */
#ifndef EQ_X86_VECTORS_H
#define EQ_X86_VECTORS_H

#include <stdint.h>
#include <string.h>

#include "eq/requant.h"

#define EQ_AVX2 1
#define EQ_AVX_VNNI 2
#define EQ_AVX512_VNNI 3
#define EQ_AVX2_BYTES 4

/* For a loop over what an array of vectors holds, which are to stay in registers. */
#define EQ_UNROLL _Pragma("GCC unroll 16")
#define EQ_INLINE static inline __attribute__((always_inline))

#if EQ_X86 == EQ_AVX512_VNNI
#define EQ_LANES 16
#define EQ_ACROSS 4 /* vectors of channels computed at once */
#else
#define EQ_LANES 8
#define EQ_ACROSS 2
#endif

/* Activations of a step, and what a tile of activations holds: signed halves, or bytes with the sign bit flipped. */
#if EQ_X86 == EQ_AVX2
#define EQ_STEP 2
#define EQ_VECTORS 2 /* of sums, whose channels are interleaved together */
typedef int16_t eq_activation;
#else
#define EQ_STEP 4
#define EQ_VECTORS 4
typedef uint8_t eq_activation;
#endif

/* Roundings beside those of eq_rounding: by one multiplication of floats, where that was proved to give the same. */
#define EQ_NEAREST ((eq_rounding)(EQ_DOUBLE + 1))
#define EQ_AWAY ((eq_rounding)(EQ_DOUBLE + 2))
#define EQ_FOR_EACH_FORM(X) EQ_FOR_EACH_ROUNDING(X) X(nearest, EQ_NEAREST) X(away, EQ_AWAY)
#define EQ_ROUND 12582912.0F /* 3 * 2^22: what is added to it has no fraction left */

/* What a scaled sum is bounded by, and then moved by; together they make bytes. */
typedef struct {
    int32_t low, high, zero_point, qmin, qmax;
} eq_bounds;

EQ_INLINE eq_bounds eq_bounds_of(int32_t zero_point, int32_t qmin, int32_t qmax)
{
    const eq_bounds b = {qmin - zero_point, qmax - zero_point, zero_point, qmin, qmax};
    return b;
}

/* Functions, besides those that say it in their names:
 *   eq_step           adds the products of a step of activations, the same in all lanes, and of weights
 *   eq_add_halves     the same with weights of 16 bits (EQ_AVX2)
 *   eq_halves_of      16 bytes as halves (EQ_AVX2); eq_halves_plus and eq_halves_minus add and subtract them
 *   eq_doubling_high  round(a * b / 2^31), halves up
 *   eq_high           floor(a * b / 2^32)
 *   eq_shift_right    floor(a / 2^shift)
 *   eq_power          2^shift
 *   eq_times          a * b, its lower half
 *   eq_widen          EQ_LANES bytes as sums
 *   eq_nearest        round((a + nudge) * factor), halves to even; the latter two are bits of 32-bit floats;
 *                     `away`: the nudge has the sign of a
 *   eq_weighted       round(b * factors[1] + (a * factors[0] + factors[2])) in floats, each sum rounded once, halves to
 *                     even; for bytes, and factors as add_x86.h has them
 *   eq_store_pair     two vectors as bytes: of every eight channels, four are in each
 *   eq_store_pairs    the same of two pixels, `step` bytes from one another
 *   eq_interleave     of EQ_STEP taps, each EQ_VECTORS * EQ_LANES channels side by side: the taps of each channel side
 *                     by side, as vectors whose channels are in the order that eq_store_block undoes
 *   eq_add_taps       adds the products of these and of weights
 */

#if EQ_X86 == EQ_AVX512_VNNI && defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)

#include <immintrin.h>

#define EQ_MASKS 1 /* some lanes of a vector can be stored */

typedef __m512i eq_sums;
typedef __m512i eq_weights;
typedef __m512i eq_taps;

EQ_INLINE eq_sums eq_load_sums(const int32_t *from)
{
    return _mm512_loadu_si512(from);
}

EQ_INLINE eq_weights eq_load_weights(const int8_t *from)
{
    return _mm512_loadu_si512(from);
}

EQ_INLINE eq_sums eq_step(eq_sums sums, const eq_activation *a, eq_weights w)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    return _mm512_dpbusd_epi32(sums, _mm512_set1_epi32(four), w);
}

EQ_INLINE eq_sums eq_doubling_high(eq_sums a, eq_sums b)
{
    const __m512i half = _mm512_set1_epi64((int64_t)1 << 30);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)), half);
    return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
}

EQ_INLINE eq_sums eq_high(eq_sums a, eq_sums b)
{
    const __m512i even = _mm512_mul_epi32(a, b);
    const __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

EQ_INLINE eq_sums eq_add(eq_sums a, eq_sums b)
{
    return _mm512_add_epi32(a, b);
}

EQ_INLINE eq_sums eq_all(int32_t a)
{
    return _mm512_set1_epi32(a);
}

EQ_INLINE eq_sums eq_shift_right(eq_sums a, eq_sums shift)
{
    return _mm512_srav_epi32(a, shift);
}

EQ_INLINE eq_sums eq_power(eq_sums shift)
{
    return _mm512_sllv_epi32(_mm512_set1_epi32(1), shift);
}

EQ_INLINE eq_sums eq_times(eq_sums a, eq_sums b)
{
    return _mm512_mullo_epi32(a, b);
}

EQ_INLINE eq_sums eq_nearest(eq_sums a, eq_sums factor, eq_sums nudge, int away)
{
    const __m512 x = _mm512_cvtepi32_ps(a), round = _mm512_set1_ps(EQ_ROUND);
    const __m512i sign = _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MIN));
    const __m512i by = away ? _mm512_xor_si512(nudge, sign) : nudge;
    const __m512 moved = _mm512_add_ps(x, _mm512_castsi512_ps(by));
    const __m512 rounded = _mm512_fmadd_ps(moved, _mm512_castsi512_ps(factor), round);
    return _mm512_sub_epi32(_mm512_castps_si512(rounded), _mm512_castps_si512(round));
}

EQ_INLINE eq_sums eq_widen(const int8_t *from)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
}

EQ_INLINE void eq_store_sums(int8_t *to, eq_sums a, eq_bounds b)
{
    const eq_sums low = _mm512_max_epi32(a, _mm512_set1_epi32(b.low));
    const eq_sums in = _mm512_min_epi32(low, _mm512_set1_epi32(b.high));
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_add_epi32(in, _mm512_set1_epi32(b.zero_point)));
    _mm_storeu_si128((__m128i *)(void *)to, bytes);
}

EQ_INLINE void eq_store_pair(int8_t *to, eq_sums first, eq_sums second, eq_bounds b)
{
    const __m512i moved =
        _mm512_adds_epi16(_mm512_packs_epi32(first, second), _mm512_set1_epi16((int16_t)b.zero_point));
    const __m256i bytes = _mm256_max_epi8(_mm512_cvtsepi16_epi8(moved), _mm256_set1_epi8((char)b.qmin));
    _mm256_storeu_si256((__m256i *)(void *)to, _mm256_min_epi8(bytes, _mm256_set1_epi8((char)b.qmax)));
}

EQ_INLINE void eq_store_pairs(int8_t *to, int32_t step, const eq_sums sums[4], eq_bounds b)
{
    const __m512i zero = _mm512_set1_epi16((int16_t)b.zero_point);
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(sums[0], sums[1]), zero);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(sums[2], sums[3]), zero);
    const __m512i bytes = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8((char)b.qmin));
    const __m512i in = _mm512_min_epi8(bytes, _mm512_set1_epi8((char)b.qmax));
    const __m512i apart = _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), in);
    _mm256_storeu_si256((__m256i *)(void *)to, _mm512_castsi512_si256(apart));
    _mm256_storeu_si256((__m256i *)(void *)(to + step), _mm512_extracti64x4_epi64(apart, 1));
}

EQ_INLINE void eq_interleave(const eq_activation *const *taps, int64_t at, eq_taps to[EQ_VECTORS])
{
    const __m512i a = _mm512_loadu_si512(taps[0] + at), b = _mm512_loadu_si512(taps[1] + at);
    const __m512i c = _mm512_loadu_si512(taps[2] + at), d = _mm512_loadu_si512(taps[3] + at);
    const __m512i ab = _mm512_unpacklo_epi8(a, b), cd = _mm512_unpacklo_epi8(c, d);
    const __m512i ab_high = _mm512_unpackhi_epi8(a, b), cd_high = _mm512_unpackhi_epi8(c, d);
    to[0] = _mm512_unpacklo_epi16(ab, cd);
    to[1] = _mm512_unpackhi_epi16(ab, cd);
    to[2] = _mm512_unpacklo_epi16(ab_high, cd_high);
    to[3] = _mm512_unpackhi_epi16(ab_high, cd_high);
}

EQ_INLINE eq_sums eq_add_taps(eq_sums sums, eq_taps a, const int8_t *weights)
{
    return _mm512_dpbusd_epi32(sums, a, _mm512_loadu_si512(weights));
}

EQ_INLINE void eq_store_block(int8_t *to, const eq_sums sums[EQ_VECTORS], eq_bounds b)
{
    const __m512i zero = _mm512_set1_epi16((int16_t)b.zero_point);
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(sums[0], sums[1]), zero);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(sums[2], sums[3]), zero);
    const __m512i bytes = _mm512_max_epi8(_mm512_packs_epi16(low, high), _mm512_set1_epi8((char)b.qmin));
    _mm512_storeu_si512(to, _mm512_min_epi8(bytes, _mm512_set1_epi8((char)b.qmax)));
}

#elif EQ_X86 != EQ_AVX512_VNNI && defined(__AVX2__) && defined(__FMA__) &&                                             \
    (EQ_X86 != EQ_AVX_VNNI || defined(__AVXVNNI__))

#include <immintrin.h>

typedef __m256i eq_sums;
typedef __m256i eq_weights;
typedef __m256i eq_taps;

EQ_INLINE eq_sums eq_load_sums(const int32_t *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

EQ_INLINE eq_weights eq_load_weights(const int8_t *from)
{
#if EQ_X86 == EQ_AVX2
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
#else
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
#endif
}

/* Adds the products of a step's activations, in every lane, and weights. */
EQ_INLINE eq_sums eq_add_products(eq_sums sums, __m256i a, __m256i w)
{
#if EQ_X86 == EQ_AVX2
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, w));
#elif EQ_X86 == EQ_AVX2_BYTES
    const __m256i pairs = _mm256_maddubs_epi16(a, w);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#else
    return _mm256_dpbusd_avx_epi32(sums, a, w);
#endif
}

EQ_INLINE eq_sums eq_step(eq_sums sums, const eq_activation *a, eq_weights w)
{
    int32_t step;
    memcpy(&step, a, sizeof step);
    return eq_add_products(sums, _mm256_set1_epi32(step), w);
}

EQ_INLINE eq_sums eq_doubling_high(eq_sums a, eq_sums b)
{
    const __m256i half = _mm256_set1_epi64x((int64_t)1 << 30);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
}

EQ_INLINE eq_sums eq_high(eq_sums a, eq_sums b)
{
    const __m256i even = _mm256_mul_epi32(a, b);
    const __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

EQ_INLINE eq_sums eq_add(eq_sums a, eq_sums b)
{
    return _mm256_add_epi32(a, b);
}

EQ_INLINE eq_sums eq_subtract(eq_sums a, eq_sums b)
{
    return _mm256_sub_epi32(a, b);
}

EQ_INLINE eq_sums eq_all(int32_t a)
{
    return _mm256_set1_epi32(a);
}

EQ_INLINE eq_sums eq_shift_right(eq_sums a, eq_sums shift)
{
    return _mm256_srav_epi32(a, shift);
}

EQ_INLINE eq_sums eq_power(eq_sums shift)
{
    return _mm256_sllv_epi32(_mm256_set1_epi32(1), shift);
}

EQ_INLINE eq_sums eq_times(eq_sums a, eq_sums b)
{
    return _mm256_mullo_epi32(a, b);
}

EQ_INLINE eq_sums eq_nearest(eq_sums a, eq_sums factor, eq_sums nudge, int away)
{
    const __m256 x = _mm256_cvtepi32_ps(a), round = _mm256_set1_ps(EQ_ROUND);
    const __m256i sign = _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(INT32_MIN));
    const __m256i by = away ? _mm256_xor_si256(nudge, sign) : nudge;
    const __m256 moved = _mm256_add_ps(x, _mm256_castsi256_ps(by));
    const __m256 rounded = _mm256_fmadd_ps(moved, _mm256_castsi256_ps(factor), round);
    return _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_castps_si256(round));
}

EQ_INLINE eq_sums eq_weighted(eq_sums a, eq_sums b, const float factors[3])
{
    const __m256 x = _mm256_cvtepi32_ps(a), y = _mm256_cvtepi32_ps(b);
    const __m256 first = _mm256_fmadd_ps(x, _mm256_set1_ps(factors[0]), _mm256_set1_ps(factors[2]));
    return _mm256_cvtps_epi32(_mm256_fmadd_ps(y, _mm256_set1_ps(factors[1]), first));
}

EQ_INLINE eq_sums eq_widen(const int8_t *from)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)from));
}

EQ_INLINE void eq_store_sums(int8_t *to, eq_sums a, eq_bounds b)
{
    const __m256i low = _mm256_max_epi32(a, _mm256_set1_epi32(b.low));
    const __m256i in = _mm256_min_epi32(low, _mm256_set1_epi32(b.high));
    const __m256i moved = _mm256_add_epi32(in, _mm256_set1_epi32(b.zero_point));
    const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(moved), _mm256_extracti128_si256(moved, 1));
    _mm_storel_epi64((__m128i *)(void *)to, _mm_packs_epi16(halves, halves));
}

EQ_INLINE void eq_store_pair(int8_t *to, eq_sums first, eq_sums second, eq_bounds b)
{
    const __m256i moved =
        _mm256_adds_epi16(_mm256_packs_epi32(first, second), _mm256_set1_epi16((int16_t)b.zero_point));
    const __m128i all = _mm_packs_epi16(_mm256_castsi256_si128(moved), _mm256_extracti128_si256(moved, 1));
    const __m128i bytes = _mm_max_epi8(all, _mm_set1_epi8((char)b.qmin));
    _mm_storeu_si128((__m128i *)(void *)to, _mm_min_epi8(bytes, _mm_set1_epi8((char)b.qmax)));
}

EQ_INLINE void eq_store_pairs(int8_t *to, int32_t step, const eq_sums sums[4], eq_bounds b)
{
    const __m256i zero = _mm256_set1_epi16((int16_t)b.zero_point);
    const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(sums[0], sums[1]), zero);
    const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(sums[2], sums[3]), zero);
    const __m256i bytes = _mm256_max_epi8(_mm256_packs_epi16(low, high), _mm256_set1_epi8((char)b.qmin));
    const __m256i in = _mm256_min_epi8(bytes, _mm256_set1_epi8((char)b.qmax));
    const __m256i apart = _mm256_permute4x64_epi64(in, 0xd8); /* each pixel's halves side by side */
    _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(apart));
    _mm_storeu_si128((__m128i *)(void *)(to + step), _mm256_extracti128_si256(apart, 1));
}

#if EQ_X86 == EQ_AVX2

typedef __m256i eq_halves;

EQ_INLINE eq_halves eq_halves_of(const int8_t *from)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

EQ_INLINE eq_halves eq_halves_plus(eq_halves a, eq_halves b)
{
    return _mm256_add_epi16(a, b);
}

EQ_INLINE eq_halves eq_halves_minus(eq_halves a, eq_halves b)
{
    return _mm256_sub_epi16(a, b);
}

EQ_INLINE void eq_store_halves(int16_t *to, eq_halves a)
{
    _mm256_storeu_si256((__m256i *)(void *)to, a);
}

EQ_INLINE eq_sums eq_add_halves(eq_sums sums, const eq_activation *a, const int16_t *weights)
{
    int32_t step;
    memcpy(&step, a, sizeof step);
    const __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)weights);
    return eq_add_products(sums, _mm256_set1_epi32(step), w);
}

EQ_INLINE void eq_interleave(const eq_activation *const *taps, int64_t at, eq_taps to[EQ_VECTORS])
{
    const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(taps[0] + at));
    const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(taps[1] + at));
    to[0] = _mm256_unpacklo_epi16(a, b);
    to[1] = _mm256_unpackhi_epi16(a, b);
}

EQ_INLINE eq_sums eq_add_taps(eq_sums sums, eq_taps a, const int8_t *weights)
{
    return eq_add_products(sums, a, _mm256_loadu_si256((const __m256i *)(const void *)weights));
}

EQ_INLINE void eq_store_block(int8_t *to, const eq_sums sums[EQ_VECTORS], eq_bounds b)
{
    eq_store_pair(to, sums[0], sums[1], b);
}

#else

EQ_INLINE __m256i eq_load_bytes(const eq_activation *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

EQ_INLINE void eq_interleave(const eq_activation *const *taps, int64_t at, eq_taps to[EQ_VECTORS])
{
    const __m256i a = eq_load_bytes(taps[0] + at), b = eq_load_bytes(taps[1] + at);
    const __m256i c = eq_load_bytes(taps[2] + at), d = eq_load_bytes(taps[3] + at);
    const __m256i ab = _mm256_unpacklo_epi8(a, b), cd = _mm256_unpacklo_epi8(c, d);
    const __m256i ab_high = _mm256_unpackhi_epi8(a, b), cd_high = _mm256_unpackhi_epi8(c, d);
    to[0] = _mm256_unpacklo_epi16(ab, cd);
    to[1] = _mm256_unpackhi_epi16(ab, cd);
    to[2] = _mm256_unpacklo_epi16(ab_high, cd_high);
    to[3] = _mm256_unpackhi_epi16(ab_high, cd_high);
}

EQ_INLINE eq_sums eq_add_taps(eq_sums sums, eq_taps a, const int8_t *weights)
{
    return eq_add_products(sums, a, _mm256_loadu_si256((const __m256i *)(const void *)weights));
}

EQ_INLINE void eq_store_block(int8_t *to, const eq_sums sums[EQ_VECTORS], eq_bounds b)
{
    const __m256i zero = _mm256_set1_epi16((int16_t)b.zero_point);
    const __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(sums[0], sums[1]), zero);
    const __m256i high = _mm256_adds_epi16(_mm256_packs_epi32(sums[2], sums[3]), zero);
    const __m256i bytes = _mm256_max_epi8(_mm256_packs_epi16(low, high), _mm256_set1_epi8((char)b.qmin));
    const __m256i in = _mm256_min_epi8(bytes, _mm256_set1_epi8((char)b.qmax));
    _mm256_storeu_si256((__m256i *)(void *)to, in);
}

#endif

#else

typedef struct {
    int32_t lane[EQ_LANES];
} eq_sums;

typedef struct {
    int8_t lane[EQ_LANES][EQ_STEP];
} eq_weights;

typedef struct {
    eq_activation lane[EQ_LANES][EQ_STEP];
} eq_taps;

EQ_INLINE int32_t eq_wrap(int64_t a)
{
    return (int32_t)(uint32_t)((uint64_t)a & 0xffffffffU);
}

/* A function whose lane i is `expression`. */
#define EQ_EACH_LANE(name, parameters, expression)                                                                     \
    EQ_INLINE eq_sums name parameters                                                                                  \
    {                                                                                                                  \
        eq_sums r;                                                                                                     \
        for (int32_t i = 0; i < EQ_LANES; i++) {                                                                       \
            r.lane[i] = expression;                                                                                    \
        }                                                                                                              \
        return r;                                                                                                      \
    }

EQ_EACH_LANE(eq_load_sums, (const int32_t *from), from[i])
EQ_EACH_LANE(eq_doubling_high, (eq_sums a, eq_sums b),
             eq_wrap(((int64_t)a.lane[i] * b.lane[i] + ((int64_t)1 << 30)) >> 31))
EQ_EACH_LANE(eq_high, (eq_sums a, eq_sums b), (int32_t)((int64_t)a.lane[i] * b.lane[i] >> 32))
EQ_EACH_LANE(eq_add, (eq_sums a, eq_sums b), eq_wrap((int64_t)a.lane[i] + b.lane[i]))
EQ_EACH_LANE(eq_subtract, (eq_sums a, eq_sums b), eq_wrap((int64_t)a.lane[i] - b.lane[i]))
EQ_EACH_LANE(eq_all, (int32_t a), a)
EQ_EACH_LANE(eq_shift_right, (eq_sums a, eq_sums shift), a.lane[i] >> shift.lane[i])
EQ_EACH_LANE(eq_power, (eq_sums shift), 1 << shift.lane[i])
EQ_EACH_LANE(eq_times, (eq_sums a, eq_sums b), eq_wrap((int64_t)a.lane[i] * b.lane[i]))
EQ_EACH_LANE(eq_widen, (const int8_t *from), from[i])

/* 3 * 2^51: what is added to it has no fraction left. */
EQ_INLINE int32_t eq_to_nearest(double a)
{
    return (int32_t)(a + 6755399441055744.0 - 6755399441055744.0);
}

EQ_INLINE float eq_float_of(int32_t bits)
{
    float a;
    memcpy(&a, &bits, sizeof a);
    return a;
}

EQ_INLINE eq_sums eq_nearest(eq_sums a, eq_sums factor, eq_sums nudge, int away)
{
    eq_sums r;
    for (int32_t i = 0; i < EQ_LANES; i++) {
        const float x = (float)a.lane[i], by = eq_float_of(nudge.lane[i]);
        const float moved = x + (away && x < 0 ? -by : by);
        const double product = (double)moved * (double)eq_float_of(factor.lane[i]); /* exact */
        r.lane[i] = eq_to_nearest(product);
    }
    return r;
}

EQ_INLINE eq_sums eq_weighted(eq_sums a, eq_sums b, const float factors[3])
{
    eq_sums r;
    for (int32_t i = 0; i < EQ_LANES; i++) {
        /* Products and sums are exact in 53 bits; they are rounded once, to floats. */
        const float first = (float)((double)a.lane[i] * (double)factors[0] + (double)factors[2]);
        r.lane[i] = eq_to_nearest((double)(float)((double)b.lane[i] * (double)factors[1] + (double)first));
    }
    return r;
}

EQ_INLINE eq_weights eq_load_weights(const int8_t *from)
{
    eq_weights w;
    memcpy(w.lane, from, sizeof w.lane);
    return w;
}

EQ_INLINE eq_sums eq_step(eq_sums sums, const eq_activation *a, eq_weights w)
{
    for (int32_t i = 0; i < EQ_LANES; i++) {
        for (int32_t k = 0; k < EQ_STEP; k++) {
            sums.lane[i] = eq_wrap((int64_t)sums.lane[i] + (int32_t)a[k] * w.lane[i][k]);
        }
    }
    return sums;
}

#if EQ_X86 == EQ_AVX2

typedef struct {
    int16_t lane[2 * EQ_LANES];
} eq_halves;

EQ_INLINE eq_halves eq_halves_of(const int8_t *from)
{
    eq_halves r;
    for (int32_t i = 0; i < 2 * EQ_LANES; i++) {
        r.lane[i] = from[i];
    }
    return r;
}

EQ_INLINE eq_halves eq_halves_plus(eq_halves a, eq_halves b)
{
    for (int32_t i = 0; i < 2 * EQ_LANES; i++) {
        a.lane[i] = (int16_t)(a.lane[i] + b.lane[i]);
    }
    return a;
}

EQ_INLINE eq_halves eq_halves_minus(eq_halves a, eq_halves b)
{
    for (int32_t i = 0; i < 2 * EQ_LANES; i++) {
        a.lane[i] = (int16_t)(a.lane[i] - b.lane[i]);
    }
    return a;
}

EQ_INLINE void eq_store_halves(int16_t *to, eq_halves a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

EQ_INLINE eq_sums eq_add_halves(eq_sums sums, const eq_activation *a, const int16_t *weights)
{
    for (int32_t i = 0; i < EQ_LANES; i++) {
        for (int32_t k = 0; k < EQ_STEP; k++) {
            sums.lane[i] = eq_wrap((int64_t)sums.lane[i] + (int32_t)a[k] * weights[EQ_STEP * i + k]);
        }
    }
    return sums;
}
#endif

EQ_INLINE int8_t eq_bounded(int32_t a, eq_bounds b)
{
    return (int8_t)(eq_clamp(a, b.low, b.high) + b.zero_point);
}

EQ_INLINE void eq_store_sums(int8_t *to, eq_sums a, eq_bounds b)
{
    for (int32_t i = 0; i < EQ_LANES; i++) {
        to[i] = eq_bounded(a.lane[i], b);
    }
}

EQ_INLINE void eq_store_pair(int8_t *to, eq_sums first, eq_sums second, eq_bounds b)
{
    for (int32_t i = 0; i < EQ_LANES; i++) {
        const int32_t k = i / 4 * 8 + i % 4;
        to[k] = eq_bounded(first.lane[i], b);
        to[k + 4] = eq_bounded(second.lane[i], b);
    }
}

EQ_INLINE void eq_store_pairs(int8_t *to, int32_t step, const eq_sums sums[4], eq_bounds b)
{
    eq_store_pair(to, sums[0], sums[1], b);
    eq_store_pair(to + step, sums[2], sums[3], b);
}

/* Instructions work within 128 bits: of all activations in these, each vector has four. */
EQ_INLINE int32_t eq_channel(int32_t vector, int32_t lane)
{
    return lane / 4 * 4 * EQ_VECTORS + vector * 4 + lane % 4;
}

EQ_INLINE void eq_interleave(const eq_activation *const *taps, int64_t at, eq_taps to[EQ_VECTORS])
{
    for (int32_t v = 0; v < EQ_VECTORS; v++) {
        for (int32_t i = 0; i < EQ_LANES; i++) {
            for (int32_t k = 0; k < EQ_STEP; k++) {
                to[v].lane[i][k] = taps[k][at + eq_channel(v, i)];
            }
        }
    }
}

EQ_INLINE eq_sums eq_add_taps(eq_sums sums, eq_taps a, const int8_t *weights)
{
    for (int32_t i = 0; i < EQ_LANES; i++) {
        for (int32_t k = 0; k < EQ_STEP; k++) {
#if EQ_X86 == EQ_AVX2
            const int32_t w = weights[4 * i + 2 * k]; /* halves: the other byte is the sign's */
#else
            const int32_t w = weights[4 * i + k];
#endif
            sums.lane[i] = eq_wrap((int64_t)sums.lane[i] + (int32_t)a.lane[i][k] * w);
        }
    }
    return sums;
}

EQ_INLINE void eq_store_block(int8_t *to, const eq_sums sums[EQ_VECTORS], eq_bounds b)
{
    for (int32_t v = 0; v < EQ_VECTORS; v++) {
        for (int32_t i = 0; i < EQ_LANES; i++) {
            to[eq_channel(v, i)] = eq_bounded(sums[v].lane[i], b);
        }
    }
}

#endif

EQ_INLINE eq_activation eq_activation_of(int8_t a)
{
#if EQ_X86 == EQ_AVX2
    return a;
#else
    return (eq_activation)((uint8_t)a ^ 0x80U);
#endif
}

/* `n` bytes of input as activations */
EQ_INLINE void eq_collect(eq_activation *to, const int8_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = eq_activation_of(from[i]);
    }
}

/* `n` sums, fewer than EQ_LANES. */
EQ_INLINE void eq_store_some(int8_t *to, eq_sums a, eq_bounds b, int32_t n)
{
#ifdef EQ_MASKS
    const __m512i in = _mm512_min_epi32(_mm512_max_epi32(a, _mm512_set1_epi32(b.low)), _mm512_set1_epi32(b.high));
    const __m512i moved = _mm512_add_epi32(in, _mm512_set1_epi32(b.zero_point));
    _mm512_mask_cvtepi32_storeu_epi8(to, (__mmask16)((1U << n) - 1U), moved);
#else
    int8_t last[EQ_LANES];
    eq_store_sums(last, a, b);
    for (int32_t i = 0; i < n; i++) {
        to[i] = last[i];
    }
#endif
}

/* The factors of some lanes. */
typedef struct {
    eq_sums multiplier, shift, half;
} eq_factors;

/* FAST has no shift, and does not read it. */
EQ_INLINE eq_factors eq_factors_of(const int32_t *multiplier, const int32_t *shift, eq_rounding rounding)
{
    if (rounding == EQ_NEAREST || rounding == EQ_AWAY) {
        const eq_factors nearest = {eq_load_sums(multiplier), eq_load_sums(shift), eq_all(0)};
        return nearest;
    }
    const eq_sums by = rounding == EQ_FAST ? eq_all(1) : eq_load_sums(shift);
    const eq_factors f = {eq_load_sums(multiplier), by, eq_power(eq_add(by, eq_all(-1)))};
    return f;
}

/* What eq_multiply makes of sums. NEAREST and AWAY: factors are floats, and shifts are nudges; FAST: factors without
 * shift; SINGLE: shift is that of the product's high word, at least 1; DOUBLE: that of the rounded product, at least 1,
 * and sums are so far from the ends of int32 that half of 2^shift can be added. */
EQ_INLINE eq_sums eq_scaled(eq_sums sums, const eq_factors *f, eq_rounding rounding)
{
    if (rounding == EQ_NEAREST || rounding == EQ_AWAY) {
        return eq_nearest(sums, f->multiplier, f->shift, rounding == EQ_AWAY);
    }
    if (rounding == EQ_SINGLE) {
        return eq_shift_right(eq_add(eq_high(sums, f->multiplier), f->half), f->shift);
    }
    const eq_sums high = eq_doubling_high(sums, f->multiplier);
    if (rounding == EQ_FAST) {
        return high;
    }
    return eq_shift_right(eq_add(eq_add(high, eq_shift_right(high, eq_all(31))), f->half), f->shift);
}

#endif
