/* Arm's vectors of 128 bits. Where a compiler has no arm_neon.h for what it compiles for, the intrinsics that the
 * kernels use are defined here by their meaning (Arm, Neon Intrinsics Reference), so that the same kernels run on a
 * host. */
#ifndef EQ_NEON_H
#define EQ_NEON_H

#include <stdint.h>
#include <string.h>

/* For a loop over what an array of vectors holds, which are to stay in registers. */
#define EQ_UNROLL _Pragma("GCC unroll 16")
#if defined(__ARM_NEON)
#define EQ_INLINE static inline __attribute__((always_inline))
#else /* compiles faster */
#define EQ_INLINE static inline
#endif

/* What is computed from vector v after this is not computed before: the other branch has no use for it. */
#if defined(__ARM_NEON)
#define EQ_NOT_BEFORE(v) __asm__ volatile("" : "+w"(v))
#else
#define EQ_NOT_BEFORE(v) ((void)(v))
#endif

#if defined(__ARM_NEON) && !defined(__aarch64__)
#define EQ_A64 0 /* 16 registers, no operations across a whole vector */
#else
#define EQ_A64 1 /* 32 registers */
#endif

#if defined(__ARM_NEON)

#include <arm_neon.h>

#else

#define EQ_VECTOR(type, element, lanes)                                                                                \
    typedef struct {                                                                                                   \
        element lane[lanes];                                                                                           \
    } type;

EQ_VECTOR(int8x8_t, int8_t, 8)
EQ_VECTOR(int8x16_t, int8_t, 16)
EQ_VECTOR(uint8x16_t, uint8_t, 16)
EQ_VECTOR(int16x4_t, int16_t, 4)
EQ_VECTOR(uint16x4_t, uint16_t, 4)
EQ_VECTOR(uint16x8_t, uint16_t, 8)
EQ_VECTOR(uint32x4_t, uint32_t, 4)
EQ_VECTOR(float32x4_t, float, 4)
EQ_VECTOR(int16x8_t, int16_t, 8)
EQ_VECTOR(int32x2_t, int32_t, 2)
EQ_VECTOR(int32x4_t, int32_t, 4)

typedef struct {
    int8x16_t val[4];
} int8x16x4_t;

typedef struct {
    int8x16_t val[3];
} int8x16x3_t;

/* What of a result fits the element: the low bits, or the nearest value. */
EQ_INLINE int32_t eq_wrapped(int64_t a)
{
    return (int32_t)(uint32_t)((uint64_t)a & 0xffffffffU);
}

EQ_INLINE int16_t eq_wrapped16(int32_t a)
{
    return (int16_t)(uint16_t)((uint32_t)a & 0xffffU);
}

EQ_INLINE int64_t eq_nearest(int64_t a, int32_t bits)
{
    const int64_t most = ((int64_t)1 << (bits - 1)) - 1;
    return a > most ? most : a < -most - 1 ? -most - 1 : a;
}

/* A function that returns r, whose lane i is `expression`. */
#define EQ_LANES(type, lanes, name, parameters, expression)                                                            \
    EQ_INLINE type name parameters                                                                                     \
    {                                                                                                                  \
        type r;                                                                                                        \
        for (int32_t i = 0; i < (lanes); i++) {                                                                        \
            r.lane[i] = expression;                                                                                    \
        }                                                                                                              \
        return r;                                                                                                      \
    }

EQ_LANES(int8x8_t, 8, vld1_s8, (const int8_t *from), from[i])
EQ_LANES(int8x16_t, 16, vld1q_s8, (const int8_t *from), from[i])
EQ_LANES(int32x4_t, 4, vld1q_s32, (const int32_t *from), from[i])
EQ_LANES(int8x16_t, 16, vdupq_n_s8, (int8_t a), a)
EQ_LANES(int16x8_t, 8, vdupq_n_s16, (int16_t a), a)
EQ_LANES(int32x4_t, 4, vdupq_n_s32, (int32_t a), a)
EQ_LANES(int8x8_t, 8, vget_low_s8, (int8x16_t a), a.lane[i])
EQ_LANES(int8x8_t, 8, vget_high_s8, (int8x16_t a), a.lane[8 + i])
EQ_LANES(int16x4_t, 4, vget_low_s16, (int16x8_t a), a.lane[i])
EQ_LANES(int16x4_t, 4, vget_high_s16, (int16x8_t a), a.lane[4 + i])
EQ_LANES(int8x16_t, 16, vcombine_s8, (int8x8_t a, int8x8_t b), i < 8 ? a.lane[i] : b.lane[i - 8])
EQ_LANES(int16x8_t, 8, vcombine_s16, (int16x4_t a, int16x4_t b), i < 4 ? a.lane[i] : b.lane[i - 4])
EQ_LANES(int16x8_t, 8, vmull_s8, (int8x8_t a, int8x8_t b), (int16_t)(a.lane[i] * b.lane[i]))
EQ_LANES(int16x8_t, 8, vsubl_s8, (int8x8_t a, int8x8_t b), (int16_t)(a.lane[i] - b.lane[i]))
EQ_LANES(int16x8_t, 8, vsubl_high_s8, (int8x16_t a, int8x16_t b), (int16_t)(a.lane[8 + i] - b.lane[8 + i]))
EQ_LANES(int32x4_t, 4, vmull_s16, (int16x4_t a, int16x4_t b), a.lane[i] * b.lane[i])
EQ_LANES(int16x8_t, 8, vmlal_s8, (int16x8_t sum, int8x8_t a, int8x8_t b),
         eq_wrapped16(sum.lane[i] + a.lane[i] * b.lane[i]))
EQ_LANES(int16x8_t, 8, vmull_high_s8, (int8x16_t a, int8x16_t b), (int16_t)(a.lane[8 + i] * b.lane[8 + i]))
EQ_LANES(int16x8_t, 8, vmlal_high_s8, (int16x8_t sum, int8x16_t a, int8x16_t b),
         eq_wrapped16(sum.lane[i] + a.lane[8 + i] * b.lane[8 + i]))
EQ_LANES(int32x4_t, 4, vpadalq_s16, (int32x4_t sum, int16x8_t a),
         eq_wrapped((int64_t)sum.lane[i] + a.lane[2 * i] + a.lane[2 * i + 1]))
EQ_LANES(int32x4_t, 4, vpaddq_s32, (int32x4_t a, int32x4_t b),
         i < 2 ? eq_wrapped((int64_t)a.lane[2 * i] + a.lane[2 * i + 1])
               : eq_wrapped((int64_t)b.lane[2 * i - 4] + b.lane[2 * i - 3]))
EQ_LANES(int32x4_t, 4, vaddq_s32, (int32x4_t a, int32x4_t b), eq_wrapped((int64_t)a.lane[i] + b.lane[i]))
EQ_LANES(int32x4_t, 4, vaddw_s16, (int32x4_t a, int16x4_t b), eq_wrapped((int64_t)a.lane[i] + b.lane[i]))
EQ_LANES(int32x4_t, 4, vaddw_high_s16, (int32x4_t a, int16x8_t b), eq_wrapped((int64_t)a.lane[i] + b.lane[4 + i]))
EQ_LANES(int32x4_t, 4, vqrdmulhq_s32, (int32x4_t a, int32x4_t b),
         (int32_t)eq_nearest(((int64_t)a.lane[i] * b.lane[i] + ((int64_t)1 << 30)) >> 31, 32))
EQ_LANES(int32x4_t, 4, vqdmulhq_s32, (int32x4_t a, int32x4_t b),
         (int32_t)eq_nearest((int64_t)a.lane[i] * b.lane[i] >> 31, 32))
/* by a shift of -31 ... 0, that is, to the right */
EQ_LANES(int32x4_t, 4, vrshlq_s32, (int32x4_t a, int32x4_t shift),
         shift.lane[i] == 0 ? a.lane[i]
                            : (int32_t)(((int64_t)a.lane[i] + ((int64_t)1 << (-shift.lane[i] - 1))) >> -shift.lane[i]))
EQ_LANES(int32x4_t, 4, vsraq_n_s32, (int32x4_t a, int32x4_t b, int32_t n),
         eq_wrapped((int64_t)a.lane[i] + (b.lane[i] >> (n < 32 ? n : 31))))
EQ_LANES(int16x4_t, 4, vqmovn_s32, (int32x4_t a), (int16_t)eq_nearest(a.lane[i], 16))
EQ_LANES(int16x8_t, 8, vqmovn_high_s32, (int16x4_t a, int32x4_t b),
         i < 4 ? a.lane[i] : (int16_t)eq_nearest(b.lane[i - 4], 16))
EQ_LANES(int8x8_t, 8, vqmovn_s16, (int16x8_t a), (int8_t)eq_nearest(a.lane[i], 8))
EQ_LANES(int8x16_t, 16, vqmovn_high_s16, (int8x8_t a, int16x8_t b),
         i < 8 ? a.lane[i] : (int8_t)eq_nearest(b.lane[i - 8], 8))
EQ_LANES(int16x8_t, 8, vqaddq_s16, (int16x8_t a, int16x8_t b), (int16_t)eq_nearest(a.lane[i] + b.lane[i], 16))
EQ_LANES(int8x16_t, 16, vmaxq_s8, (int8x16_t a, int8x16_t b), a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(int8x16_t, 16, vminq_s8, (int8x16_t a, int8x16_t b), a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(int8x8_t, 8, vmax_s8, (int8x8_t a, int8x8_t b), a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(int8x8_t, 8, vmin_s8, (int8x8_t a, int8x8_t b), a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(int8x8_t, 8, vext_s8, (int8x8_t a, int8x8_t b, int32_t n), i + n < 8 ? a.lane[i + n] : b.lane[i + n - 8])
EQ_LANES(int8x16_t, 16, vextq_s8, (int8x16_t a, int8x16_t b, int32_t n),
         i + n < 16 ? a.lane[i + n] : b.lane[i + n - 16])
EQ_LANES(int32x4_t, 4, vrev64q_s32, (int32x4_t a), a.lane[i ^ 1])
EQ_LANES(int16x4_t, 4, vdup_n_s16, (int16_t a), a)
EQ_LANES(int16x8_t, 8, vmovl_s8, (int8x8_t a), a.lane[i])
EQ_LANES(int32x4_t, 4, vmovl_s16, (int16x4_t a), a.lane[i])
EQ_LANES(int16x8_t, 8, vshll_n_s8, (int8x8_t a, int32_t n), (int16_t)(a.lane[i] * (1 << n)))
EQ_LANES(int32x4_t, 4, vshlq_n_s32, (int32x4_t a, int32_t n), eq_wrapped((int64_t)a.lane[i] * ((int64_t)1 << n)))
EQ_LANES(int16x8_t, 8, vaddw_s8, (int16x8_t a, int8x8_t b), eq_wrapped16(a.lane[i] + b.lane[i]))
EQ_LANES(int16x8_t, 8, vsubq_s16, (int16x8_t a, int16x8_t b), eq_wrapped16(a.lane[i] - b.lane[i]))
EQ_LANES(int32x4_t, 4, vmlal_s16, (int32x4_t sum, int16x4_t a, int16x4_t b),
         eq_wrapped((int64_t)sum.lane[i] + (int64_t)a.lane[i] * b.lane[i]))
EQ_LANES(int32x4_t, 4, vmlal_lane_s16, (int32x4_t sum, int16x4_t a, int16x4_t b, int32_t lane),
         eq_wrapped((int64_t)sum.lane[i] + (int64_t)a.lane[i] * b.lane[lane]))
EQ_LANES(int32x4_t, 4, vmlal_high_lane_s16, (int32x4_t sum, int16x8_t a, int16x4_t b, int32_t lane),
         eq_wrapped((int64_t)sum.lane[i] + (int64_t)a.lane[4 + i] * b.lane[lane]))
EQ_LANES(int32x4_t, 4, vmulq_s32, (int32x4_t a, int32x4_t b), eq_wrapped((int64_t)a.lane[i] * b.lane[i]))
EQ_LANES(int32x4_t, 4, vmlaq_s32, (int32x4_t sum, int32x4_t a, int32x4_t b),
         eq_wrapped(sum.lane[i] + (int64_t)a.lane[i] * b.lane[i]))
EQ_LANES(int32x4_t, 4, vandq_s32, (int32x4_t a, int32x4_t b), (int32_t)((uint32_t)a.lane[i] & (uint32_t)b.lane[i]))
/* by a shift of -15 ... 15 */
EQ_LANES(int16x8_t, 8, vshlq_s16, (int16x8_t a, int16x8_t shift),
         eq_wrapped16(shift.lane[i] < 0 ? a.lane[i] >> -shift.lane[i] : a.lane[i] * (1 << shift.lane[i])))
EQ_LANES(int16x8_t, 8, vuzp1q_s16, (int16x8_t a, int16x8_t b), i < 4 ? a.lane[2 * i] : b.lane[2 * i - 8])
EQ_LANES(int16x8_t, 8, vuzp2q_s16, (int16x8_t a, int16x8_t b), i < 4 ? a.lane[2 * i + 1] : b.lane[2 * i - 7])
EQ_LANES(int16x8_t, 8, vzip1q_s16, (int16x8_t a, int16x8_t b), i % 2 == 0 ? a.lane[i / 2] : b.lane[i / 2])
EQ_LANES(int16x8_t, 8, vzip2q_s16, (int16x8_t a, int16x8_t b), i % 2 == 0 ? a.lane[4 + i / 2] : b.lane[4 + i / 2])
EQ_LANES(int8x16_t, 16, vzip1q_s8, (int8x16_t a, int8x16_t b), i % 2 == 0 ? a.lane[i / 2] : b.lane[i / 2])
EQ_LANES(int8x16_t, 16, vzip2q_s8, (int8x16_t a, int8x16_t b), i % 2 == 0 ? a.lane[8 + i / 2] : b.lane[8 + i / 2])
/* acc + the sum of four products; of vdotq_lane_s32 and vdotq_laneq_s32 one operand is four bytes, the same for all */
EQ_LANES(int32x4_t, 4, vdotq_s32, (int32x4_t acc, int8x16_t a, int8x16_t b),
         eq_wrapped((int64_t)acc.lane[i] + a.lane[4 * i] * b.lane[4 * i] + a.lane[4 * i + 1] * b.lane[4 * i + 1] +
                    a.lane[4 * i + 2] * b.lane[4 * i + 2] + a.lane[4 * i + 3] * b.lane[4 * i + 3]))
EQ_LANES(int8x16_t, 16, eq_four_of, (const int8_t *a, int32_t lane), a[4 * lane + i % 4])

EQ_INLINE int32x4_t vdotq_lane_s32(int32x4_t acc, int8x16_t a, int8x8_t b, int32_t lane)
{
    return vdotq_s32(acc, a, eq_four_of(b.lane, lane));
}

EQ_INLINE int32x4_t vdotq_laneq_s32(int32x4_t acc, int8x16_t a, int8x16_t b, int32_t lane)
{
    return vdotq_s32(acc, a, eq_four_of(b.lane, lane));
}

EQ_LANES(uint8x16_t, 16, vdupq_n_u8, (uint8_t a), a)
EQ_LANES(uint8x16_t, 16, vsubq_u8, (uint8x16_t a, uint8x16_t b), (uint8_t)(a.lane[i] - b.lane[i]))

EQ_INLINE uint8x16_t vreinterpretq_u8_s8(int8x16_t a)
{
    uint8x16_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_LANES(int8x16_t, 16, vqtbx4q_s8, (int8x16_t a, int8x16x4_t table, uint8x16_t index),
         index.lane[i] < 64 ? table.val[index.lane[i] / 16].lane[index.lane[i] % 16] : a.lane[i])

EQ_LANES(uint8x16_t, 16, vld1q_u8, (const uint8_t *from), from[i])
EQ_LANES(uint16x8_t, 8, vld1q_u16, (const uint16_t *from), from[i])
EQ_LANES(uint32x4_t, 4, vdupq_n_u32, (uint32_t a), a)
EQ_LANES(float32x4_t, 4, vdupq_n_f32, (float a), a)
EQ_LANES(uint16x4_t, 4, vget_low_u16, (uint16x8_t a), a.lane[i])
EQ_LANES(uint16x4_t, 4, vget_high_u16, (uint16x8_t a), a.lane[4 + i])
EQ_LANES(uint32x4_t, 4, vmovl_u16, (uint16x4_t a), a.lane[i])
EQ_LANES(uint32x4_t, 4, vpadalq_u16, (uint32x4_t sum, uint16x8_t a), sum.lane[i] + a.lane[2 * i] + a.lane[2 * i + 1])
EQ_LANES(uint32x4_t, 4, vmlaq_u32, (uint32x4_t sum, uint32x4_t a, uint32x4_t b), sum.lane[i] + a.lane[i] * b.lane[i])
EQ_LANES(uint32x4_t, 4, vmlsq_u32, (uint32x4_t sum, uint32x4_t a, uint32x4_t b), sum.lane[i] - a.lane[i] * b.lane[i])
EQ_LANES(uint32x4_t, 4, vsubq_u32, (uint32x4_t a, uint32x4_t b), a.lane[i] - b.lane[i])
EQ_LANES(uint32x4_t, 4, vcgeq_u32, (uint32x4_t a, uint32x4_t b), a.lane[i] >= b.lane[i] ? UINT32_MAX : 0)
EQ_LANES(float32x4_t, 4, vcvtq_f32_u32, (uint32x4_t a), (float)a.lane[i])
EQ_LANES(float32x4_t, 4, vmulq_f32, (float32x4_t a, float32x4_t b), a.lane[i] * b.lane[i])
EQ_LANES(uint32x4_t, 4, vcvtq_u32_f32, (float32x4_t a), (uint32_t)a.lane[i])

EQ_INLINE int32x4_t vreinterpretq_s32_u32(uint32x4_t a)
{
    int32x4_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE uint16x8_t vreinterpretq_u16_s8(int8x16_t a)
{
    uint16x8_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE void vst1q_u8(uint8_t *to, uint8x16_t a)
{
    memcpy(to, &a, sizeof a);
}

EQ_INLINE void vst1q_u16(uint16_t *to, uint16x8_t a)
{
    memcpy(to, &a, sizeof a);
}

EQ_INLINE int8x16_t vqtbl4q_s8(int8x16x4_t table, uint8x16_t index)
{
    const int8x16_t zeros = {{0}};
    return vqtbx4q_s8(zeros, table, index);
}

EQ_INLINE void vst1q_s8_x4(int8_t *to, int8x16x4_t a)
{
    memcpy(to, &a, sizeof a);
}

EQ_INLINE int32x4_t vreinterpretq_s32_s8(int8x16_t a)
{
    int32x4_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int8x16_t vreinterpretq_s8_s32(int32x4_t a)
{
    int8x16_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int16x8_t vreinterpretq_s16_s32(int32x4_t a)
{
    int16x8_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int16x8_t vreinterpretq_s16_s8(int8x16_t a)
{
    int16x8_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int8x16_t vreinterpretq_s8_s16(int16x8_t a)
{
    int8x16_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int32x2_t vreinterpret_s32_s8(int8x8_t a)
{
    int32x2_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int16x4_t vreinterpret_s16_s8(int8x8_t a)
{
    int16x4_t r;
    memcpy(&r, &a, sizeof r);
    return r;
}

EQ_INLINE int32_t vget_lane_s32(int32x2_t a, int32_t lane)
{
    return a.lane[lane];
}

EQ_INLINE int16_t vget_lane_s16(int16x4_t a, int32_t lane)
{
    return a.lane[lane];
}

EQ_INLINE void vst1_lane_s8(int8_t *to, int8x8_t a, int32_t lane)
{
    *to = a.lane[lane];
}

EQ_INLINE void vst3q_s8(int8_t *to, int8x16x3_t a)
{
    for (int32_t i = 0; i < 48; i++) {
        to[i] = a.val[i % 3].lane[i / 3];
    }
}

EQ_INLINE int8x16x3_t vld3q_s8(const int8_t *from)
{
    int8x16x3_t a;
    for (int32_t i = 0; i < 48; i++) {
        a.val[i % 3].lane[i / 3] = from[i];
    }
    return a;
}

EQ_INLINE void vst1q_s8(int8_t *to, int8x16_t a)
{
    memcpy(to, &a, sizeof a);
}

EQ_INLINE void vst1q_s32(int32_t *to, int32x4_t a)
{
    memcpy(to, &a, sizeof a);
}

EQ_INLINE void vst1_s8(int8_t *to, int8x8_t a)
{
    memcpy(to, &a, sizeof a);
}

#endif

#endif
