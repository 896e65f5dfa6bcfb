/* Planes: four channels of an NHWC image, each by itself, widened to pairs.
 *
 * A word holds two neighbouring pixels of a row, the left one in its bottom half. The words of two neighbouring rows
 * alternate, so that one LDRD brings the same two columns of both. Words of pixels outside of the image hold what
 * padding reads as. */
#ifndef EQ_DSP_PLANES_H
#define EQ_DSP_PLANES_H

#include "eq/dsp.h"

/* The longest pieces of assembly take all registers, which Clang does not give: it gets their meaning in C. */
#if EQ_DSP_NATIVE && !defined(__clang__)
#define EQ_DSP_LONG_ASM 1
#else
#define EQ_DSP_LONG_ASM 0
#endif

/* Fewer than four channels of one pixel, where reading four could leave the image. */
static inline int32_t eq_load_channels(const int8_t *pixel, int32_t channels)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < channels; i++) {
        word |= (uint32_t)(uint8_t)pixel[i] << 8 * i;
    }
    return (int32_t)word;
}

/* Two pixels of a row, four channels each, to where that word is in the four planes. */
static inline void eq_put_pixels(int32_t left, int32_t right, int32_t *to, int32_t plane)
{
    const int32_t low = eq_pkhbt(left, right), high = eq_pkhtb(left, right);
    to[0] = eq_sxtb16(low);
    to[plane] = eq_sxtb16_ror8(low);
    to[2 * plane] = eq_sxtb16(high);
    to[3 * plane] = eq_sxtb16_ror8(high);
}

/* Two neighbouring pixels of a row, four channels each. */
typedef struct {
    int32_t left, right;
} eq_pixels;

/* Writes two rows of four planes: first the pixels `first_a` and `first_b`, then `words` - 1 pairs from a and b on,
 * then, if `odd`, one more pixel and padding. `plane` is the distance of planes in words. */
static inline void eq_put_rows(eq_pixels first_a, eq_pixels first_b, const int8_t *a, const int8_t *b, int32_t step,
                               int32_t words, int32_t odd, int32_t pad_word, int32_t *to, int32_t plane)
{
#if EQ_DSP_LONG_ASM
    int32_t *to1 = to + plane, *to2 = to1 + plane, *to3 = to2 + plane;
    int32_t a0, a1, b0, b1, low, high;
    const eq_pixels next_a = first_a, next_b = first_b;
    eq_pixels rest = {odd, pad_word};
    __asm__ volatile("ldrd %[a0], %[a1], %[next_a]\n\t"
                     "ldrd %[b0], %[b1], %[next_b]\n\t"
                     "b 2f\n"
                     "1:\n\t"
                     "ldr %[a0], [%[a]]\n\t"
                     "ldr %[a1], [%[a], %[step]]\n\t"
                     "add %[a], %[a], %[step], lsl #1\n\t"
                     "ldr %[b0], [%[b]]\n\t"
                     "ldr %[b1], [%[b], %[step]]\n\t"
                     "add %[b], %[b], %[step], lsl #1\n"
                     "2:\n\t"
                     "pkhbt %[low], %[a0], %[a1], lsl #16\n\t"
                     "pkhtb %[a1], %[a1], %[a0], asr #16\n\t"
                     "pkhbt %[high], %[b0], %[b1], lsl #16\n\t"
                     "pkhtb %[b1], %[b1], %[b0], asr #16\n\t"
                     "sxtb16 %[a0], %[low]\n\t"
                     "sxtb16 %[b0], %[high]\n\t"
                     "strd %[a0], %[b0], [%[to]], #8\n\t"
                     "sxtb16 %[a0], %[low], ror #8\n\t"
                     "sxtb16 %[b0], %[high], ror #8\n\t"
                     "strd %[a0], %[b0], [%[to1]], #8\n\t"
                     "sxtb16 %[a0], %[a1]\n\t"
                     "sxtb16 %[b0], %[b1]\n\t"
                     "strd %[a0], %[b0], [%[to2]], #8\n\t"
                     "sxtb16 %[a0], %[a1], ror #8\n\t"
                     "sxtb16 %[b0], %[b1], ror #8\n\t"
                     "strd %[a0], %[b0], [%[to3]], #8\n\t"
                     "subs %[words], %[words], #1\n\t"
                     "bne 1b\n\t"
                     "ldrd %[words], %[a1], %[rest]\n\t"
                     "cmp %[words], #0\n\t"
                     "beq 3f\n\t"
                     "mov %[low], #0\n\t"
                     "strd %[low], %[a1], %[rest]\n\t"
                     "ldr %[a0], [%[a]]\n\t"
                     "ldr %[b0], [%[b]]\n\t"
                     "mov %[b1], %[a1]\n\t"
                     "b 2b\n"
                     "3:"
                     : [a] "+r"(a), [b] "+r"(b), [to] "+r"(to), [to1] "+r"(to1), [to2] "+r"(to2), [to3] "+r"(to3),
                       [words] "+r"(words), [a0] "=&r"(a0), [a1] "=&r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1),
                       [low] "=&r"(low), [high] "=&r"(high), [rest] "+m"(rest)
                     : [step] "r"(step), [next_a] "m"(next_a), [next_b] "m"(next_b)
                     : "cc", "memory");
#else
    for (;;) {
        eq_put_pixels(first_a.left, first_a.right, to, plane);
        eq_put_pixels(first_b.left, first_b.right, to + 1, plane);
        to += 2;
        if (--words > 0) {
            first_a.left = eq_load4(a), first_a.right = eq_load4(a + step);
            first_b.left = eq_load4(b), first_b.right = eq_load4(b + step);
            a += 2 * step, b += 2 * step;
        } else if (odd) {
            first_a.left = eq_load4(a), first_b.left = eq_load4(b);
            first_a.right = first_b.right = pad_word;
            odd = 0;
        } else {
            break;
        }
    }
#endif
}

/* Where rows go, and what of them. */
typedef struct {
    int32_t pixels, before; /* of the image, not 0; of padding, at most two */
    int32_t words;          /* of a row of a plane */
    int32_t pad_word;
    int32_t plane; /* distance of planes in words */
} eq_frame;

/* Writes two rows of the four planes, of which `to` is the first; four channels. */
static inline void eq_gather_rows(const eq_frame *f, const int8_t *a, const int8_t *b, int32_t step, int32_t *to)
{
    const int32_t pad = f->pad_word;
    eq_pixels first_a = {pad, eq_load4(a)}, first_b = {pad, eq_load4(b)};
    int32_t left = f->pixels - 1;
    a += step, b += step;
    if (!(f->before & 1)) {
        first_a.left = first_a.right, first_b.left = first_b.right;
        first_a.right = first_b.right = pad;
        if (left > 0) {
            first_a.right = eq_load4(a), first_b.right = eq_load4(b);
            a += step, b += step, left--;
        }
    }
    eq_put_rows(first_a, first_b, a, b, step, 1 + (left >> 1), left & 1, pad, to + 2 * (f->before >> 1), f->plane);
}

/* Writes one row of padding. */
static inline void eq_pad_row(const eq_frame *f, int32_t *to)
{
    const int32_t pad = eq_sxtb16(f->pad_word);
    for (int32_t k = 0; k < 4; k++) {
        for (int32_t j = 0; j < f->words; j++) {
            to[k * f->plane + 2 * j] = pad;
        }
    }
}

/* Writes one row of fewer than four channels. */
static inline void eq_gather_narrow(const eq_frame *f, const int8_t *a, int32_t channels, int32_t *to)
{
    int32_t left = f->pad_word, odd = f->before & 1;
    to += 2 * (f->before >> 1);
    for (int32_t i = 0; i < f->pixels; i++, a += channels, odd ^= 1) {
        const int32_t pixel = eq_load_channels(a, channels);
        if (odd) {
            eq_put_pixels(left, pixel, to, f->plane);
            to += 2;
        }
        left = pixel;
    }
    if (odd) {
        eq_put_pixels(left, f->pad_word, to, f->plane);
    }
}

#endif
