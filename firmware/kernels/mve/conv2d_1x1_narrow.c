#include "conv_tile.h"
#include "eq/conv2d_mve.h"

/* Pixels that share the weights of a block of channels, which are unpacked to bytes. */
enum { TILES = 5, SPAN = TILES * EQ_TILE, LANES = 16 };

/* Puts the field of each byte that ends at bit `end` in front of the lowest bits, with its sign. */
#define EQ_FIELD(bytes, bits, end) eq_right_n_s8(eq_left_n_s8(bytes, 8 - (end)), 8 - (bits))
/* Where channel c of a group goes, whose pairs lie side by side. */
#define EQ_STORE_FIELD(c, value) eq_store_s8(to + (c) / 2 * 2 * step + (c) % 2 * LANES, value)
#define EQ_STORE_SIGN(c) EQ_STORE_FIELD(c, eq_or_s8(EQ_FIELD(v, 1, (c) + 1), one))

/* Four channels, or eight, of k values, to pairs of channels as eq_gemm takes them. step: k, filled up. */
EQ_INLINE void unpack_int2(const int8_t *w, int32_t step, int8_t *to)
{
    /* All but the highest field count from 0: they become two's complement. */
    const eq_s8x16 flip = eq_dup_s8(0x2a);
    for (int32_t k = 0; k < step; k += LANES, to += 2 * LANES) {
        const eq_s8x16 v = eq_exclusive_or_s8(eq_load_s8(w + k), flip);
        EQ_STORE_FIELD(0, EQ_FIELD(v, 2, 2));
        EQ_STORE_FIELD(1, EQ_FIELD(v, 2, 4));
        EQ_STORE_FIELD(2, EQ_FIELD(v, 2, 6));
        EQ_STORE_FIELD(3, eq_right_n_s8(v, 6));
    }
}

EQ_INLINE void unpack_binary(const int8_t *w, int32_t step, int8_t *to)
{
    /* Zeros become 1 for 1, ones -1 for -1; so is the highest field already. */
    const eq_s8x16 flip = eq_dup_s8(0x7f), one = eq_dup_s8(1);
    for (int32_t k = 0; k < step; k += LANES, to += 2 * LANES) {
        const eq_s8x16 v = eq_exclusive_or_s8(eq_load_s8(w + k), flip);
        EQ_STORE_SIGN(0);
        EQ_STORE_SIGN(1);
        EQ_STORE_SIGN(2);
        EQ_STORE_SIGN(3);
        EQ_STORE_SIGN(4);
        EQ_STORE_SIGN(5);
        EQ_STORE_SIGN(6);
        EQ_STORE_FIELD(7, eq_or_s8(eq_right_n_s8(v, 7), one));
    }
}

typedef void eq_unpack(const int8_t *w, int32_t step, int8_t *to);

EQ_INLINE void conv2d(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output, int8_t *bytes,
                      eq_unpack *unpack, int32_t bits, eq_conv_tile *tile)
{
    const int32_t k = p->in_c, step = (k + LANES - 1) / LANES * LANES, per = 8 / bits, pixels = p->out_h * p->out_w;
    const int32_t count = eq_gemm_count(k);
    eq_matrix m = EQ_MATRIX(p, k, eq_gemm_for(k), 8, 1);
    m.weights = bytes;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * k) {
        const int8_t *line = input;
        int32_t column = 0;
        for (int32_t left = pixels, some; left > 0; left -= some, output += some * p->out_c) {
            const int8_t *at[SPAN];
            some = left < SPAN ? left : SPAN;
            for (int32_t i = 0; i < SPAN; i++) {
                at[i] = i < some ? line + column * p->stride_w * k : at[0];
                if (i < some && ++column == p->out_w) {
                    column = 0;
                    line += p->stride_h * p->in_w * k;
                }
            }
            for (int32_t c = 0; c < p->out_c; c += EQ_BLOCK) {
                m.channels = p->out_c - c < EQ_BLOCK ? p->out_c - c : EQ_BLOCK;
                m.bias = p->bias + c, m.multiplier = p->multiplier + c, m.shift = p->shift ? p->shift + c : NULL;
                for (int32_t own = 0; own < m.channels; own += per) {
                    unpack(p->weights + (c + own) / per * step, step, bytes + own * step);
                }
                for (int32_t i = 0; i < some; i += EQ_TILE) {
                    const eq_pixels x = {at[i], at[i + 1], at[i + 2], count, EQ_BLOCK / 2};
                    tile(&m, &x, output + i * p->out_c + c, some - i < EQ_TILE ? some - i : EQ_TILE);
                }
            }
        }
    }
}

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_conv2d_1x1_int2_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output,           \
                                         void *scratch)                                                                \
    {                                                                                                                  \
        conv2d(p, input, output, scratch, unpack_int2, 2, eq_conv_tile_mve_##suffix);                                  \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_conv2d_1x1_binary_mve_##suffix(const eq_conv2d_mve_params *p, const int8_t *input, int8_t *output,         \
                                           void *scratch)                                                              \
    {                                                                                                                  \
        conv2d(p, input, output, scratch, unpack_binary, 1, eq_conv_tile_mve_##suffix);                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
