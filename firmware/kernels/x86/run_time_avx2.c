#include "eq/run_time_kernels.h"

#if defined(__AVX2__)

#include <immintrin.h>

/* Sixteen bytes as halves. */
static inline __m256i halves(const int8_t *bytes)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

static inline int32_t total(__m256i sums)
{
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/* The products of some integers with four rows of bytes, sixteen at a time. */
static inline void four(const int8_t *integers, const int8_t *bytes, int32_t depth, int32_t count, int32_t *sums)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    const int32_t whole = count / 16 * 16;
    int32_t rest[4];
    eq_four_products_in_c(integers + whole, bytes + whole, depth, count - whole, rest);
    for (int32_t k = 0; k < whole; k += 16, bytes += 16) {
        const __m256i x = halves(integers + k);
        a = _mm256_add_epi32(a, _mm256_madd_epi16(x, halves(bytes)));
        b = _mm256_add_epi32(b, _mm256_madd_epi16(x, halves(bytes + depth)));
        c = _mm256_add_epi32(c, _mm256_madd_epi16(x, halves(bytes + 2 * depth)));
        d = _mm256_add_epi32(d, _mm256_madd_epi16(x, halves(bytes + 3 * depth)));
    }
    sums[0] = total(a) + rest[0];
    sums[1] = total(b) + rest[1];
    sums[2] = total(c) + rest[2];
    sums[3] = total(d) + rest[3];
}

EQ_RUN_TIME_DEFINE(avx2, four)

#else

EQ_RUN_TIME_DEFINE(avx2, eq_four_products_in_c)

#endif
