/* The instructions of Armv7E-M's DSP extension, which Armv6 has as well, that the kernels use, as functions. Where they
 * are missing, their meaning in C stands for them, so that the same kernels run on a host.
 *
 * A pair is two signed 16-bit halves in one int32_t, the bottom half first. Accumulations wrap around. */
#ifndef EQ_DSP_H
#define EQ_DSP_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_SIMD32) && __ARM_FEATURE_SIMD32
#define EQ_DSP_NATIVE 1
#else
#define EQ_DSP_NATIVE 0
#endif

/* Four bytes from any address: these cores load unaligned words. */
static inline int32_t eq_load4(const int8_t *from)
{
    int32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Four bytes to any address. */
static inline void eq_store4(int8_t *to, int32_t word)
{
    memcpy(to, &word, sizeof word);
}

/* The same byte, -128 ... 127, four times. */
static inline int32_t eq_splat8(int32_t byte)
{
    return (int32_t)(((uint32_t)byte & 0xffU) * 0x01010101U);
}

/* The same value, 16 bits, twice. */
static inline int32_t eq_splat16(int32_t value)
{
    return (int32_t)(((uint32_t)value & 0xffffU) * 0x00010001U);
}

/* a modulo 2^32 */
static inline int32_t eq_wrap(int64_t a)
{
    return (int32_t)(uint32_t)((uint64_t)a & 0xffffffffU);
}

#if EQ_DSP_NATIVE

/* bytes 0 and 2, sign-extended to halves */
static inline int32_t eq_sxtb16(int32_t a)
{
    int32_t r;
    __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(a));
    return r;
}

/* bytes 1 and 3, likewise */
static inline int32_t eq_sxtb16_ror8(int32_t a)
{
    int32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(a));
    return r;
}

/* the bottoms of a and b */
static inline int32_t eq_pkhbt(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* the tops of a and b */
static inline int32_t eq_pkhtb(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* c + bottom(a) * bottom(b) + top(a) * top(b) */
static inline int32_t eq_smlad(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + bottom(a) * bottom(b) + top(a) * top(b), of 64 bits */
static inline int64_t eq_smlald(int32_t a, int32_t b, int64_t c)
{
    __asm__("smlald %Q0, %R0, %1, %2" : "+r"(c) : "r"(a), "r"(b));
    return c;
}

/* c + bottom(a) * bottom(b) */
static inline int32_t eq_smlabb(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + bottom(a) * top(b) */
static inline int32_t eq_smlabt(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + top(a) * bottom(b) */
static inline int32_t eq_smlatb(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + round(a * b / 2^32), halves up */
static inline int32_t eq_smmlar(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + a * b / 2^32, rounded down */
static inline int32_t eq_smmla(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smmla %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + top(a) * top(b) */
static inline int32_t eq_smlatt(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* clamped to -128 ... 127 */
static inline int32_t eq_ssat8(int32_t a)
{
    int32_t r;
    __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(a));
    return r;
}

/* clamped to -32768 ... 32767 */
static inline int32_t eq_ssat16(int32_t a)
{
    int32_t r;
    __asm__("ssat %0, #16, %1" : "=r"(r) : "r"(a));
    return r;
}

/* in every byte the greater of a and b, signed */
static inline int32_t eq_smax8(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* in every byte the less of a and b, signed */
static inline int32_t eq_smin8(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* in each half the greater of a and b, signed */
static inline int32_t eq_smax16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* in each half the less of a and b, signed */
static inline int32_t eq_smin16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* bytes 0 and 2 of b, sign-extended, added to the halves of a */
static inline int32_t eq_sxtab16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("sxtab16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* bytes 1 and 3, likewise */
static inline int32_t eq_sxtab16_ror8(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* the sum of the halves */
static inline int32_t eq_sadd16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("sadd16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* the difference of the halves */
static inline int32_t eq_ssub16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssub16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* bottom(a) * bottom(b) */
static inline int32_t eq_smulbb(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("smulbb %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* top(a) * top(b) */
static inline int32_t eq_smultt(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("smultt %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* the bottom of a and the top of b */
static inline int32_t eq_halves(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("pkhbt %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* c + bottom(a) * bottom(b) - top(a) * top(b) */
static inline int32_t eq_smlsd(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smlsd %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* c + bottom(a) * top(b) + top(a) * bottom(b) */
static inline int32_t eq_smladx(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smladx %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* bottom(a) + top(b), top(a) - bottom(b) */
static inline int32_t eq_ssax(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("ssax %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* bottom(a) - top(b), top(a) + bottom(b) */
static inline int32_t eq_sasx(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("sasx %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* sums of halves / 2, rounded down */
static inline int32_t eq_shadd16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("shadd16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* differences of halves / 2, rounded down */
static inline int32_t eq_shsub16(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("shsub16 %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

#else

static inline int32_t eq_bottom(int32_t a)
{
    return (int16_t)((uint32_t)a & 0xffffU);
}

static inline int32_t eq_top(int32_t a)
{
    return (int16_t)((uint32_t)a >> 16);
}

static inline int32_t eq_pair(int32_t bottom, int32_t top)
{
    return (int32_t)(((uint32_t)bottom & 0xffffU) | (uint32_t)top << 16);
}

static inline int32_t eq_sxtb16(int32_t a)
{
    return eq_pair((int8_t)((uint32_t)a & 0xffU), (int8_t)((uint32_t)a >> 16 & 0xffU));
}

static inline int32_t eq_sxtb16_ror8(int32_t a)
{
    return eq_pair((int8_t)((uint32_t)a >> 8 & 0xffU), (int8_t)((uint32_t)a >> 24));
}

static inline int32_t eq_pkhbt(int32_t a, int32_t b)
{
    return eq_pair(a, b);
}

static inline int32_t eq_pkhtb(int32_t a, int32_t b)
{
    return eq_pair(a >> 16, b >> 16);
}

static inline int32_t eq_smlad(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)eq_bottom(a) * eq_bottom(b) + (int64_t)eq_top(a) * eq_top(b) + c);
}

static inline int64_t eq_smlald(int32_t a, int32_t b, int64_t c)
{
    return c + (int64_t)eq_bottom(a) * eq_bottom(b) + (int64_t)eq_top(a) * eq_top(b);
}

static inline int32_t eq_smlabb(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)eq_bottom(a) * eq_bottom(b) + c);
}

static inline int32_t eq_smlabt(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)eq_bottom(a) * eq_top(b) + c);
}

static inline int32_t eq_smlatb(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)eq_top(a) * eq_bottom(b) + c);
}

static inline int32_t eq_smmlar(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)c + (((int64_t)a * b + ((int64_t)1 << 31)) >> 32));
}

static inline int32_t eq_smmla(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)c + (((int64_t)a * b) >> 32));
}

static inline int32_t eq_smlatt(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)eq_top(a) * eq_top(b) + c);
}

static inline int32_t eq_ssat8(int32_t a)
{
    return a < -128 ? -128 : a > 127 ? 127 : a;
}

static inline int32_t eq_ssat16(int32_t a)
{
    return a < -32768 ? -32768 : a > 32767 ? 32767 : a;
}

static inline int32_t eq_smax8(int32_t a, int32_t b)
{
    uint32_t r = 0;
    for (int32_t i = 0; i < 32; i += 8) {
        const int8_t x = (int8_t)((uint32_t)a >> i & 0xffU), y = (int8_t)((uint32_t)b >> i & 0xffU);
        r |= (uint32_t)(uint8_t)(x > y ? x : y) << i;
    }
    return (int32_t)r;
}

static inline int32_t eq_smin8(int32_t a, int32_t b)
{
    return ~eq_smax8(~a, ~b);
}

static inline int32_t eq_smax16(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a) > eq_bottom(b) ? a : b, a >> 16 > b >> 16 ? a >> 16 : b >> 16);
}

static inline int32_t eq_smin16(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a) < eq_bottom(b) ? a : b, a >> 16 < b >> 16 ? a >> 16 : b >> 16);
}

static inline int32_t eq_sxtab16(int32_t a, int32_t b)
{
    const int32_t wide = eq_sxtb16(b);
    return eq_pair(eq_bottom(a) + eq_bottom(wide), eq_top(a) + eq_top(wide));
}

static inline int32_t eq_sxtab16_ror8(int32_t a, int32_t b)
{
    const int32_t wide = eq_sxtb16_ror8(b);
    return eq_pair(eq_bottom(a) + eq_bottom(wide), eq_top(a) + eq_top(wide));
}

static inline int32_t eq_sadd16(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a) + eq_bottom(b), eq_top(a) + eq_top(b));
}

static inline int32_t eq_ssub16(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a) - eq_bottom(b), eq_top(a) - eq_top(b));
}

static inline int32_t eq_smulbb(int32_t a, int32_t b)
{
    return eq_bottom(a) * eq_bottom(b);
}

static inline int32_t eq_smultt(int32_t a, int32_t b)
{
    return eq_top(a) * eq_top(b);
}

static inline int32_t eq_halves(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a), eq_top(b));
}

static inline int32_t eq_smlsd(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)c + (int64_t)eq_bottom(a) * eq_bottom(b) - (int64_t)eq_top(a) * eq_top(b));
}

static inline int32_t eq_smladx(int32_t a, int32_t b, int32_t c)
{
    return eq_wrap((int64_t)c + (int64_t)eq_bottom(a) * eq_top(b) + (int64_t)eq_top(a) * eq_bottom(b));
}

static inline int32_t eq_ssax(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a) + eq_top(b), eq_top(a) - eq_bottom(b));
}

static inline int32_t eq_sasx(int32_t a, int32_t b)
{
    return eq_pair(eq_bottom(a) - eq_top(b), eq_top(a) + eq_bottom(b));
}

static inline int32_t eq_shadd16(int32_t a, int32_t b)
{
    return eq_pair((eq_bottom(a) + eq_bottom(b)) >> 1, (eq_top(a) + eq_top(b)) >> 1);
}

static inline int32_t eq_shsub16(int32_t a, int32_t b)
{
    return eq_pair((eq_bottom(a) - eq_bottom(b)) >> 1, (eq_top(a) - eq_top(b)) >> 1);
}

#endif

#endif
