/* The instructions of Helium (Armv8.1-M's vector extension) that the kernels use, as functions. Where they are missing,
 * their meaning in C stands for them, so that the same kernels run on a host.
 *
 * Even and odd are lanes: instructions that widen take every second lane, those that narrow fill every second one.
 * Functions ending in _n read or write the first n lanes only (all, if there are fewer than n); lanes not read are 0.
 */
#ifndef EQ_MVE_H
#define EQ_MVE_H

#include <stdint.h>
#include <string.h>

/* For functions on vectors, which are worth nothing if called. */
#define EQ_INLINE static inline __attribute__((always_inline))

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define EQ_MVE_NATIVE 1
#else
#define EQ_MVE_NATIVE 0
#endif

#if EQ_MVE_NATIVE

#include <arm_mve.h>

typedef int8x16_t eq_s8x16;
typedef int16x8_t eq_s16x8;
typedef int32x4_t eq_s32x4;

/* Memory. */

EQ_INLINE eq_s8x16 eq_load_s8(const int8_t *from)
{
    return vldrbq_s8(from);
}

EQ_INLINE eq_s8x16 eq_load_s8_n(const int8_t *from, int32_t n)
{
    return vldrbq_z_s8(from, vctp8q((uint32_t)n));
}

EQ_INLINE void eq_store_s8(int8_t *to, eq_s8x16 a)
{
    vstrbq_s8(to, a);
}

EQ_INLINE void eq_store_s8_n(int8_t *to, eq_s8x16 a, int32_t n)
{
    vstrbq_p_s8(to, a, vctp8q((uint32_t)n));
}

/* from[offset[i]] for the unsigned bytes offset[i] */
EQ_INLINE eq_s8x16 eq_gather_s8(const int8_t *from, eq_s8x16 offset)
{
    return vldrbq_gather_offset_s8(from, vreinterpretq_u8_s8(offset));
}

EQ_INLINE eq_s32x4 eq_load_s8_to_s32(const int8_t *from)
{
    return vldrbq_s32(from);
}

EQ_INLINE eq_s32x4 eq_load_s8_to_s32_n(const int8_t *from, int32_t n)
{
    return vldrbq_z_s32(from, vctp32q((uint32_t)n));
}

EQ_INLINE eq_s32x4 eq_load_u8_to_s32(const uint8_t *from)
{
    return vreinterpretq_s32_u32(vldrbq_u32(from));
}

EQ_INLINE eq_s16x8 eq_load_s8_to_s16(const int8_t *from)
{
    return vldrbq_s16(from);
}

EQ_INLINE eq_s32x4 eq_load_s32(const int32_t *from)
{
    return vldrwq_s32(from);
}

EQ_INLINE eq_s32x4 eq_load_s32_n(const int32_t *from, int32_t n)
{
    return vldrwq_z_s32(from, vctp32q((uint32_t)n));
}

EQ_INLINE void eq_store_s32(int32_t *to, eq_s32x4 a)
{
    vstrwq_s32(to, a);
}

/* the low bytes */
EQ_INLINE void eq_store_s32_to_s8(int8_t *to, eq_s32x4 a)
{
    vstrbq_s32(to, a);
}

EQ_INLINE void eq_store_s32_to_s8_n(int8_t *to, eq_s32x4 a, int32_t n)
{
    vstrbq_p_s32(to, a, vctp32q((uint32_t)n));
}

EQ_INLINE eq_s32x4 eq_load_s16_to_s32_n(const int16_t *from, int32_t n)
{
    return vldrhq_z_s32(from, vctp32q((uint32_t)n));
}

/* the low halves */
EQ_INLINE void eq_store_s32_to_s16_n(int16_t *to, eq_s32x4 a, int32_t n)
{
    vstrhq_p_s32(to, a, vctp32q((uint32_t)n));
}

EQ_INLINE eq_s16x8 eq_load_s16_n(const int16_t *from, int32_t n)
{
    return vldrhq_z_s16(from, vctp16q((uint32_t)n));
}

EQ_INLINE eq_s16x8 eq_load_s16(const int16_t *from)
{
    return vldrhq_s16(from);
}

EQ_INLINE void eq_store_s16(int16_t *to, eq_s16x8 a)
{
    vstrhq_s16(to, a);
}

EQ_INLINE void eq_store_s16_n(int16_t *to, eq_s16x8 a, int32_t n)
{
    vstrhq_p_s16(to, a, vctp16q((uint32_t)n));
}

/* from[index[i]], indices not negative */
EQ_INLINE eq_s32x4 eq_gather_s16_to_s32(const int16_t *from, eq_s32x4 index)
{
    return vldrhq_gather_shifted_offset_s32(from, vreinterpretq_u32_s32(index));
}

EQ_INLINE eq_s32x4 eq_gather_s32(const int32_t *from, eq_s32x4 index)
{
    return vldrwq_gather_shifted_offset_s32(from, vreinterpretq_u32_s32(index));
}

/* a * 2^shift modulo 2^32; shift in 0 ... 31 */
EQ_INLINE eq_s32x4 eq_left_s32(eq_s32x4 a, int32_t shift)
{
    return vshlq_r_s32(a, shift);
}

/* a * 2^n modulo 2^32, floor(a / 2^n), round(a / 2^n) with halves up; n in 1 ... 31 is a constant */
#define eq_left_n_s32(a, n) vshlq_n_s32(a, n)
#define eq_right_n_s32(a, n) vshrq_n_s32(a, n)
#define eq_rounding_right_n_s32(a, n) vrshrq_n_s32(a, n)

EQ_INLINE eq_s32x4 eq_and_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vandq_s32(a, b);
}

/* clamped to -32768 ... 32767 */
EQ_INLINE eq_s32x4 eq_clamp16_s32(eq_s32x4 a)
{
    return vmovlbq_s16(vqmovnbq_s32(vreinterpretq_s16_s32(a), a));
}

/* a * 2^shift modulo 2^32, lane by lane; shift in 0 ... 31 */
EQ_INLINE eq_s32x4 eq_left_by_s32(eq_s32x4 a, eq_s32x4 shift)
{
    return vshlq_s32(a, shift);
}

/* Lanes that are all equal. */

EQ_INLINE eq_s8x16 eq_dup_s8(int32_t a)
{
    return vdupq_n_s8((int8_t)a);
}

EQ_INLINE eq_s32x4 eq_dup_s32(int32_t a)
{
    return vdupq_n_s32(a);
}

/* Bytes. */

EQ_INLINE eq_s16x8 eq_dup_s16(int32_t a)
{
    return vdupq_n_s16((int16_t)a);
}

EQ_INLINE eq_s16x8 eq_max_s16(eq_s16x8 a, eq_s16x8 b)
{
    return vmaxq_s16(a, b);
}

EQ_INLINE eq_s16x8 eq_min_s16(eq_s16x8 a, eq_s16x8 b)
{
    return vminq_s16(a, b);
}

EQ_INLINE eq_s8x16 eq_max_s8(eq_s8x16 a, eq_s8x16 b)
{
    return vmaxq_s8(a, b);
}

EQ_INLINE eq_s8x16 eq_min_s8(eq_s8x16 a, eq_s8x16 b)
{
    return vminq_s8(a, b);
}

EQ_INLINE eq_s16x8 eq_multiply_even_s8(eq_s8x16 a, eq_s8x16 b)
{
    return vmullbq_int_s8(a, b);
}

EQ_INLINE eq_s16x8 eq_multiply_odd_s8(eq_s8x16 a, eq_s8x16 b)
{
    return vmulltq_int_s8(a, b);
}

/* the low and the high half of each byte, as int8 */
EQ_INLINE eq_s8x16 eq_low_half_s8(eq_s8x16 a)
{
    return vshrq_n_s8(vshlq_n_s8(a, 4), 4);
}

EQ_INLINE eq_s8x16 eq_high_half_s8(eq_s8x16 a)
{
    return vshrq_n_s8(a, 4);
}

/* the high half of each byte, and each byte without its two lowest bits, not negative */
EQ_INLINE eq_s8x16 eq_high_bits_s8(eq_s8x16 a)
{
    return vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(a), 4));
}

EQ_INLINE eq_s8x16 eq_2_down_s8(eq_s8x16 a)
{
    return vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(a), 2));
}

EQ_INLINE eq_s8x16 eq_and_s8(eq_s8x16 a, eq_s8x16 b)
{
    return vandq_s8(a, b);
}

EQ_INLINE eq_s8x16 eq_or_s8(eq_s8x16 a, eq_s8x16 b)
{
    return vorrq_s8(a, b);
}

EQ_INLINE eq_s8x16 eq_exclusive_or_s8(eq_s8x16 a, eq_s8x16 b)
{
    return veorq_s8(a, b);
}

/* a * 2^n modulo 2^8, floor(a / 2^n); n in 1 ... 7 is a constant */
#define eq_left_n_s8(a, n) vshlq_n_s8(a, n)
#define eq_right_n_s8(a, n) vshrq_n_s8(a, n)

/* sum + a[0] + a[1] + ... */
EQ_INLINE int32_t eq_add_across_s8(int32_t sum, eq_s8x16 a)
{
    return vaddvaq_s8(sum, a);
}

/* sum + a[0] + a[1] + ... modulo 2^32 */
EQ_INLINE int32_t eq_add_across_s32(int32_t sum, eq_s32x4 a)
{
    return vaddvaq_s32(sum, a);
}

/* The greatest of them. */
EQ_INLINE int32_t eq_max_across_s16(int32_t least, eq_s16x8 a)
{
    return vmaxvq_s16((int16_t)least, a);
}

/* sum + a[0] * b[0] + a[1] * b[1] + ... */
EQ_INLINE int32_t eq_dot_s8(int32_t sum, eq_s8x16 a, eq_s8x16 b)
{
    return vmladavaq_s8(sum, a, b);
}

EQ_INLINE eq_s16x8 eq_widen_even_s8(eq_s8x16 a)
{
    return vmovlbq_s8(a);
}

EQ_INLINE eq_s16x8 eq_widen_odd_s8(eq_s8x16 a)
{
    return vmovltq_s8(a);
}

/* Halves. */

EQ_INLINE eq_s16x8 eq_add_s16(eq_s16x8 a, eq_s16x8 b)
{
    return vaddq_s16(a, b);
}

/* a + b, saturated */
EQ_INLINE eq_s16x8 eq_add_saturating_s16(eq_s16x8 a, int32_t b)
{
    return vqaddq_n_s16(a, (int16_t)b);
}

/* sum + a[0] * b[0] + a[1] * b[1] + ... modulo 2^32 */
EQ_INLINE int32_t eq_dot_s16(int32_t sum, eq_s16x8 a, eq_s16x8 b)
{
    return vmladavaq_s16(sum, a, b);
}

/* sum + a[0] * b[0] + a[1] * b[1] + ..., of 64 bits */
EQ_INLINE int64_t eq_long_dot_s16(int64_t sum, eq_s16x8 a, eq_s16x8 b)
{
    return vmlaldavaq_s16(sum, a, b);
}

EQ_INLINE eq_s32x4 eq_multiply_even_s16(eq_s16x8 a, eq_s16x8 b)
{
    return vmullbq_int_s16(a, b);
}

EQ_INLINE eq_s32x4 eq_multiply_odd_s16(eq_s16x8 a, eq_s16x8 b)
{
    return vmulltq_int_s16(a, b);
}

EQ_INLINE eq_s32x4 eq_widen_even_s16(eq_s16x8 a)
{
    return vmovlbq_s16(a);
}

EQ_INLINE eq_s32x4 eq_widen_odd_s16(eq_s16x8 a)
{
    return vmovltq_s16(a);
}

/* saturated, even lanes from `even` */
EQ_INLINE eq_s8x16 eq_narrow_s16(eq_s16x8 even, eq_s16x8 odd)
{
    return vqmovntq_s16(vqmovnbq_s16(vuninitializedq_s8(), even), odd);
}

/* Words. */

EQ_INLINE eq_s32x4 eq_add_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vaddq_s32(a, b);
}

EQ_INLINE eq_s32x4 eq_add_scalar_s32(eq_s32x4 a, int32_t b)
{
    return vaddq_n_s32(a, b);
}

/* a + b, saturated */
EQ_INLINE eq_s32x4 eq_add_saturating_s32(eq_s32x4 a, int32_t b)
{
    return vqaddq_n_s32(a, b);
}

EQ_INLINE eq_s32x4 eq_subtract_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vsubq_s32(a, b);
}

EQ_INLINE eq_s32x4 eq_multiply_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vmulq_s32(a, b);
}

EQ_INLINE eq_s32x4 eq_multiply_scalar_s32(eq_s32x4 a, int32_t b)
{
    return vmulq_n_s32(a, b);
}

/* c + a * b */
EQ_INLINE eq_s32x4 eq_multiply_add_s32(eq_s32x4 c, eq_s32x4 a, int32_t b)
{
    return vmlaq_n_s32(c, a, b);
}

EQ_INLINE eq_s32x4 eq_max_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vmaxq_s32(a, b);
}

EQ_INLINE eq_s32x4 eq_min_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vminq_s32(a, b);
}

/* round(a * b / 2^31), halves up, saturated */
EQ_INLINE eq_s32x4 eq_doubling_high_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vqrdmulhq_s32(a, b);
}

EQ_INLINE eq_s32x4 eq_doubling_high_scalar_s32(eq_s32x4 a, int32_t b)
{
    return vqrdmulhq_n_s32(a, b);
}

/* floor(a * b / 2^32) */
EQ_INLINE eq_s32x4 eq_high_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vmulhq_s32(a, b);
}

/* floor(a * b / 2^32) of lanes without a sign */
EQ_INLINE eq_s32x4 eq_high_u32(eq_s32x4 a, eq_s32x4 b)
{
    return vreinterpretq_s32_u32(vmulhq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}

/* floor(a / 2^-shift) of lanes without a sign; shift in -31 ... 0 */
EQ_INLINE eq_s32x4 eq_shift_u32(eq_s32x4 a, int32_t shift)
{
    return vreinterpretq_s32_u32(vshlq_r_u32(vreinterpretq_u32_s32(a), shift));
}

/* round(a / 2^-shift), halves up; shift in -31 ... 0 */
EQ_INLINE eq_s32x4 eq_rounding_shift_s32(eq_s32x4 a, eq_s32x4 shift)
{
    return vrshlq_s32(a, shift);
}

/* floor(a / 2^-shift); shift in -31 ... 0 */
EQ_INLINE eq_s32x4 eq_shift_s32(eq_s32x4 a, int32_t shift)
{
    return vshlq_r_s32(a, shift);
}

EQ_INLINE eq_s32x4 eq_exclusive_or_s32(eq_s32x4 a, eq_s32x4 b)
{
    return veorq_s32(a, b);
}

/* a - 1 where a and b are negative, not below the least value; else a */
EQ_INLINE eq_s32x4 eq_nudge_s32(eq_s32x4 a, eq_s32x4 b)
{
    return vqaddq_s32(a, vshrq_n_s32(vandq_s32(a, b), 31));
}

/* saturated, even lanes from `even` */
EQ_INLINE eq_s16x8 eq_narrow_s32(eq_s32x4 even, eq_s32x4 odd)
{
    return vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), even), odd);
}

#else

typedef struct {
    int8_t lane[16];
} eq_s8x16;

typedef struct {
    int16_t lane[8];
} eq_s16x8;

typedef struct {
    int32_t lane[4];
} eq_s32x4;

EQ_INLINE int32_t eq_wrap_s32(int64_t a)
{
    return (int32_t)(uint32_t)((uint64_t)a & 0xffffffffU);
}

EQ_INLINE int32_t eq_limit_s32(int64_t a)
{
    return a < INT32_MIN ? INT32_MIN : a > INT32_MAX ? INT32_MAX : (int32_t)a;
}

EQ_INLINE int16_t eq_limit_s16(int32_t a)
{
    return (int16_t)(a < INT16_MIN ? INT16_MIN : a > INT16_MAX ? INT16_MAX : a);
}

EQ_INLINE int8_t eq_limit_s8(int32_t a)
{
    return (int8_t)(a < INT8_MIN ? INT8_MIN : a > INT8_MAX ? INT8_MAX : a);
}

/* A function whose lane i is `expression`. */
#define EQ_LANES(lanes, type, name, parameters, expression)                                                            \
    EQ_INLINE type name parameters                                                                                     \
    {                                                                                                                  \
        type r;                                                                                                        \
        for (int32_t i = 0; i < (lanes); i++) {                                                                        \
            r.lane[i] = expression;                                                                                    \
        }                                                                                                              \
        return r;                                                                                                      \
    }

#define EQ_STORE(lanes, type, name, element, expression)                                                               \
    EQ_INLINE void name(element *to, type a, int32_t n)                                                                \
    {                                                                                                                  \
        for (int32_t i = 0; i < (lanes) && i < n; i++) {                                                               \
            to[i] = expression;                                                                                        \
        }                                                                                                              \
    }

EQ_LANES(16, eq_s8x16, eq_load_s8, (const int8_t *from), from[i])
EQ_LANES(16, eq_s8x16, eq_load_s8_n, (const int8_t *from, int32_t n), (int8_t)(i < n ? from[i] : 0))
EQ_LANES(16, eq_s8x16, eq_gather_s8, (const int8_t *from, eq_s8x16 offset), from[(uint8_t)offset.lane[i]])
EQ_LANES(4, eq_s32x4, eq_load_s8_to_s32, (const int8_t *from), from[i])
EQ_LANES(4, eq_s32x4, eq_load_s8_to_s32_n, (const int8_t *from, int32_t n), i < n ? from[i] : 0)
EQ_LANES(4, eq_s32x4, eq_load_u8_to_s32, (const uint8_t *from), from[i])
EQ_LANES(8, eq_s16x8, eq_load_s8_to_s16, (const int8_t *from), from[i])
EQ_LANES(4, eq_s32x4, eq_load_s32, (const int32_t *from), from[i])
EQ_LANES(4, eq_s32x4, eq_load_s32_n, (const int32_t *from, int32_t n), i < n ? from[i] : 0)
EQ_LANES(4, eq_s32x4, eq_load_s16_to_s32_n, (const int16_t *from, int32_t n), i < n ? from[i] : 0)
EQ_LANES(8, eq_s16x8, eq_load_s16, (const int16_t *from), from[i])
EQ_LANES(8, eq_s16x8, eq_load_s16_n, (const int16_t *from, int32_t n), (int16_t)(i < n ? from[i] : 0))
EQ_LANES(4, eq_s32x4, eq_gather_s16_to_s32, (const int16_t *from, eq_s32x4 index), from[index.lane[i]])
EQ_LANES(4, eq_s32x4, eq_gather_s32, (const int32_t *from, eq_s32x4 index), from[index.lane[i]])
EQ_LANES(4, eq_s32x4, eq_left_s32, (eq_s32x4 a, int32_t shift), eq_wrap_s32((int64_t)a.lane[i] * ((int64_t)1 << shift)))
EQ_LANES(4, eq_s32x4, eq_left_n_s32, (eq_s32x4 a, int32_t n), eq_wrap_s32((int64_t)a.lane[i] * ((int64_t)1 << n)))
EQ_LANES(4, eq_s32x4, eq_right_n_s32, (eq_s32x4 a, int32_t n), a.lane[i] >> n)
EQ_LANES(4, eq_s32x4, eq_rounding_right_n_s32, (eq_s32x4 a, int32_t n),
         (int32_t)(((int64_t)a.lane[i] + ((int64_t)1 << (n - 1))) >> n))
EQ_LANES(4, eq_s32x4, eq_and_s32, (eq_s32x4 a, eq_s32x4 b), a.lane[i] & b.lane[i])
EQ_LANES(4, eq_s32x4, eq_clamp16_s32, (eq_s32x4 a), eq_limit_s16(a.lane[i]))
EQ_LANES(4, eq_s32x4, eq_left_by_s32, (eq_s32x4 a, eq_s32x4 shift),
         eq_wrap_s32((int64_t)a.lane[i] * ((int64_t)1 << shift.lane[i])))
EQ_STORE(4, eq_s32x4, eq_store_s32_to_s16_n, int16_t, (int16_t)(uint16_t)((uint32_t)a.lane[i] & 0xffffU))
EQ_STORE(8, eq_s16x8, eq_store_s16_n, int16_t, a.lane[i])
EQ_STORE(16, eq_s8x16, eq_store_s8_n, int8_t, a.lane[i])
EQ_STORE(4, eq_s32x4, eq_store_s32_to_s8_n, int8_t, (int8_t)(uint8_t)((uint32_t)a.lane[i] & 0xffU))

EQ_INLINE void eq_store_s32_to_s8(int8_t *to, eq_s32x4 a)
{
    eq_store_s32_to_s8_n(to, a, 4);
}

EQ_INLINE void eq_store_s16(int16_t *to, eq_s16x8 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

EQ_INLINE void eq_store_s32(int32_t *to, eq_s32x4 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

EQ_INLINE void eq_store_s8(int8_t *to, eq_s8x16 a)
{
    memcpy(to, a.lane, sizeof a.lane);
}

EQ_LANES(16, eq_s8x16, eq_dup_s8, (int32_t a), (int8_t)a)
EQ_LANES(8, eq_s16x8, eq_dup_s16, (int32_t a), (int16_t)a)
EQ_LANES(4, eq_s32x4, eq_dup_s32, (int32_t a), a)

EQ_LANES(8, eq_s16x8, eq_max_s16, (eq_s16x8 a, eq_s16x8 b), a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(8, eq_s16x8, eq_min_s16, (eq_s16x8 a, eq_s16x8 b), a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(16, eq_s8x16, eq_max_s8, (eq_s8x16 a, eq_s8x16 b), a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(16, eq_s8x16, eq_min_s8, (eq_s8x16 a, eq_s8x16 b), a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(8, eq_s16x8, eq_multiply_even_s8, (eq_s8x16 a, eq_s8x16 b), (int16_t)(a.lane[2 * i] * b.lane[2 * i]))
EQ_LANES(8, eq_s16x8, eq_multiply_odd_s8, (eq_s8x16 a, eq_s8x16 b), (int16_t)(a.lane[2 * i + 1] * b.lane[2 * i + 1]))
EQ_LANES(16, eq_s8x16, eq_low_half_s8, (eq_s8x16 a), (int8_t)((int8_t)(uint8_t)((uint32_t)a.lane[i] << 4 & 0xf0U) >> 4))
EQ_LANES(16, eq_s8x16, eq_high_half_s8, (eq_s8x16 a), (int8_t)(a.lane[i] >> 4))
EQ_LANES(16, eq_s8x16, eq_high_bits_s8, (eq_s8x16 a), (int8_t)((uint32_t)(uint8_t)a.lane[i] >> 4))
EQ_LANES(16, eq_s8x16, eq_2_down_s8, (eq_s8x16 a), (int8_t)((uint32_t)(uint8_t)a.lane[i] >> 2))
EQ_LANES(16, eq_s8x16, eq_or_s8, (eq_s8x16 a, eq_s8x16 b), (int8_t)(a.lane[i] | b.lane[i]))
EQ_LANES(16, eq_s8x16, eq_exclusive_or_s8, (eq_s8x16 a, eq_s8x16 b), (int8_t)(a.lane[i] ^ b.lane[i]))
EQ_LANES(16, eq_s8x16, eq_left_n_s8, (eq_s8x16 a, int32_t n), (int8_t)(uint8_t)((uint32_t)a.lane[i] << n & 0xffU))
EQ_LANES(16, eq_s8x16, eq_right_n_s8, (eq_s8x16 a, int32_t n), (int8_t)(a.lane[i] >> n))
EQ_LANES(16, eq_s8x16, eq_and_s8, (eq_s8x16 a, eq_s8x16 b), (int8_t)(a.lane[i] & b.lane[i]))
EQ_INLINE int32_t eq_add_across_s8(int32_t sum, eq_s8x16 a)
{
    for (int32_t i = 0; i < 16; i++) {
        sum += a.lane[i];
    }
    return sum;
}

EQ_INLINE int32_t eq_add_across_s32(int32_t sum, eq_s32x4 a)
{
    for (int32_t i = 0; i < 4; i++) {
        sum = eq_wrap_s32((int64_t)sum + a.lane[i]);
    }
    return sum;
}

EQ_INLINE int32_t eq_max_across_s16(int32_t least, eq_s16x8 a)
{
    for (int32_t i = 0; i < 8; i++) {
        least = a.lane[i] > least ? a.lane[i] : least;
    }
    return least;
}

EQ_INLINE int32_t eq_dot_s8(int32_t sum, eq_s8x16 a, eq_s8x16 b)
{
    for (int32_t i = 0; i < 16; i++) {
        sum += a.lane[i] * b.lane[i];
    }
    return sum;
}

EQ_LANES(8, eq_s16x8, eq_widen_even_s8, (eq_s8x16 a), a.lane[2 * i])
EQ_LANES(8, eq_s16x8, eq_widen_odd_s8, (eq_s8x16 a), a.lane[2 * i + 1])

EQ_LANES(8, eq_s16x8, eq_add_s16, (eq_s16x8 a, eq_s16x8 b),
         (int16_t)(uint16_t)((uint32_t)(a.lane[i] + b.lane[i]) & 0xffffU))
EQ_LANES(8, eq_s16x8, eq_add_saturating_s16, (eq_s16x8 a, int32_t b), eq_limit_s16(a.lane[i] + b))
EQ_INLINE int32_t eq_dot_s16(int32_t sum, eq_s16x8 a, eq_s16x8 b)
{
    for (int32_t i = 0; i < 8; i++) {
        sum = eq_wrap_s32((int64_t)sum + a.lane[i] * b.lane[i]);
    }
    return sum;
}

EQ_INLINE int64_t eq_long_dot_s16(int64_t sum, eq_s16x8 a, eq_s16x8 b)
{
    for (int32_t i = 0; i < 8; i++) {
        sum += a.lane[i] * b.lane[i];
    }
    return sum;
}

EQ_LANES(4, eq_s32x4, eq_multiply_even_s16, (eq_s16x8 a, eq_s16x8 b), a.lane[2 * i] * b.lane[2 * i])
EQ_LANES(4, eq_s32x4, eq_multiply_odd_s16, (eq_s16x8 a, eq_s16x8 b), a.lane[2 * i + 1] * b.lane[2 * i + 1])
EQ_LANES(4, eq_s32x4, eq_widen_even_s16, (eq_s16x8 a), a.lane[2 * i])
EQ_LANES(4, eq_s32x4, eq_widen_odd_s16, (eq_s16x8 a), a.lane[2 * i + 1])
EQ_LANES(16, eq_s8x16, eq_narrow_s16, (eq_s16x8 even, eq_s16x8 odd),
         eq_limit_s8(i % 2 ? odd.lane[i / 2] : even.lane[i / 2]))

EQ_LANES(4, eq_s32x4, eq_add_s32, (eq_s32x4 a, eq_s32x4 b), eq_wrap_s32((int64_t)a.lane[i] + b.lane[i]))
EQ_LANES(4, eq_s32x4, eq_add_scalar_s32, (eq_s32x4 a, int32_t b), eq_wrap_s32((int64_t)a.lane[i] + b))
EQ_LANES(4, eq_s32x4, eq_add_saturating_s32, (eq_s32x4 a, int32_t b), eq_limit_s32((int64_t)a.lane[i] + b))
EQ_LANES(4, eq_s32x4, eq_subtract_s32, (eq_s32x4 a, eq_s32x4 b), eq_wrap_s32((int64_t)a.lane[i] - b.lane[i]))
EQ_LANES(4, eq_s32x4, eq_multiply_s32, (eq_s32x4 a, eq_s32x4 b), eq_wrap_s32((int64_t)a.lane[i] * b.lane[i]))
EQ_LANES(4, eq_s32x4, eq_multiply_scalar_s32, (eq_s32x4 a, int32_t b), eq_wrap_s32((int64_t)a.lane[i] * b))
EQ_LANES(4, eq_s32x4, eq_multiply_add_s32, (eq_s32x4 c, eq_s32x4 a, int32_t b),
         eq_wrap_s32((int64_t)a.lane[i] * b + c.lane[i]))
EQ_LANES(4, eq_s32x4, eq_max_s32, (eq_s32x4 a, eq_s32x4 b), a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(4, eq_s32x4, eq_min_s32, (eq_s32x4 a, eq_s32x4 b), a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i])
EQ_LANES(4, eq_s32x4, eq_doubling_high_s32, (eq_s32x4 a, eq_s32x4 b),
         eq_limit_s32(((int64_t)a.lane[i] * b.lane[i] + ((int64_t)1 << 30)) >> 31))
EQ_LANES(4, eq_s32x4, eq_doubling_high_scalar_s32, (eq_s32x4 a, int32_t b),
         eq_limit_s32(((int64_t)a.lane[i] * b + ((int64_t)1 << 30)) >> 31))
EQ_LANES(4, eq_s32x4, eq_high_s32, (eq_s32x4 a, eq_s32x4 b), (int32_t)((int64_t)a.lane[i] * b.lane[i] >> 32))
EQ_LANES(4, eq_s32x4, eq_high_u32, (eq_s32x4 a, eq_s32x4 b),
         eq_wrap_s32((int64_t)((uint64_t)(uint32_t)a.lane[i] * (uint32_t)b.lane[i] >> 32)))
EQ_LANES(4, eq_s32x4, eq_shift_u32, (eq_s32x4 a, int32_t shift), eq_wrap_s32((int64_t)((uint32_t)a.lane[i] >> -shift)))
EQ_LANES(4, eq_s32x4, eq_rounding_shift_s32, (eq_s32x4 a, eq_s32x4 shift),
         (int32_t)((a.lane[i] + (((int64_t)1 << -shift.lane[i]) >> 1)) >> -shift.lane[i]))
EQ_LANES(4, eq_s32x4, eq_shift_s32, (eq_s32x4 a, int32_t shift), a.lane[i] >> -shift)
EQ_LANES(4, eq_s32x4, eq_exclusive_or_s32, (eq_s32x4 a, eq_s32x4 b), a.lane[i] ^ b.lane[i])
EQ_LANES(4, eq_s32x4, eq_nudge_s32, (eq_s32x4 a, eq_s32x4 b),
         eq_limit_s32((int64_t)a.lane[i] + (a.lane[i] < 0 && b.lane[i] < 0 ? -1 : 0)))
EQ_LANES(8, eq_s16x8, eq_narrow_s32, (eq_s32x4 even, eq_s32x4 odd),
         eq_limit_s16(i % 2 ? odd.lane[i / 2] : even.lane[i / 2]))

#endif

/* `bytes` bytes, at least one; nothing else is read or written. */
EQ_INLINE void eq_copy_s8(int8_t *to, const int8_t *from, int32_t bytes)
{
#if EQ_MVE_NATIVE
    __asm__ volatile("dlstp.8 lr, %[n]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[from]], #16\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b"
                     : [from] "+r"(from), [to] "+r"(to)
                     : [n] "r"(bytes)
                     : "lr", "q0", "memory");
#else
    memcpy(to, from, (size_t)bytes);
#endif
}

/* `bytes` times the value, at least one; nothing else is written. */
EQ_INLINE void eq_fill_s8(int8_t *to, int32_t value, int32_t bytes)
{
#if EQ_MVE_NATIVE
    __asm__ volatile("vdup.8 q0, %[value]\n\t"
                     "dlstp.8 lr, %[n]\n"
                     "1:\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b"
                     : [to] "+r"(to)
                     : [value] "r"(value), [n] "r"(bytes)
                     : "lr", "q0", "memory");
#else
    memset(to, value, (size_t)bytes);
#endif
}

#endif
