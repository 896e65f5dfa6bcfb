/* Sums of products of windows and weights with SDOT. Weights are, per block of channels, per four taps: four of each
 * channel. */
#ifndef EQ_NEON_SUMS_DOTPROD_H
#define EQ_NEON_SUMS_DOTPROD_H

#include "eq/conv2d_neon.h"
#include "eq/neon.h"

#define EQ_TILE 4 /* pixels */

#if defined(__aarch64__)

/* In assembly, since compilers move loads about until the sums no longer fit the registers. */

/* Weights w of four taps and four channels times a lane of four pixels. */
#define EQ_DOTS(w, x0, x1, x2, x3, lane, s0, s1, s2, s3)                                                               \
    "sdot %[" s0 "].4s, " w ".16b, " x0 ".4b[" lane "]\n\tsdot %[" s1 "].4s, " w ".16b, " x1 ".4b[" lane "]\n\t"       \
    "sdot %[" s2 "].4s, " w ".16b, " x2 ".4b[" lane "]\n\tsdot %[" s3 "].4s, " w ".16b, " x3 ".4b[" lane "]\n\t"

/* Four taps of four pixels, v4 ... v7 or v8 ... v11, and 16 channels; of two lanes for 8. */
#define EQ_STEP_OF_16(x0, x1, x2, x3, lane)                                                                            \
    "ld1 {v0.16b - v3.16b}, [%[w]], #64\n\t" EQ_DOTS("v0", x0, x1, x2, x3, lane, "a0", "b0", "c0", "d0")               \
        EQ_DOTS("v1", x0, x1, x2, x3, lane, "a1", "b1", "c1", "d1")                                                    \
            EQ_DOTS("v2", x0, x1, x2, x3, lane, "a2", "b2", "c2", "d2")                                                \
                EQ_DOTS("v3", x0, x1, x2, x3, lane, "a3", "b3", "c3", "d3")
#define EQ_STEPS_OF_8(x0, x1, x2, x3, lane, next)                                                                      \
    "ld1 {v0.16b - v3.16b}, [%[w]], #64\n\t" EQ_DOTS("v0", x0, x1, x2, x3, lane, "a0", "b0", "c0", "d0")               \
        EQ_DOTS("v1", x0, x1, x2, x3, lane, "a1", "b1", "c1", "d1")                                                    \
            EQ_DOTS("v2", x0, x1, x2, x3, next, "a0", "b0", "c0", "d0")                                                \
                EQ_DOTS("v3", x0, x1, x2, x3, next, "a1", "b1", "c1", "d1")
#define EQ_STEP_16(lane) EQ_STEP_OF_16("v4", "v5", "v6", "v7", lane)
#define EQ_LATER_16(lane) EQ_STEP_OF_16("v8", "v9", "v10", "v11", lane)
#define EQ_STEPS_8(lane, next) EQ_STEPS_OF_8("v4", "v5", "v6", "v7", lane, next)
#define EQ_LATER_8(lane, next) EQ_STEPS_OF_8("v8", "v9", "v10", "v11", lane, next)

/* The lines of windows of four pixels, times n channels: 32 taps at a time, then 16 and 8. */
#define EQ_TILE_LINES(n)                                                                                               \
    "1:\n\tlsr w13, %w[run], #5\n\tcbz w13, 6f\n"                                                                      \
    "2:\n\tldp q4, q8, [x9], #32\n\tldp q5, q9, [x10], #32\n\tldp q6, q10, [x11], #32\n\tldp q7, q11, [x12], #32\n\t"  \
    "subs w13, w13, #1\n\t" EQ_SIXTEEN_##n EQ_LATER_SIXTEEN_##n                                                        \
        "b.ne 2b\n"                                                                                                    \
        "6:\n\ttbz %w[run], #4, 3f\n\t"                                                                                \
        "ldr q4, [x9], #16\n\tldr q5, [x10], #16\n\tldr q6, [x11], #16\n\tldr q7, [x12], #16\n\t" EQ_SIXTEEN_##n       \
        "3:\n\ttbz %w[run], #3, 4f\n\t"                                                                                \
        "ldr d4, [x9], #8\n\tldr d5, [x10], #8\n\tldr d6, [x11], #8\n\tldr d7, [x12], #8\n\t" EQ_EIGHT_##n             \
        "4:\n\tsubs %w[lines], %w[lines], #1\n\tb.eq 5f\n\tadd x9, x9, %[skip]\n\tadd x10, x10, %[skip]\n\t"           \
        "add x11, x11, %[skip]\n\tadd x12, x12, %[skip]\n\tb 1b\n5:\n\t"

/* Four taps of one pixel and 16 channels; of two lanes for 8. */
#define EQ_PIXEL_STEP(w, lane, s0, s1, s2, s3)                                                                         \
    "ld1 {v0.16b - v3.16b}, [" w "], #64\n\t"                                                                          \
    "sdot %[" s0 "].4s, v0.16b, v4.4b[" lane "]\n\tsdot %[" s1 "].4s, v1.16b, v4.4b[" lane "]\n\t"                     \
    "sdot %[" s2 "].4s, v2.16b, v4.4b[" lane "]\n\tsdot %[" s3 "].4s, v3.16b, v4.4b[" lane "]\n\t"
#define EQ_PIXEL_STEPS_8(lane, next)                                                                                   \
    "ld1 {v0.16b - v3.16b}, [%[w]], #64\n\t"                                                                           \
    "sdot %[a0].4s, v0.16b, v4.4b[" lane "]\n\tsdot %[a1].4s, v1.16b, v4.4b[" lane "]\n\t"                             \
    "sdot %[a0].4s, v2.16b, v4.4b[" next "]\n\tsdot %[a1].4s, v3.16b, v4.4b[" next "]\n\t"
/* Four taps of one pixel and four blocks of 16 channels. */
#define EQ_BLOCKS_STEP(lane)                                                                                           \
    EQ_PIXEL_STEP("%[w]", lane, "a0", "a1", "a2", "a3")                                                                \
    EQ_PIXEL_STEP("x10", lane, "b0", "b1", "b2", "b3")                                                                 \
    EQ_PIXEL_STEP("x11", lane, "c0", "c1", "c2", "c3")                                                                 \
    EQ_PIXEL_STEP("x12", lane, "d0", "d1", "d2", "d3")
#define EQ_OWN_STEP(lane) EQ_PIXEL_STEP("%[w]", lane, "a0", "a1", "a2", "a3")

#define EQ_SIXTEEN_16 EQ_STEP_16("0") EQ_STEP_16("1") EQ_STEP_16("2") EQ_STEP_16("3")
#define EQ_LATER_SIXTEEN_16 EQ_LATER_16("0") EQ_LATER_16("1") EQ_LATER_16("2") EQ_LATER_16("3")
#define EQ_LATER_SIXTEEN_8 EQ_LATER_8("0", "1") EQ_LATER_8("2", "3")
#define EQ_EIGHT_16 EQ_STEP_16("0") EQ_STEP_16("1")
#define EQ_SIXTEEN_8 EQ_STEPS_8("0", "1") EQ_STEPS_8("2", "3")
#define EQ_EIGHT_8 EQ_STEPS_8("0", "1")
#define EQ_PIXEL_SIXTEEN EQ_OWN_STEP("0") EQ_OWN_STEP("1") EQ_OWN_STEP("2") EQ_OWN_STEP("3")
#define EQ_PIXEL_EIGHT EQ_OWN_STEP("0") EQ_OWN_STEP("1")
#define EQ_PIXEL_SIXTEEN_8 EQ_PIXEL_STEPS_8("0", "1") EQ_PIXEL_STEPS_8("2", "3")
#define EQ_PIXEL_EIGHT_8 EQ_PIXEL_STEPS_8("0", "1")
#define EQ_BLOCKS_SIXTEEN EQ_BLOCKS_STEP("0") EQ_BLOCKS_STEP("1") EQ_BLOCKS_STEP("2") EQ_BLOCKS_STEP("3")
#define EQ_BLOCKS_EIGHT EQ_BLOCKS_STEP("0") EQ_BLOCKS_STEP("1")
#define EQ_SCRATCH "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"

#include "sums_a64.h"

#else

/* Four taps, which are a lane of the windows' next bytes. */
#define EQ_STEP(dot, lane)                                                                                             \
    EQ_UNROLL                                                                                                          \
    for (int32_t v = 0; v < vectors; v++) {                                                                            \
        const int8x16_t w = vld1q_s8(weights);                                                                         \
        weights += 16;                                                                                                 \
        EQ_UNROLL                                                                                                      \
        for (int32_t i = 0; i < pixels; i++) {                                                                         \
            sums[i][v] = dot(sums[i][v], w, x[i], lane);                                                               \
        }                                                                                                              \
    }

EQ_INLINE const int8_t *eq_sixteen(int32x4_t sums[][4], const int8x16_t *x, const int8_t *weights, int32_t pixels,
                                   int32_t vectors)
{
    EQ_STEP(vdotq_laneq_s32, 0)
    EQ_STEP(vdotq_laneq_s32, 1)
    EQ_STEP(vdotq_laneq_s32, 2)
    EQ_STEP(vdotq_laneq_s32, 3)
    return weights;
}

EQ_INLINE const int8_t *eq_eight(int32x4_t sums[][4], const int8x8_t *x, const int8_t *weights, int32_t pixels,
                                 int32_t vectors)
{
    EQ_STEP(vdotq_lane_s32, 0)
    EQ_STEP(vdotq_lane_s32, 1)
    return weights;
}

#include "sums.h"

#endif

#endif
