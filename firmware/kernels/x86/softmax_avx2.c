/* Rows in two steps: the exponentials, which are looked up one by one, and their sum; then quotients, eight at once. */
#define EQ_X86 EQ_AVX2

#include "eq/rows.h"
#include "eq/softmax_x86.h"
#include "vectors.h"

/* Of eq/gemmlowp.h, which has a function of the name of one in vectors.h. */
#define eq_widen eq_more_integer_bits
#include "eq/gemmlowp.h"
#undef eq_widen

/* floor((exponential * factor + half) / divisor) for eight of them; the dividend is below 2^32, the quotient below
 * 2^17. A quotient of doubles is nearer to the true one than that is to the next whole number, if it is none itself. */
#if defined(__AVX2__)

EQ_INLINE __m128i eq_four_quotients(const int32_t *exponentials, double factor, double half, double divisor)
{
    const __m256d e = _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)(const void *)exponentials));
    const __m256d dividend = _mm256_add_pd(_mm256_mul_pd(e, _mm256_set1_pd(factor)), _mm256_set1_pd(half));
    return _mm256_cvttpd_epi32(_mm256_div_pd(dividend, _mm256_set1_pd(divisor)));
}

EQ_INLINE eq_sums eq_quotients(const int32_t *exponentials, double factor, double half, double divisor)
{
    const __m128i low = eq_four_quotients(exponentials, factor, half, divisor);
    return _mm256_set_m128i(eq_four_quotients(exponentials + 4, factor, half, divisor), low);
}

#else

EQ_INLINE eq_sums eq_quotients(const int32_t *exponentials, double factor, double half, double divisor)
{
    int32_t q[EQ_LANES];
    for (int32_t i = 0; i < EQ_LANES; i++) {
        q[i] = (int32_t)((exponentials[i] * factor + half) / divisor);
    }
    return eq_load_sums(q);
}

#endif

EQ_INLINE void eq_store_row(int8_t *to, eq_sums q, eq_bounds bounds, int32_t left)
{
    if (left >= EQ_LANES) {
        eq_store_sums(to, q, bounds);
    } else {
        eq_store_some(to, q, bounds, left);
    }
}

EQ_INLINE void eq_fill_up(int32_t *exponentials, int32_t columns)
{
    for (int32_t i = columns; i % EQ_LANES != 0; i++) {
        exponentials[i] = 0;
    }
}

void eq_softmax_avx2_fast(const eq_softmax_fast_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    int32_t *const exponentials = scratch;
    const int32_t columns = p->columns;
    const eq_bounds bounds = eq_bounds_of(p->zero_point, -128, 127);
    eq_fill_up(exponentials, columns);
    for (int32_t n = 0; n < p->rows; n++, input += columns, output += columns) {
        const int32_t greatest = eq_row_maximum(input, columns);
        uint32_t sum = 0;
        for (int32_t i = 0; i < columns; i++) {
            const uint32_t e = p->exponentials[greatest - input[i]];
            exponentials[i] = (int32_t)e;
            sum += e;
        }
        sum <<= p->shift;
        for (int32_t i = 0; i < columns; i += EQ_LANES) {
            const eq_sums q = eq_quotients(exponentials + i, p->factor, sum >> 1, sum);
            eq_store_row(output + i, q, bounds, columns - i);
        }
    }
}

void eq_softmax_avx2_double(const eq_softmax_double_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    int32_t *const exponentials = scratch;
    const int32_t columns = p->columns;
    const eq_bounds bounds = eq_bounds_of(-128, -128, 127);
    eq_fill_up(exponentials, columns);
    for (int32_t n = 0; n < p->rows; n++, input += columns, output += columns) {
        const int32_t greatest = eq_row_maximum(input, columns);
        uint32_t sum = 0;
        int32_t above_one;
        for (int32_t i = 0; i < columns; i++) {
            const int32_t e = p->exponentials[greatest - input[i]];
            exponentials[i] = e;
            sum += ((uint32_t)e + (1U << 11)) >> 12;
        }
        const eq_sums scale = eq_all(eq_reciprocal((int32_t)sum, 12, &above_one));
        const eq_sums less = eq_all((above_one + 23 < 31 ? above_one + 23 : 31) - 1);
        for (int32_t i = 0; i < columns; i += EQ_LANES) {
            const eq_sums product = eq_doubling_high(scale, eq_load_sums(exponentials + i)); /* not negative */
            const eq_sums q = eq_shift_right(eq_add(eq_shift_right(product, less), eq_all(1)), eq_all(1));
            eq_store_row(output + i, q, bounds, columns - i);
        }
    }
}
