/* Products of a vector with four rows of stored weights, which are multiplied as soon as they are read. */
#ifndef EQ_STORED_FOURS_H
#define EQ_STORED_FOURS_H

#include <stdint.h>

#include "eq/half.h"
#include "eq/lanes_float32.h"
#include "eq/stored.h"

static inline uint32_t eq_pair_of(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The products with four rows of float16 values: one by one with Helium, too, whose vectors of float16 numbers may make
 * subnormal ones zero. */
static inline void eq_fours_of_halves(const uint8_t *wa, int32_t depth, const float *vector, float *total)
{
    const uint8_t *wb = wa + 2 * depth, *wc = wb + 2 * depth, *wd = wc + 2 * depth;
    float a = total[0], b = total[1], c = total[2], d = total[3];
    int32_t k = 0;
    for (; k + 2 <= depth; k += 2, wa += 4, wb += 4, wc += 4, wd += 4) {
        const uint32_t pa = eq_pair_of(wa), pb = eq_pair_of(wb), pc = eq_pair_of(wc), pd = eq_pair_of(wd);
        const float x = vector[k], y = vector[k + 1];
        const float ax = x * eq_low_half(pa), bx = x * eq_low_half(pb);
        const float cx = x * eq_low_half(pc), dx = x * eq_low_half(pd);
        a = a + ax;
        b = b + bx;
        c = c + cx;
        d = d + dx;
        const float ay = y * eq_high_half(pa), by = y * eq_high_half(pb);
        const float cy = y * eq_high_half(pc), dy = y * eq_high_half(pd);
        a = a + ay;
        b = b + by;
        c = c + cy;
        d = d + dy;
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
    if (k < depth) {
        const uint8_t *last[EQ_LANES] = {wa, wb, wc, wd};
        for (int32_t lane = 0; lane < EQ_LANES; lane++) {
            const float product = vector[k] * eq_low_half((uint32_t)last[lane][0] | (uint32_t)last[lane][1] << 8);
            total[lane] = total[lane] + product;
        }
    }
}

#if defined __ARM_FEATURE_MVE && (__ARM_FEATURE_MVE & 2)

/* With Helium: a row in each lane. */
#include <arm_mve.h>

/* Where four rows begin, `depth` bytes from each other. */
static inline uint32x4_t eq_four_places(int32_t depth)
{
    return vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)depth);
}

/* The scales of four rows in the group of column `begin`. */
static inline float32x4_t eq_four_scales(const eq_stored *stored, int32_t row, int32_t begin)
{
    const int32_t groups = (stored->depth + stored->group - 1) / stored->group;
    const float *scale = stored->scales + row * groups + begin / stored->group;
    const float each[EQ_LANES] = {scale[0], scale[groups], scale[2 * groups], scale[3 * groups]};
    return vld1q_f32(each);
}

/* The products with four rows of bytes, in columns of one group. */
static inline void eq_fours_of_bytes(const eq_stored *stored, int32_t row, int32_t begin, int32_t count,
                                     const float *vector, float *total)
{
    const int8_t *bytes = (const int8_t *)stored->elements + row * stored->depth + begin;
    const uint32x4_t places = eq_four_places(stored->depth);
    const float32x4_t scales = eq_four_scales(stored, row, begin);
    float32x4_t sums = vld1q_f32(total);
    for (int32_t k = 0; k < count; k++) {
        const float32x4_t numbers = vmulq_f32(vcvtq_f32_s32(vldrbq_gather_offset_s32(bytes + k, places)), scales);
        sums = vaddq_f32(sums, vmulq_n_f32(numbers, vector[k]));
    }
    vst1q_f32(total, sums);
}

/* The products with four rows of integers of 4 or 2 bits, in columns of one group: all begin and end with a byte. */
static inline void eq_fours_of_fields(const eq_stored *stored, int32_t row, int32_t begin, int32_t count,
                                      const float *vector, float *total, int32_t bits)
{
    const int32_t each = 8 / bits, depth = stored->depth / each;
    const uint8_t *bytes = stored->elements + row * depth + begin / each;
    const uint32x4_t places = eq_four_places(depth);
    const float32x4_t scales = eq_four_scales(stored, row, begin);
    float32x4_t sums = vld1q_f32(total);
    for (int32_t k = 0; k < count; k += each) {
        const int32x4_t four = vreinterpretq_s32_u32(vldrbq_gather_offset_u32(bytes++, places));
        for (int32_t i = 0; i < each; i++) {
            const int32x4_t integers = vshlq_r_s32(vshlq_r_s32(four, 32 - bits - i * bits), bits - 32);
            const float32x4_t numbers = vmulq_f32(vcvtq_f32_s32(integers), scales);
            sums = vaddq_f32(sums, vmulq_n_f32(numbers, *vector++));
        }
    }
    vst1q_f32(total, sums);
}

#else

/* The products with four rows of bytes, in columns of one group. */
static inline void eq_fours_of_bytes(const eq_stored *stored, int32_t row, int32_t begin, int32_t count,
                                     const float *vector, float *total)
{
    const int32_t depth = stored->depth, groups = (depth + stored->group - 1) / stored->group;
    const int8_t *wa = (const int8_t *)stored->elements + row * depth + begin, *wb = wa + depth, *wc = wb + depth;
    const int8_t *wd = wc + depth;
    const float *scale = stored->scales + row * groups + begin / stored->group;
    const float sa = scale[0], sb = scale[groups], sc = scale[2 * groups], sd = scale[3 * groups];
    float a = total[0], b = total[1], c = total[2], d = total[3];
    for (int32_t k = 0; k < count; k++) {
        const float x = vector[k];
        const float na = (float)wa[k] * sa, nb = (float)wb[k] * sb, nc = (float)wc[k] * sc, nd = (float)wd[k] * sd;
        const float pa = x * na, pb = x * nb, pc = x * nc, pd = x * nd;
        a = a + pa;
        b = b + pb;
        c = c + pc;
        d = d + pd;
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

/* Integer `index` of some bits in a byte. */
static inline float eq_field_of(uint32_t byte, int32_t index, int32_t bits)
{
    return (float)((int32_t)(byte << (32 - bits - index * bits)) >> (32 - bits));
}

/* The products with four rows of integers of 4 or 2 bits, in columns of one group: all begin and end with a byte. */
static inline void eq_fours_of_fields(const eq_stored *stored, int32_t row, int32_t begin, int32_t count,
                                      const float *vector, float *total, int32_t bits)
{
    const int32_t each = 8 / bits, depth = stored->depth / each,
                  groups = (stored->depth + stored->group - 1) / stored->group;
    const uint8_t *wa = stored->elements + row * depth + begin / each, *wb = wa + depth, *wc = wb + depth;
    const uint8_t *wd = wc + depth, *const end = wa + count / each;
    const float *scale = stored->scales + row * groups + begin / stored->group;
    const float sa = scale[0], sb = scale[groups], sc = scale[2 * groups], sd = scale[3 * groups];
    float a = total[0], b = total[1], c = total[2], d = total[3];
    while (wa < end) {
        const uint32_t ba = *wa++, bb = *wb++, bc = *wc++, bd = *wd++;
        for (int32_t k = 0; k < each; k++) {
            const float x = *vector++;
            const float na = eq_field_of(ba, k, bits) * sa, nb = eq_field_of(bb, k, bits) * sb;
            const float nc = eq_field_of(bc, k, bits) * sc, nd = eq_field_of(bd, k, bits) * sd;
            const float pa = x * na, pb = x * nb, pc = x * nc, pd = x * nd;
            a = a + pa;
            b = b + pb;
            c = c + pc;
            d = d + pd;
        }
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

#endif
#endif
