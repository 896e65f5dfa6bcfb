/* What the kernels of Armv6-M and Armv7-M for weights of 4 bits share. Both have two products of 16 bits in each of 32:
 * weights are so small that dozens of them cannot leave a lane. */
#ifndef EQ_THUMB_INT4_H
#define EQ_THUMB_INT4_H

#include "eq/conv2d_int4_thumb.h"
#include "eq/fully_connected_int4_thumb.h"
#include "eq/requant.h"
#include "eq/thumb_inline.h"
#include "eq/thumb_tile.h"

#define EQ_THUMB_INT4_LANE 16

/* The weights of a channel: words of eight, lowest bits first. The first word's lowest `skipped` are none, 0 to 7.
 * Sums of `block` words stay within 16 bits, whatever the activations. */
typedef struct {
    int32_t words, block, skipped;
} eq_thumb_int4;

/* Adds the products of a tile (eq/thumb_tile.h, lane 16) with the weights of some channels, not none, to their sums:
 * per channel those of pixels 0 to 7. To each of the first four it also adds 2^15 per block. Returns the end of the
 * weights. */
typedef const uint32_t *eq_thumb_int4_gemm(const int32_t *tile, const uint32_t *weights, int32_t *sums,
                                           int32_t channels, const eq_thumb_int4 *shape);
const uint32_t *eq_thumb_gemm_int4(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                   const eq_thumb_int4 *shape);
const uint32_t *eq_thumb2_gemm_int4(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                    const eq_thumb_int4 *shape);

/* Adds the products of four rows of weights + 8 with x to four sums, and 2^15 per 16 steps to the first and the third
 * of them. A word holds two steps: of each half of it the lowest bits are a row at the first step, the next ones
 * another row, then come those of the second step; rows 0 and 1 stand in the lowest bits, 0 and 2 in the lower half. If
 * k is odd, the first word has only its second step. k is not 0. */
typedef void eq_thumb_int4_rows(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums);
void eq_thumb_four_rows_int4(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums);
void eq_thumb2_four_rows_int4(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums);

/* The same with weights of 2 bits and of 1, words of 16 and 32; of 1 bit they are 0 and -1. */
const uint32_t *eq_thumb_gemm_int2(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                   const eq_thumb_int4 *shape);
const uint32_t *eq_thumb_gemm_binary(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                     const eq_thumb_int4 *shape);
const uint32_t *eq_thumb2_gemm_int2(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                    const eq_thumb_int4 *shape);
const uint32_t *eq_thumb2_gemm_binary(const int32_t *tile, const uint32_t *weights, int32_t *sums, int32_t channels,
                                      const eq_thumb_int4 *shape);

/* What they are without assembly. */
static inline const uint32_t *eq_thumb_products(const int32_t *tile, const uint32_t *weights, int32_t *sums,
                                                int32_t channels, const eq_thumb_int4 *shape, int32_t bits)
{
    for (int32_t c = 0; c < channels; c++, sums += 8) {
        const int32_t *x = tile;
        int32_t part = shape->skipped;
        for (int32_t left = shape->words; left > 0; left -= shape->block) {
            uint32_t lanes[4] = {1U << 15, 1U << 15, 1U << 15, 1U << 15};
            const uint32_t *const end = weights + (left < shape->block ? left : shape->block);
            for (; weights != end; weights++, part = 0) {
                for (; part < 32 / bits; part++, x += 4) {
                    const int32_t weight = (int32_t)(*weights << (32 - bits * (part + 1))) >> (32 - bits);
                    for (int32_t q = 0; q < 4; q++) {
                        lanes[q] += (uint32_t)weight * (uint32_t)x[q];
                    }
                }
            }
            for (int32_t q = 0; q < 4; q++) {
                sums[q] += (int32_t)(lanes[q] & 0xffffU);
                sums[q + 4] += (int32_t)lanes[q] >> 16;
            }
        }
    }
    return weights;
}

static inline void eq_thumb_int4_four_rows(const uint32_t *weights, const int8_t *x, int32_t k, int32_t *sums)
{
    for (int32_t at = -(k & 1); at < k;) {
        const int32_t end = k - at > 16 ? at + 16 : k;
        uint32_t lanes[2] = {1U << 15, 1U << 15};
        for (; at < end; at += 2, weights++) {
            for (int32_t step = at < 0; step < 2; step++) {
                const uint32_t word = *weights >> (8 * step), value = (uint32_t)x[at + step];
                lanes[0] += (word & 0x000f000fU) * value;
                lanes[1] += (word >> 4 & 0x000f000fU) * value;
            }
        }
        for (int32_t i = 0; i < 2; i++) {
            sums[2 * i] += (int32_t)(lanes[i] & 0xffffU);
            sums[2 * i + 1] += (int32_t)lanes[i] >> 16;
        }
    }
}

/* Stores the outputs of `channels` channels from `channel` on, for the first `count` pixels of a tile. direct: as the
 * core's function for that said. */
typedef void eq_thumb_int4_store(const eq_conv2d_int4_thumb_params *p, int32_t channel, int32_t channels,
                                 const int32_t *sums, int32_t count, int8_t *output, int direct, eq_rounding rounding);

#define EQ_THUMB_INT4_CHANNELS 8 /* at a time */

/* The sum of each pixel's values in a tile. */
static inline void eq_thumb_totals(const int32_t *tile, const int32_t *end, int32_t *totals)
{
    for (int32_t q = 0; q < EQ_TILE / 2; q++) {
        int32_t first = 0, second = 0;
        for (const int32_t *at = tile + q; at < end; at += EQ_TILE / 2) {
            const int32_t low = (int16_t)((uint32_t)*at & 0xffffU);
            first += low;
            second += (*at - low) >> EQ_THUMB_INT4_LANE;
        }
        totals[q] = first, totals[q + EQ_TILE / 2] = second;
    }
}

/* binary: weights are 1 where what they are multiplied as is 0, and -1 where that is -1. */
EQ_FLATTEN void eq_thumb_int4_conv2d(const eq_conv2d_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                     void *scratch, eq_thumb_int4_gemm *gemm, eq_thumb_int4_store *store, int direct,
                                     int binary, eq_rounding rounding)
{
    const eq_tile_window window = EQ_TILE_WINDOW(p);
    const eq_thumb_int4 shape = {p->words, p->block, p->skipped};
    const int32_t excess = (p->words + p->block - 1) / p->block * (1 << 15);
    int32_t *const tile = scratch;
    int8_t *const pad = (int8_t *)(tile + 4 * p->kernel_h * p->kernel_w * p->in_c);
    int32_t sums[8 * EQ_THUMB_INT4_CHANNELS], totals[EQ_TILE];
    memset(pad, p->pad_value, (uint32_t)p->in_c);
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        eq_tile_pixels at = {{0}, {0}, 0, 0};
        int32_t count = EQ_TILE;
        for (int32_t left = p->out_h * p->out_w; left > 0; left -= count, output += count * p->out_c) {
            const uint32_t *weights = p->weights;
            count = left < EQ_TILE ? left : EQ_TILE;
            eq_tile_next(&window, &at, count);
            eq_tile_gather(&window, input, &at, pad, tile, EQ_THUMB_INT4_LANE);
            if (binary) {
                eq_thumb_totals(tile, (int32_t *)pad, totals);
            }
            for (int32_t c = 0; c < p->out_c; c += EQ_THUMB_INT4_CHANNELS) {
                const int32_t some = p->out_c - c < EQ_THUMB_INT4_CHANNELS ? p->out_c - c : EQ_THUMB_INT4_CHANNELS;
                for (int32_t i = 0; i < some; i++) {
                    const int32_t bias = binary ? 0 : p->bias[c + i];
                    int32_t *const sum = sums + 8 * i;
                    sum[0] = sum[1] = sum[2] = sum[3] = bias - excess;
                    sum[4] = sum[5] = sum[6] = sum[7] = bias;
                }
                weights = gemm(tile, weights, sums, some, &shape);
                for (int32_t i = 0; binary && i < 8 * some; i++) {
                    sums[i] = p->bias[c + i / 8] + totals[i % 8] + 2 * sums[i];
                }
                store(p, c, some, sums, count, output + c, direct, rounding);
            }
        }
    }
}

/* Stores the outputs of `channels` channels, at most 4. */
typedef void eq_thumb_int4_store_row(const eq_fully_connected_int4_thumb_params *p, int32_t channel, int32_t channels,
                                     const int32_t *sums, int8_t *output, int direct, eq_rounding rounding);

EQ_FLATTEN void eq_thumb_int4_fully_connected(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,
                                              int8_t *output, eq_thumb_int4_rows *rows, eq_thumb_int4_store_row *store,
                                              int direct, eq_rounding rounding)
{
    const int32_t words = (p->in_c + 1) / 2, excess = (words + 7) / 8 * (1 << 15);
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const uint32_t *weights = p->weights;
        int32_t total = 0;
        for (int32_t k = 0; k < p->in_c; k++) {
            total += input[k];
        }
        total *= 8;
        for (int32_t c = 0; c < p->out_c; c += 4, weights += words) {
            const int32_t some = p->out_c - c < 4 ? p->out_c - c : 4;
            int32_t sums[4] = {0, 0, 0, 0};
            for (int32_t i = 0; i < some; i++) {
                sums[i] = p->bias[c + i] - total - (i & 1 ? 0 : excess);
            }
            rows(weights, input, p->in_c, sums);
            store(p, c, some, sums, output + c, direct, rounding);
        }
    }
}

#endif
