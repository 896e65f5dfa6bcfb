/* Sums of products of windows and weights with SMULL, SMLAL and SADALP.
 *
 * Taps come in pairs. A vector of weights has one pair of each of four channels, twice: products of 16 bits, two of
 * them added, which fits since weights are at least -127, and then each channel's two to its sum of 32 bits. The four
 * channels are at different pairs, so that the windows' bytes are used as they lie; turned by a pair three times, every
 * channel meets all of them.
 *
 * Weights are, per block of channels, per 16 taps, per turn s, per four channels j: pair (j + s) % 8 of each, then pair
 * (j + 4 + s) % 8. Of the last 8 taps, per step s of two, pair (j + 2 s) % 4, then pair (j + 2 s + 1) % 4; the windows'
 * four pairs come twice there, the second time turned by one. */
#ifndef EQ_NEON_SUMS_NEON_H
#define EQ_NEON_SUMS_NEON_H

#include "eq/conv2d_neon.h"
#include "eq/neon.h"

#if EQ_A64
#define EQ_TILE 4 /* pixels */
#else
#define EQ_TILE 2
#endif

#if defined(__aarch64__)

/* In assembly, since compilers move loads and products about until the sums no longer fit the registers. Of a product
 * seven others stand between each two of its instructions: it takes almost as long on cores that execute them in order.
 */

/* `op` with weights w of four channels and v4 ... v7 of four pixels. */
#define EQ_OF_FOUR(op, w, width, t0, t1, t2, t3)                                                                       \
    op " " t0 ".8h, " w width ", v4" width "\n\t" op " " t1 ".8h, " w width ", v5" width "\n\t" op " " t2              \
       ".8h, " w width ", v6" width "\n\t" op " " t3 ".8h, " w width ", v7" width "\n\t"
#define EQ_ADD(s0, s1, s2, s3, t0, t1, t2, t3)                                                                         \
    "sadalp %[" s0 "].4s, " t0 ".8h\n\tsadalp %[" s1 "].4s, " t1 ".8h\n\t"                                             \
    "sadalp %[" s2 "].4s, " t2 ".8h\n\tsadalp %[" s3 "].4s, " t3 ".8h\n\t"
/* 16 taps of the channels of two vectors of weights; their sums are called by number. */
#define EQ_PRODUCTS(v, w, n, m)                                                                                        \
    EQ_OF_FOUR("smull", v, ".8b", "v8", "v9", "v10", "v11")                                                            \
    EQ_OF_FOUR("smull", w, ".8b", "v12", "v13", "v14", "v15")                                                          \
    EQ_OF_FOUR("smlal2", v, ".16b", "v8", "v9", "v10", "v11")                                                          \
    EQ_OF_FOUR("smlal2", w, ".16b", "v12", "v13", "v14", "v15")                                                        \
    EQ_ADD("a" n, "b" n, "c" n, "d" n, "v8", "v9", "v10", "v11")                                                       \
    EQ_ADD("a" m, "b" m, "c" m, "d" m, "v12", "v13", "v14", "v15")

#define EQ_TURN_16                                                                                                     \
    "ext v4.16b, v4.16b, v4.16b, #2\n\text v5.16b, v5.16b, v5.16b, #2\n\t"                                             \
    "ext v6.16b, v6.16b, v6.16b, #2\n\text v7.16b, v7.16b, v7.16b, #2\n\t"
/* Four pairs twice, and what turns both by two. */
#define EQ_TWICE                                                                                                       \
    "ext v8.8b, v4.8b, v4.8b, #2\n\text v9.8b, v5.8b, v5.8b, #2\n\t"                                                   \
    "ext v10.8b, v6.8b, v6.8b, #2\n\text v11.8b, v7.8b, v7.8b, #2\n\t"                                                 \
    "mov v4.d[1], v8.d[0]\n\tmov v5.d[1], v9.d[0]\n\tmov v6.d[1], v10.d[0]\n\tmov v7.d[1], v11.d[0]\n\t"
#define EQ_SWAP "rev64 v4.4s, v4.4s\n\trev64 v5.4s, v5.4s\n\trev64 v6.4s, v6.4s\n\trev64 v7.4s, v7.4s\n\t"

/* One turn of four pixels and 16 channels; two turns and 8 channels. */
#define EQ_STEP_16                                                                                                     \
    "ld1 {v0.16b - v3.16b}, [%[w]], #64\n\t" EQ_PRODUCTS("v0", "v1", "0", "1") EQ_PRODUCTS("v2", "v3", "2", "3")
#define EQ_STEPS_8(turn)                                                                                               \
    "ld1 {v0.16b - v3.16b}, [%[w]], #64\n\t" EQ_PRODUCTS("v0", "v1", "0", "1") turn EQ_PRODUCTS("v2", "v3", "0", "1")
/* One turn of one pixel and 16 channels; two turns and 8 channels. */
#define EQ_PIXEL_STEP(w, s0, s1, s2, s3)                                                                               \
    "ld1 {v0.16b - v3.16b}, [" w "], #64\n\t"                                                                          \
    "smull v8.8h, v0.8b, v4.8b\n\tsmull v9.8h, v1.8b, v4.8b\n\t"                                                       \
    "smull v10.8h, v2.8b, v4.8b\n\tsmull v11.8h, v3.8b, v4.8b\n\t"                                                     \
    "smlal2 v8.8h, v0.16b, v4.16b\n\tsmlal2 v9.8h, v1.16b, v4.16b\n\t"                                                 \
    "smlal2 v10.8h, v2.16b, v4.16b\n\tsmlal2 v11.8h, v3.16b, v4.16b\n\t" EQ_ADD(s0, s1, s2, s3, "v8", "v9", "v10",     \
                                                                                "v11")
#define EQ_PIXEL_STEPS_8(turn)                                                                                         \
    "ld1 {v0.16b - v3.16b}, [%[w]], #64\n\t"                                                                           \
    "smull v8.8h, v0.8b, v4.8b\n\tsmull v9.8h, v1.8b, v4.8b\n\t"                                                       \
    "smlal2 v8.8h, v0.16b, v4.16b\n\tsmlal2 v9.8h, v1.16b, v4.16b\n\t" turn                                            \
    "smull v10.8h, v2.8b, v4.8b\n\tsmull v11.8h, v3.8b, v4.8b\n\t"                                                     \
    "smlal2 v10.8h, v2.16b, v4.16b\n\tsmlal2 v11.8h, v3.16b, v4.16b\n\t" EQ_ADD("a0", "a1", "a0", "a1", "v8", "v9",    \
                                                                                "v10", "v11")
/* One turn of one pixel and four blocks of 16 channels. */
#define EQ_BLOCKS_STEP                                                                                                 \
    EQ_PIXEL_STEP("%[w]", "a0", "a1", "a2", "a3")                                                                      \
    EQ_PIXEL_STEP("x10", "b0", "b1", "b2", "b3")                                                                       \
    EQ_PIXEL_STEP("x11", "c0", "c1", "c2", "c3")                                                                       \
    EQ_PIXEL_STEP("x12", "d0", "d1", "d2", "d3")
#define EQ_OWN_STEP EQ_PIXEL_STEP("%[w]", "a0", "a1", "a2", "a3")
#define EQ_PIXEL_TURN "ext v4.16b, v4.16b, v4.16b, #2\n\t"
#define EQ_PIXEL_TWICE "ext v8.8b, v4.8b, v4.8b, #2\n\tmov v4.d[1], v8.d[0]\n\t"
#define EQ_PIXEL_SWAP "rev64 v4.4s, v4.4s\n\t"

#define EQ_SIXTEEN_16 EQ_STEP_16 EQ_TURN_16 EQ_STEP_16 EQ_TURN_16 EQ_STEP_16 EQ_TURN_16 EQ_STEP_16
#define EQ_EIGHT_16 EQ_TWICE EQ_STEP_16 EQ_SWAP EQ_STEP_16
#define EQ_SIXTEEN_8 EQ_STEPS_8(EQ_TURN_16) EQ_TURN_16 EQ_STEPS_8(EQ_TURN_16)
#define EQ_EIGHT_8 EQ_TWICE EQ_STEPS_8(EQ_SWAP)
#define EQ_PIXEL_SIXTEEN EQ_OWN_STEP EQ_PIXEL_TURN EQ_OWN_STEP EQ_PIXEL_TURN EQ_OWN_STEP EQ_PIXEL_TURN EQ_OWN_STEP
#define EQ_PIXEL_EIGHT EQ_PIXEL_TWICE EQ_OWN_STEP EQ_PIXEL_SWAP EQ_OWN_STEP
#define EQ_PIXEL_SIXTEEN_8 EQ_PIXEL_STEPS_8(EQ_PIXEL_TURN) EQ_PIXEL_TURN EQ_PIXEL_STEPS_8(EQ_PIXEL_TURN)
#define EQ_PIXEL_EIGHT_8 EQ_PIXEL_TWICE EQ_PIXEL_STEPS_8(EQ_PIXEL_SWAP)
#define EQ_BLOCKS_SIXTEEN                                                                                              \
    EQ_BLOCKS_STEP EQ_PIXEL_TURN EQ_BLOCKS_STEP EQ_PIXEL_TURN EQ_BLOCKS_STEP EQ_PIXEL_TURN EQ_BLOCKS_STEP
#define EQ_BLOCKS_EIGHT EQ_PIXEL_TWICE EQ_BLOCKS_STEP EQ_PIXEL_SWAP EQ_BLOCKS_STEP
#define EQ_SCRATCH "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15"

#include "sums_a64.h"

#else

#if !EQ_A64

/* In assembly, for the same reasons: two pixels and 16 channels. */
#define EQ_TWO_CHANNEL_VECTORS(a0, b0, a1, b1)                                                                         \
    "vld1.8 {d4-d7}, [%[w]]!\n\t"                                                                                      \
    "vmull.s8 q4, d0, d4\n\tvmull.s8 q5, d2, d4\n\tvmull.s8 q6, d0, d6\n\tvmull.s8 q7, d2, d6\n\t"                     \
    "vmlal.s8 q4, d1, d5\n\tvmlal.s8 q5, d3, d5\n\tvmlal.s8 q6, d1, d7\n\tvmlal.s8 q7, d3, d7\n\t"                     \
    "vpadal.s16 %q[" a0 "], q4\n\tvpadal.s16 %q[" b0 "], q5\n\t"                                                       \
    "vpadal.s16 %q[" a1 "], q6\n\tvpadal.s16 %q[" b1 "], q7\n\t"
#define EQ_TURN EQ_TWO_CHANNEL_VECTORS("a0", "b0", "a1", "b1") EQ_TWO_CHANNEL_VECTORS("a2", "b2", "a3", "b3")
#define EQ_NEXT "vext.8 q0, q0, q0, #2\n\tvext.8 q1, q1, q1, #2\n\t"

/* 16 * count taps of a tile. */
EQ_INLINE void eq_sixteens_of_tile(int32x4_t s[][4], const int8_t **x, const int8_t **weights, int32_t count)
{
    __asm__ volatile("1:\n\t"
                     "vld1.8 {d0-d1}, [%[x0]]!\n\tvld1.8 {d2-d3}, [%[x1]]!\n\t"
                     "subs %[n], %[n], #1\n\t" EQ_TURN EQ_NEXT EQ_TURN EQ_NEXT EQ_TURN EQ_NEXT EQ_TURN "bne 1b"
                     : [w] "+r"(*weights), [x0] "+r"(x[0]), [x1] "+r"(x[1]), [n] "+r"(count), [a0] "+w"(s[0][0]),
                       [a1] "+w"(s[0][1]), [a2] "+w"(s[0][2]), [a3] "+w"(s[0][3]), [b0] "+w"(s[1][0]),
                       [b1] "+w"(s[1][1]), [b2] "+w"(s[1][2]), [b3] "+w"(s[1][3])
                     :
                     : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
}

#define EQ_SIXTEENS eq_sixteens_of_tile

#endif

/* One turn. */
EQ_INLINE const int8_t *eq_step(int32x4_t sums[][4], const int8x16_t *x, const int8_t *weights, int32_t pixels,
                                int32_t vectors)
{
    EQ_UNROLL
    for (int32_t v = 0; v < vectors; v++) {
        const int8x16_t w = vld1q_s8(weights + 16 * v);
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            const int16x8_t low = vmull_s8(vget_low_s8(x[i]), vget_low_s8(w));
            sums[i][v] = vpadalq_s16(sums[i][v], vmlal_s8(low, vget_high_s8(x[i]), vget_high_s8(w)));
        }
    }
    return weights + 16 * vectors;
}

EQ_INLINE const int8_t *eq_sixteen(int32x4_t sums[][4], int8x16_t *x, const int8_t *weights, int32_t pixels,
                                   int32_t vectors)
{
    EQ_UNROLL
    for (int32_t turn = 0; turn < 4; turn++) {
        weights = eq_step(sums, x, weights, pixels, vectors);
        EQ_UNROLL
        for (int32_t i = 0; i < pixels; i++) {
            x[i] = vextq_s8(x[i], x[i], 2);
        }
    }
    return weights;
}

EQ_INLINE const int8_t *eq_eight(int32x4_t sums[][4], const int8x8_t *x, const int8_t *weights, int32_t pixels,
                                 int32_t vectors)
{
    int8x16_t twice[EQ_TILE];
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        twice[i] = vcombine_s8(x[i], vext_s8(x[i], x[i], 2));
    }
    weights = eq_step(sums, twice, weights, pixels, vectors);
    EQ_UNROLL
    for (int32_t i = 0; i < pixels; i++) {
        twice[i] = vreinterpretq_s8_s32(vrev64q_s32(vreinterpretq_s32_s8(twice[i])));
    }
    return eq_step(sums, twice, weights, pixels, vectors);
}

#include "sums.h"

#endif

#endif
