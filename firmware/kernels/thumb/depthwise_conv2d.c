#include "eq/thumb.h"
#include "eq/thumb_depthwise.h"

#if defined(__thumb__)

/* One column of a row of the window. */
#define COLUMN                                                                                                         \
    "ldrsb r2, [r1, r4]\n\t"                                                                                           \
    "adds r1, r1, #1\n\t"                                                                                              \
    "ldrsb r3, [r0, r4]\n\t"                                                                                           \
    "muls r3, r2, r3\n\t"                                                                                              \
    "add r8, r3\n\t"                                                                                                   \
    "ldrsb r3, [r0, r5]\n\t"                                                                                           \
    "muls r3, r2, r3\n\t"                                                                                              \
    "add r9, r3\n\t"                                                                                                   \
    "ldrsb r3, [r0, r6]\n\t"                                                                                           \
    "muls r3, r2, r3\n\t"                                                                                              \
    "add r10, r3\n\t"                                                                                                  \
    "ldrsb r3, [r0, r7]\n\t"                                                                                           \
    "muls r3, r2, r3\n\t"                                                                                              \
    "add r11, r3\n\t"                                                                                                  \
    "add r0, r12\n\t"

/* r0 column of the window, r1 weights, r2 weight, r3 product, r4-r7 offsets of the four outputs (r4 is 0), r8-r11 sums,
 * r12 distance of columns, lr columns left. On the stack: task, rows, sums, rows left, tiles left, the tile's offset,
 * the row to take next, weights. */
__attribute__((naked)) static void row_sums(const eq_row_task *task __attribute__((unused)),
                                            const int8_t *const *rows __attribute__((unused)),
                                            const int8_t *weights __attribute__((unused)),
                                            int32_t *sums __attribute__((unused)))
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4, r5, r6, r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "mov r7, r11\n\t"
                     "push {r4, r5, r6, r7}\n\t"
                     "sub sp, sp, #32\n\t"
                     "str r0, [sp, #0]\n\t"
                     "str r1, [sp, #4]\n\t"
                     "str r3, [sp, #8]\n\t"
                     "str r2, [sp, #28]\n\t"
                     "ldr r3, [r0, #16]\n\t"
                     "str r3, [sp, #16]\n\t"
                     "ldr r3, [r0, #8]\n\t"
                     "mov r12, r3\n\t"
                     "ldr r5, [r0, #12]\n\t"
                     "movs r4, #0\n\t"
                     "lsls r6, r5, #1\n\t"
                     "adds r7, r6, r5\n\t"
                     "str r4, [sp, #20]\n"
                     "1:\n\t" /* a tile */
                     "ldr r1, [sp, #28]\n\t"
                     "ldr r0, [sp, #0]\n\t"
                     "ldr r2, [r0]\n\t"
                     "str r2, [sp, #12]\n\t"
                     "ldr r2, [sp, #4]\n\t"
                     "str r2, [sp, #24]\n\t"
                     "ldr r2, [r0, #20]\n\t"
                     "mov r8, r2\n\t"
                     "mov r9, r2\n\t"
                     "mov r10, r2\n\t"
                     "mov r11, r2\n"
                     "2:\n\t" /* a row */
                     "ldr r2, [sp, #0]\n\t"
                     "ldr r2, [r2, #4]\n\t"
                     "mov lr, r2\n\t"
                     "subs r3, r2, #3\n\t"
                     "ldr r2, [sp, #24]\n\t"
                     "ldmia r2!, {r0}\n\t"
                     "str r2, [sp, #24]\n\t"
                     "ldr r2, [sp, #20]\n\t"
                     "adds r0, r0, r2\n\t"
                     "cmp r3, #0\n\t"
                     "bne 3f\n\t" COLUMN COLUMN COLUMN "b 4f\n"
                     "3:\n\t" COLUMN "mov r3, lr\n\t"
                     "subs r3, r3, #1\n\t"
                     "mov lr, r3\n\t"
                     "bne 3b\n"
                     "4:\n\t"
                     "ldr r2, [sp, #12]\n\t"
                     "subs r2, r2, #1\n\t"
                     "str r2, [sp, #12]\n\t"
                     "bne 2b\n\t"
                     "ldr r0, [sp, #8]\n\t"
                     "mov r1, r8\n\t"
                     "mov r2, r9\n\t"
                     "mov r3, r10\n\t"
                     "stmia r0!, {r1, r2, r3}\n\t"
                     "mov r1, r11\n\t"
                     "stmia r0!, {r1}\n\t"
                     "str r0, [sp, #8]\n\t"
                     "ldr r0, [sp, #20]\n\t"
                     "adds r0, r0, r7\n\t"
                     "adds r0, r0, r5\n\t"
                     "str r0, [sp, #20]\n\t"
                     "ldr r0, [sp, #16]\n\t"
                     "subs r0, r0, #1\n\t"
                     "str r0, [sp, #16]\n\t"
                     "bne 1b\n\t"
                     "add sp, sp, #32\n\t"
                     "pop {r4, r5, r6, r7}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "mov r11, r7\n\t"
                     "pop {r4, r5, r6, r7, pc}");
}

#else

static void row_sums(const eq_row_task *task, const int8_t *const *rows, const int8_t *weights, int32_t *sums)
{
    for (int32_t x = 0; x < EQ_ROW_TILE * task->tiles; x++) {
        const int8_t *w = weights;
        sums[x] = task->bias;
        for (int32_t ky = 0; ky < task->kernel_h; ky++) {
            for (int32_t kx = 0; kx < task->kernel_w; kx++) {
                sums[x] += *w++ * rows[ky][x * task->stride + kx * task->tap];
            }
        }
    }
}

#endif

static inline void store(const eq_depthwise_conv2d_thumb_params *p, int32_t channel, const int32_t *sums,
                         int8_t *output, eq_rounding rounding)
{
    const int32_t mantissa = p->mantissa[channel], shift = p->shift[channel];
    if (rounding == EQ_FAST && shift == 0) {
        const eq_thumb_outputs outputs = {p->out_c, p->out_w, eq_thumb_rounding(p->zero_point), p->qmin, p->qmax, 0};
        eq_thumb_store(&outputs, sums, p->mantissa + channel, output, 1);
        return;
    }
    for (int32_t x = 0; x < p->out_w; x++, output += p->out_c) {
        *output = eq_requantize(sums[x], mantissa, shift, p->zero_point, p->qmin, p->qmax, rounding);
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_thumb_##suffix(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input,            \
                                            int8_t *output, void *scratch)                                             \
    {                                                                                                                  \
        eq_depthwise_rows(p, input, output, scratch, row_sums, store, rounding);                                       \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
