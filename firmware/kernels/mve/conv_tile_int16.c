#include "eq/mve.h"
#include "finish_int16.h"
#include "gemm_int16.h"

/* Channels of three pixels, whose sums are EQ_BLOCK apart. Where pixels are missing they go where the first one does,
 * which is written last. */
typedef struct {
    const int32_t *multiplier, *shift;
    int32_t channels, qmin, qmax;
    int16_t *out[EQ_TILE];
} three_outputs;

#if EQ_MVE_NATIVE

#define UNUSED __attribute__((unused))
#define PIXEL(sums, to)                                                                                                \
    "vldrw.32 q0, [r0" sums "\n\t"                                                                                     \
    "vmulh.s32 q0, q0, q1\n\t"                                                                                         \
    "vrshl.s32 q0, q0, q2\n\t"                                                                                         \
    "vmax.s32 q0, q0, q3\n\t"                                                                                          \
    "vmin.s32 q0, q0, q4\n\t"                                                                                          \
    "vstrh.32 q0, [" to "], #8\n\t"

/* r0 sums, r2 multiplier, r3 shift, r5-r7 outputs; q1 multipliers, q2 shifts, q3 and q4 bounds. */
__attribute__((naked, noinline)) static void finish(const int32_t *sums UNUSED, const three_outputs *t UNUSED)
{
    __asm__ volatile("push {r4-r7, lr}\n\t"
                     "vpush {d8-d9}\n\t"
                     "ldrd r2, r3, [r1]\n\t"
                     "ldrd lr, r4, [r1, #8]\n\t"
                     "ldrd r12, r5, [r1, #16]\n\t"
                     "ldrd r6, r7, [r1, #24]\n\t"
                     "vdup.32 q3, r4\n\t"
                     "vdup.32 q4, r12\n\t"
                     "dlstp.32 lr, lr\n"
                     "1:\n\t"
                     "vldrw.32 q1, [r2], #16\n\t"
                     "vldrw.32 q2, [r3], #16\n\t" PIXEL(", #64]", "r6") PIXEL(", #128]", "r7")
                         PIXEL("], #16", "r5") "letp lr, 1b\n\t"
                                               "vpop {d8-d9}\n\t"
                                               "pop {r4-r7, pc}");
}

#else

static void finish(const int32_t *sums, const three_outputs *t)
{
    for (int32_t i = EQ_TILE - 1; i >= 0; i--) {
        eq_finish_int16(sums + EQ_BLOCK * i, t->multiplier, t->shift, t->out[i], t->channels, t->qmin, t->qmax);
    }
}

#endif

void eq_conv_tile_int16_mve(const eq_matrix *m, const eq_pixels *x, int8_t *out, int32_t count)
{
    int32_t sums[EQ_SUMS];
    int16_t *const to = (int16_t *)(void *)out;
    const int32_t second = count > 1 ? m->channels : 0, third = count > 2 ? 2 * m->channels : 0;
    const int8_t *w = m->weights;
    for (int32_t c = 0; c < m->channels; c += EQ_BLOCK, w += m->block) {
        const int32_t some = m->channels - c < EQ_BLOCK ? m->channels - c : EQ_BLOCK;
        const eq_pixels few = {x->x0, x->x1, x->x2, x->count, (some + 1) / 2};
        const three_outputs outputs = {m->multiplier + c, m->shift + c,   some,
                                       m->finish.qmin,    m->finish.qmax, {to + c, to + second + c, to + third + c}};
        eq_gemm_int16(m->gemm, &few, w, m->bias + c, sums);
        finish(sums, &outputs);
    }
}
