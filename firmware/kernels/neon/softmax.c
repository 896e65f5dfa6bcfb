/* Rows in three steps: the differences to the greatest element; their exponentials, which are looked up; quotients.
 * What is beyond the last column of a row has the difference 0. */
#include "eq/gemmlowp.h"
#include "eq/rows.h"
#include "eq/softmax_neon.h"
#include "lookup.h"
#include "requant.h"

EQ_INLINE int32_t eq_whole(int32_t columns)
{
    return (columns + 15) / 16 * 16;
}

EQ_INLINE int32_t eq_greatest(const int8_t *row, int32_t columns)
{
    if (columns < 16) {
        return eq_row_maximum(row, columns);
    }
    int8_t each[16];
    int8x16_t most = vld1q_s8(row + columns - 16);
    for (int32_t i = 0; i + 16 <= columns; i += 16) {
        most = vmaxq_s8(most, vld1q_s8(row + i));
    }
    vst1q_s8(each, most);
    return eq_row_maximum(each, 16);
}

/* The differences of whole vectors. */
EQ_INLINE void eq_differences(const int8_t *row, int32_t columns, uint8_t *to)
{
    const int32_t greatest = eq_greatest(row, columns);
    const uint8x16_t most = vreinterpretq_u8_s8(vdupq_n_s8((int8_t)greatest));
    int32_t i = 0;
    for (; i + 16 <= columns; i += 16) {
        vst1q_u8(to + i, vsubq_u8(most, vreinterpretq_u8_s8(vld1q_s8(row + i))));
    }
    for (; i < columns; i++) {
        to[i] = (uint8_t)(greatest - row[i]);
    }
    for (; i % 16 != 0; i++) {
        to[i] = 0;
    }
}

#if EQ_A64

/* The lower and the upper bytes of the table. */
EQ_INLINE void eq_split(const uint16_t *table, int8_t *lower, int8_t *upper)
{
    for (int32_t d = 0; d < 256; d++) {
        lower[d] = (int8_t)(uint8_t)(table[d] & 255U);
        upper[d] = (int8_t)(uint8_t)(table[d] >> 8);
    }
}

#endif

/* The exponentials of whole vectors of differences; returns the sum of those of the columns. */
EQ_INLINE uint32_t eq_exponentials(const uint16_t *table, const int8_t *halves, const uint8_t *differences,
                                   int32_t columns, int8_t *lower, uint16_t *to)
{
    const int32_t whole = eq_whole(columns);
    uint32_t sum = 0;
#if EQ_A64
    uint32x4_t sums = vdupq_n_u32(0);
    const eq_bytes low = eq_bytes_of(halves);
    for (int32_t i = 0; i < whole; i += 16) {
        vst1q_s8(lower + i, eq_looked_up(&low, vld1q_u8(differences + i)));
    }
    const eq_bytes high = eq_bytes_of(halves + 256);
    for (int32_t i = 0; i < whole; i += 16) {
        const int8x16_t first = vld1q_s8(lower + i), second = eq_looked_up(&high, vld1q_u8(differences + i));
        const uint16x8_t a = vreinterpretq_u16_s8(vzip1q_s8(first, second));
        const uint16x8_t b = vreinterpretq_u16_s8(vzip2q_s8(first, second));
        vst1q_u16(to + i, a);
        vst1q_u16(to + i + 8, b);
        sums = vpadalq_u16(vpadalq_u16(sums, a), b);
    }
    uint32_t each[4];
    memcpy(each, &sums, sizeof each);
    sum = each[0] + each[1] + each[2] + each[3];
    sum -= (uint32_t)(whole - columns) * table[0];
#else
    (void)halves;
    (void)lower;
    for (int32_t i = 0; i < columns; i++) {
        to[i] = table[differences[i]];
        sum += to[i];
    }
    for (int32_t i = columns; i < whole; i++) {
        to[i] = 0;
    }
#endif
    return sum;
}

/* What a row's exponentials are divided by. */
typedef struct {
    uint32x4_t factor, half, divisor;
    float32x4_t inverse; /* a little less than one over the divisor */
} eq_quotient;

/* Four times floor((exponential * factor + half) / divisor). In float32 it comes out right or one too small: numbers
 * and products are rounded by less than 2^-22 of what they are, and the quotient has at most 17 bits. */
EQ_INLINE int32x4_t eq_quotients(uint16x4_t exponentials, const eq_quotient *d)
{
    const uint32x4_t dividend = vmlaq_u32(d->half, vmovl_u16(exponentials), d->factor);
    const uint32x4_t less = vcvtq_u32_f32(vmulq_f32(vcvtq_f32_u32(dividend), d->inverse));
    const uint32x4_t rest = vmlsq_u32(dividend, less, d->divisor);
    return vreinterpretq_s32_u32(vsubq_u32(less, vcgeq_u32(rest, d->divisor)));
}

/* Sixteen outputs, or the last ones. */
EQ_INLINE void eq_store_some(int8_t *to, int8x16_t values, int32_t left)
{
    if (left >= 16) {
        vst1q_s8(to, values);
    } else {
        int8_t each[16];
        vst1q_s8(each, values);
        memcpy(to, each, (size_t)left);
    }
}

void eq_softmax_neon_fast(const eq_softmax_fast_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t columns = p->columns, whole = eq_whole(columns);
    int8_t *const halves = scratch, *const lower = halves + 512;
    uint16_t *const exponentials = (uint16_t *)(void *)(lower + whole);
    uint8_t *const differences = (uint8_t *)(exponentials + whole);
    const eq_output o = eq_output_of(p->zero_point, -128, 127);
#if EQ_A64
    eq_split(p->exponentials, halves, halves + 256);
#endif
    for (int32_t n = 0; n < p->rows; n++, input += columns, output += columns) {
        eq_differences(input, columns, differences);
        const uint32_t sum = eq_exponentials(p->exponentials, halves, differences, columns, lower, exponentials)
                             << p->shift;
        const eq_quotient d = {vdupq_n_u32((uint32_t)p->factor), vdupq_n_u32(sum >> 1), vdupq_n_u32(sum),
                               vdupq_n_f32(1.0f / (float)sum * (1.0f - 0x1p-21f))};
        for (int32_t i = 0; i < columns; i += 16) {
            const uint16x8_t a = vld1q_u16(exponentials + i), b = vld1q_u16(exponentials + i + 8);
            const int32x4_t q0 = eq_quotients(vget_low_u16(a), &d), q1 = eq_quotients(vget_high_u16(a), &d);
            const int32x4_t q2 = eq_quotients(vget_low_u16(b), &d), q3 = eq_quotients(vget_high_u16(b), &d);
            eq_store_some(output + i, eq_wide_outputs(q0, q1, q2, q3, &o), columns - i);
        }
    }
}

void eq_softmax_neon_double(const eq_softmax_double_params *p, const int8_t *input, int8_t *output, void *scratch)
{
    const int32_t columns = p->columns, whole = eq_whole(columns);
    int32_t *const exponentials = scratch;
    uint8_t *const differences = (uint8_t *)(exponentials + whole);
    const eq_output o = eq_output_of(-128, -128, 127);
    for (int32_t n = 0; n < p->rows; n++, input += columns, output += columns) {
        uint32_t sum = 0;
        int32_t above_one;
        eq_differences(input, columns, differences);
        for (int32_t i = 0; i < whole; i++) {
            exponentials[i] = p->exponentials[differences[i]];
        }
        for (int32_t i = 0; i < columns; i++) {
            sum += ((uint32_t)exponentials[i] + (1U << 11)) >> 12;
        }
        const int32x4_t scale = vdupq_n_s32(eq_reciprocal((int32_t)sum, 12, &above_one));
        const int32x4_t shift = vdupq_n_s32(above_one + 23 < 31 ? -above_one - 23 : -31); /* of what is not negative */
        for (int32_t i = 0; i < columns; i += 16) {
            int32x4_t q[4];
            EQ_UNROLL
            for (int32_t v = 0; v < 4; v++) {
                q[v] = vrshlq_s32(vqrdmulhq_s32(scale, vld1q_s32(exponentials + i + 4 * v)), shift);
            }
            eq_store_some(output + i, eq_wide_outputs(q[0], q[1], q[2], q[3], &o), columns - i);
        }
    }
}
