/* What the kernels of Armv6-M and Armv7-M for int16 activations share. */
#ifndef EQ_THUMB_INT16_H
#define EQ_THUMB_INT16_H

#include "eq/int16_thumb.h"
#include "eq/requant.h"
#include "eq/thumb_inline.h"

#define EQ_TILE16 4 /* pixels of a tile */

/* floor(acc * mantissa / 2^32) for 0 <= mantissa < 2^31. */
static inline int32_t eq_thumb_high(int32_t acc, int32_t mantissa)
{
#if defined(__thumb2__)
    return (int32_t)((int64_t)acc * mantissa >> 32);
#else
    /* In products of 32 bits: both are cut into halves, of which acc's upper one has the sign. */
    const int32_t high = mantissa >> 16, acc_high = acc >> 16;
    const uint32_t low = (uint32_t)mantissa & 0xffffU, acc_low = (uint32_t)acc & 0xffffU;
    const int32_t middle = acc_high * (int32_t)low + (int32_t)(acc_low * low >> 16);
    return acc_high * high + (middle >> 16) +
           (int32_t)((((uint32_t)middle & 0xffffU) + acc_low * (uint32_t)high) >> 16);
#endif
}

static inline int16_t eq_thumb_to_int16(const eq_int16_thumb_outputs *o, int32_t channel, int32_t acc)
{
    const int32_t right = o->right[channel], high = eq_thumb_high(acc, o->mantissa[channel]);
    return (int16_t)eq_clamp((high + (1 << (right - 1))) >> right, o->qmin, o->qmax);
}

/* Adds the products of a tile with the weights of some channels, not none, to their sums: per channel four, those of
 * its pixels. A tile is k steps, not none, of four words, what each pixel reads. Returns the end of the weights. */
typedef const int8_t *eq_thumb_int16_gemm(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t k,
                                          int32_t channels);
const int8_t *eq_thumb_gemm_int16(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t k,
                                  int32_t channels);
const int8_t *eq_thumb2_gemm_int16(const int32_t *tile, const int8_t *weights, int32_t *sums, int32_t k,
                                   int32_t channels);

/* What both are without assembly. */
static inline const int8_t *eq_thumb_int16_products(const int32_t *tile, const int8_t *weights, int32_t *sums,
                                                    int32_t k, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++, sums += EQ_TILE16) {
        const int32_t *x = tile;
        for (int32_t i = 0; i < k; i++, weights++) {
            for (int32_t q = 0; q < EQ_TILE16; q++) {
                /* Sums are exact in the end; in between they may leave 32 bits. */
                sums[q] = (int32_t)((uint32_t)sums[q] + (uint32_t)(*weights * *x++));
            }
        }
    }
    return weights;
}

/* Pixel q of a tile: its window, zeros outside of the image. */
static inline void eq_tile16_gather(const eq_conv2d_int16_thumb_params *p, const int16_t *image, int32_t pixel,
                                    int32_t *to)
{
    const int32_t top = pixel / p->out_w * p->stride_h - p->pad_top;
    const int32_t left = pixel % p->out_w * p->stride_w - p->pad_left;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t y = top + ky * p->dilation_h;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            const int32_t x = left + kx * p->dilation_w;
            if (y < 0 || y >= p->in_h || x < 0 || x >= p->in_w) {
                for (int32_t c = 0; c < p->in_c; c++, to += EQ_TILE16) {
                    *to = 0;
                }
                continue;
            }
            const int16_t *from = image + (y * p->in_w + x) * p->in_c, *const end = from + p->in_c;
            for (; from != end; to += EQ_TILE16) {
                *to = *from++;
            }
        }
    }
}

#define EQ_THUMB_INT16_CHANNELS 8 /* at a time */

EQ_FLATTEN void eq_thumb_int16_conv2d(const eq_conv2d_int16_thumb_params *p, const int16_t *input, int16_t *output,
                                      int32_t *tile, eq_thumb_int16_gemm *gemm)
{
    const int32_t k = p->kernel_h * p->kernel_w * p->in_c, pixels = p->out_h * p->out_w;
    int32_t sums[EQ_TILE16 * EQ_THUMB_INT16_CHANNELS];
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t pixel = 0; pixel < pixels; pixel += EQ_TILE16) {
            const int32_t count = pixels - pixel < EQ_TILE16 ? pixels - pixel : EQ_TILE16;
            const int8_t *weights = p->weights;
            for (int32_t q = 0; q < EQ_TILE16; q++) {
                eq_tile16_gather(p, input, pixel + (q < count ? q : 0), tile + q);
            }
            for (int32_t c = 0; c < p->out_c; c += EQ_THUMB_INT16_CHANNELS) {
                const int32_t some = p->out_c - c < EQ_THUMB_INT16_CHANNELS ? p->out_c - c : EQ_THUMB_INT16_CHANNELS;
                for (int32_t i = 0; i < EQ_TILE16 * some; i++) {
                    sums[i] = p->outputs.bias[c + i / EQ_TILE16];
                }
                weights = gemm(tile, weights, sums, k, some);
                for (int32_t i = 0; i < some; i++) {
                    for (int32_t q = 0; q < count; q++) {
                        output[q * p->out_c + c + i] = eq_thumb_to_int16(&p->outputs, c + i, sums[EQ_TILE16 * i + q]);
                    }
                }
            }
            output += count * p->out_c;
        }
    }
}

#endif
