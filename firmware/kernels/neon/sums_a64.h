/* The same in assembly for AArch64. A file that includes this has defined what is done with the next 16 taps, or 8, in
 * v4 (and v5 ... v7 of three more pixels): EQ_SIXTEEN_16 and EQ_EIGHT_16 for 16 channels, with _8 for 8,
 * EQ_PIXEL_SIXTEEN and EQ_PIXEL_EIGHT for one pixel and 16 channels, with _8 for 8, EQ_BLOCKS_SIXTEEN and
 * EQ_BLOCKS_EIGHT for one pixel and four blocks of 16, whose weights are at %[w], x10, x11 and x12; and in EQ_SCRATCH
 * which vectors that takes. */
#ifndef EQ_NEON_SUMS_A64_H
#define EQ_NEON_SUMS_A64_H

#ifndef EQ_TILE_LINES
/* The lines of windows of four pixels, times n channels. */
#define EQ_TILE_LINES(n)                                                                                               \
    "1:\n\tlsr w13, %w[run], #4\n\tcbz w13, 3f\n"                                                                      \
    "2:\n\tldr q4, [x9], #16\n\tldr q5, [x10], #16\n\tldr q6, [x11], #16\n\tldr q7, [x12], #16\n\t"                    \
    "subs w13, w13, #1\n\t" EQ_SIXTEEN_##n                                                                             \
        "b.ne 2b\n"                                                                                                    \
        "3:\n\ttbz %w[run], #3, 4f\n\t"                                                                                \
        "ldr d4, [x9], #8\n\tldr d5, [x10], #8\n\tldr d6, [x11], #8\n\tldr d7, [x12], #8\n\t" EQ_EIGHT_##n             \
        "4:\n\tsubs %w[lines], %w[lines], #1\n\tb.eq 5f\n\tadd x9, x9, %[skip]\n\tadd x10, x10, %[skip]\n\t"           \
        "add x11, x11, %[skip]\n\tadd x12, x12, %[skip]\n\tb 1b\n5:\n\t"
#endif

#define EQ_CLOBBERED EQ_SCRATCH, "x9", "x10", "x11", "x12", "x13", "cc", "memory"

/* Four pixels times 16 channels. */
EQ_INLINE void eq_sum_16(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q,
                         int32x4_t s[][4])
{
    const int8_t *weights = p->weights + (int64_t)q * p->run * p->lines;
    int32_t lines = p->lines;
    __asm__ volatile(
        "ldp x9, x10, [%[at]]\n\tldp x11, x12, [%[at], #16]\n\t"
        "ldp %q[a0], %q[a1], [%[bias]]\n\tldp %q[a2], %q[a3], [%[bias], #32]\n\t"
        "ldp %q[b0], %q[b1], [%[bias]]\n\tldp %q[b2], %q[b3], [%[bias], #32]\n\t"
        "ldp %q[c0], %q[c1], [%[bias]]\n\tldp %q[c2], %q[c3], [%[bias], #32]\n\t"
        "ldp %q[d0], %q[d1], [%[bias]]\n\tldp %q[d2], %q[d3], [%[bias], #32]\n" EQ_TILE_LINES(16)
        : [w] "+r"(weights), [lines] "+r"(lines), [a0] "=&w"(s[0][0]), [a1] "=&w"(s[0][1]), [a2] "=&w"(s[0][2]),
          [a3] "=&w"(s[0][3]), [b0] "=&w"(s[1][0]), [b1] "=&w"(s[1][1]), [b2] "=&w"(s[1][2]), [b3] "=&w"(s[1][3]),
          [c0] "=&w"(s[2][0]), [c1] "=&w"(s[2][1]), [c2] "=&w"(s[2][2]), [c3] "=&w"(s[2][3]), [d0] "=&w"(s[3][0]),
          [d1] "=&w"(s[3][1]), [d2] "=&w"(s[3][2]), [d3] "=&w"(s[3][3])
        : [at] "r"(at), [bias] "r"(p->bias + q), [run] "r"(p->run), [skip] "r"(skip)
        : EQ_CLOBBERED);
}

/* Four pixels times 8 channels. */
EQ_INLINE void eq_sum_8(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q,
                        int32x4_t s[][4])
{
    const int8_t *weights = p->weights + (int64_t)q * p->run * p->lines;
    int32_t lines = p->lines;
    __asm__ volatile(
        "ldp x9, x10, [%[at]]\n\tldp x11, x12, [%[at], #16]\n\t"
        "ldp %q[a0], %q[a1], [%[bias]]\n\tldp %q[b0], %q[b1], [%[bias]]\n\t"
        "ldp %q[c0], %q[c1], [%[bias]]\n\tldp %q[d0], %q[d1], [%[bias]]\n" EQ_TILE_LINES(8)
        : [w] "+r"(weights), [lines] "+r"(lines), [a0] "=&w"(s[0][0]), [a1] "=&w"(s[0][1]), [b0] "=&w"(s[1][0]),
          [b1] "=&w"(s[1][1]), [c0] "=&w"(s[2][0]), [c1] "=&w"(s[2][1]), [d0] "=&w"(s[3][0]), [d1] "=&w"(s[3][1])
        : [at] "r"(at), [bias] "r"(p->bias + q), [run] "r"(p->run), [skip] "r"(skip)
        : EQ_CLOBBERED);
}

/* The lines of one window. */
#define EQ_PIXEL_LINES(sixteen, eight)                                                                                 \
    "1:\n\tlsr w13, %w[run], #4\n\tcbz w13, 3f\n"                                                                      \
    "2:\n\tldr q4, [x9], #16\n\tsubs w13, w13, #1\n\t" sixteen "b.ne 2b\n"                                             \
    "3:\n\ttbz %w[run], #3, 4f\n\tldr d4, [x9], #8\n\t" eight                                                          \
    "4:\n\tsubs %w[lines], %w[lines], #1\n\tadd x9, x9, %[skip]\n\tb.ne 1b\n\t"

/* One pixel times 16 channels. */
EQ_INLINE void eq_sum_pixel(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q,
                            int32x4_t s[][4])
{
    const int8_t *weights = p->weights + (int64_t)q * p->run * p->lines;
    int32_t lines = p->lines;
    __asm__ volatile("ldr x9, [%[at]]\n\t"
                     "ldp %q[a0], %q[a1], [%[bias]]\n\tldp %q[a2], %q[a3], [%[bias], #32]\n" EQ_PIXEL_LINES(
                         EQ_PIXEL_SIXTEEN, EQ_PIXEL_EIGHT)
                     : [w] "+r"(weights), [lines] "+r"(lines), [a0] "=&w"(s[0][0]), [a1] "=&w"(s[0][1]),
                       [a2] "=&w"(s[0][2]), [a3] "=&w"(s[0][3])
                     : [at] "r"(at), [bias] "r"(p->bias + q), [run] "r"(p->run), [skip] "r"(skip)
                     : EQ_CLOBBERED);
}

/* One pixel times 8 channels. */
EQ_INLINE void eq_sum_pixel_8(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q,
                              int32x4_t s[][4])
{
    const int8_t *weights = p->weights + (int64_t)q * p->run * p->lines;
    int32_t lines = p->lines;
    __asm__ volatile(
        "ldr x9, [%[at]]\n\tldp %q[a0], %q[a1], [%[bias]]\n" EQ_PIXEL_LINES(EQ_PIXEL_SIXTEEN_8, EQ_PIXEL_EIGHT_8)
        : [w] "+r"(weights), [lines] "+r"(lines), [a0] "=&w"(s[0][0]), [a1] "=&w"(s[0][1])
        : [at] "r"(at), [bias] "r"(p->bias + q), [run] "r"(p->run), [skip] "r"(skip)
        : EQ_CLOBBERED);
}

/* One pixel times four blocks of 16 channels, which share what is read of the window. */
#define EQ_BLOCKS 4
EQ_INLINE void eq_sum_blocks(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q,
                             int32x4_t s[][4])
{
    const int8_t *weights = p->weights + (int64_t)q * p->run * p->lines;
    const int64_t block = 16 * (int64_t)p->run * p->lines;
    int32_t lines = p->lines;
    __asm__ volatile(
        "ldr x9, [%[at]]\n\tadd x10, %[w], %[block]\n\tadd x11, x10, %[block]\n\tadd x12, x11, %[block]\n\t"
        "ldp %q[a0], %q[a1], [%[bias]]\n\tldp %q[a2], %q[a3], [%[bias], #32]\n\t"
        "ldp %q[b0], %q[b1], [%[bias], #64]\n\tldp %q[b2], %q[b3], [%[bias], #96]\n\t"
        "ldp %q[c0], %q[c1], [%[bias], #128]\n\tldp %q[c2], %q[c3], [%[bias], #160]\n\t"
        "ldp %q[d0], %q[d1], [%[bias], #192]\n\tldp %q[d2], %q[d3], [%[bias], #224]\n" EQ_PIXEL_LINES(EQ_BLOCKS_SIXTEEN,
                                                                                                      EQ_BLOCKS_EIGHT)
        : [w] "+r"(weights), [lines] "+r"(lines), [a0] "=&w"(s[0][0]), [a1] "=&w"(s[0][1]), [a2] "=&w"(s[0][2]),
          [a3] "=&w"(s[0][3]), [b0] "=&w"(s[1][0]), [b1] "=&w"(s[1][1]), [b2] "=&w"(s[1][2]), [b3] "=&w"(s[1][3]),
          [c0] "=&w"(s[2][0]), [c1] "=&w"(s[2][1]), [c2] "=&w"(s[2][2]), [c3] "=&w"(s[2][3]), [d0] "=&w"(s[3][0]),
          [d1] "=&w"(s[3][1]), [d2] "=&w"(s[3][2]), [d3] "=&w"(s[3][3])
        : [at] "r"(at), [bias] "r"(p->bias + q), [run] "r"(p->run), [skip] "r"(skip), [block] "r"(block)
        : EQ_CLOBBERED);
}

/* Some pixels times 4 * `vectors` channels. */
EQ_INLINE void eq_sums(const eq_conv2d_neon_params *p, const int8_t *const *at, int64_t skip, int32_t q, int32_t pixels,
                       int32_t vectors, int32x4_t sums[][4])
{
    if (pixels == EQ_TILE && vectors == 4) {
        eq_sum_16(p, at, skip, q, sums);
    } else if (pixels == EQ_TILE) {
        eq_sum_8(p, at, skip, q, sums);
    } else if (vectors == 4) {
        eq_sum_pixel(p, at, skip, q, sums);
    } else {
        eq_sum_pixel_8(p, at, skip, q, sums);
    }
}

#endif
