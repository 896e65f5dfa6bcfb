/* Finite float16 numbers as float32 ones, by the processor's own instruction where it has one. */
#ifndef EQ_HALF_H
#define EQ_HALF_H

#include <stdint.h>
#include <string.h>

/* Every floating-point unit of M-profile converts, though gcc says so of few. */
#if defined __GNUC__ && defined __arm__ && defined __ARM_FP && (__ARM_FP & 2 || __ARM_ARCH_PROFILE == 'M')

static inline float eq_low_half(uint32_t pair)
{
    float value;
    memcpy(&value, &pair, sizeof value);
    __asm__("vcvtb.f32.f16 %0, %1" : "=t"(value) : "t"(value));
    return value;
}

static inline float eq_high_half(uint32_t pair)
{
    float value;
    memcpy(&value, &pair, sizeof value);
    __asm__("vcvtt.f32.f16 %0, %1" : "=t"(value) : "t"(value));
    return value;
}

#else

/* That in bits 0 to 15. */
static inline float eq_low_half(uint32_t pair)
{
    const uint32_t magnitude = pair & 0x7fffU;
    const uint32_t bits = ((magnitude << 13) + (112U << 23)) | (pair & 0x8000U) << 16;
    float value;
    if (magnitude < 0x400U) { /* zero or subnormal: a multiple of 2^-24 */
        value = (float)(int32_t)magnitude * 5.9604644775390625e-8f;
        return pair & 0x8000U ? -value : value;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* That in bits 16 to 31. */
static inline float eq_high_half(uint32_t pair)
{
    return eq_low_half(pair >> 16);
}

#endif
#endif
