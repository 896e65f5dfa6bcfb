#include "eq/thumb2.h"
#include "eq/thumb_depthwise.h"

static inline void any_sums(const eq_row_task *task, const int8_t *const *rows, const int8_t *weights, int32_t *sums)
{
    const int32_t stride = task->stride;
    for (int32_t i = 0; i < task->tiles; i++, sums += EQ_ROW_TILE) {
        const int8_t *w = weights;
        int32_t a0 = task->bias, a1 = a0, a2 = a0, a3 = a0;
        for (int32_t ky = 0; ky < task->kernel_h; ky++) {
            const int8_t *x = rows[ky] + i * EQ_ROW_TILE * stride;
            for (int32_t kx = 0; kx < task->kernel_w; kx++, x += task->tap) {
                const int32_t weight = *w++;
                a0 += weight * x[0];
                a1 += weight * x[stride];
                a2 += weight * x[2 * stride];
                a3 += weight * x[3 * stride];
            }
        }
        sums[0] = a0;
        sums[1] = a1;
        sums[2] = a2;
        sums[3] = a3;
    }
}

#if EQ_THUMB2_NATIVE

/* r0 column of the window, r1 rows, r2 weights, r3 distance of columns, r4-r7 sums, r8-r10 weights of the row, r11
 * value, r12 offset of the tile, lr rows left. On the stack: rows, weights, sums, tiles left, bias, rows of the window.
 */
#define ROW_SUMS_1X3(name, row, next)                                                                                  \
    __attribute__((naked, noinline)) static void name(                                                                 \
        const eq_row_task *task __attribute__((unused)), const int8_t *const *rows __attribute__((unused)),            \
        const int8_t *weights __attribute__((unused)), int32_t *sums __attribute__((unused)))                          \
    {                                                                                                                  \
        __asm__ volatile(".syntax unified\n\t"                                                                         \
                         "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"                                             \
                         "ldr r4, [r0]\n\t"                                                                            \
                         "ldrd r5, r6, [r0, #16]\n\t"                                                                  \
                         "push {r4}\n\t"                                                                               \
                         "push {r1, r2, r3, r5, r6}\n\t"                                                               \
                         "ldr r3, [r0, #8]\n\t"                                                                        \
                         "mov r12, #0\n"                                                                               \
                         "1:\n\t"                                                                                      \
                         "ldrd r1, r2, [sp]\n\t"                                                                       \
                         "ldrd r4, lr, [sp, #16]\n\t"                                                                  \
                         "mov r5, r4\n\t"                                                                              \
                         "mov r6, r4\n\t"                                                                              \
                         "mov r7, r4\n"                                                                                \
                         "2:\n\t"                                                                                      \
                         "ldr r0, [r1], #4\n\t"                                                                        \
                         "ldrsb r8, [r2], #1\n\t"                                                                      \
                         "ldrsb r9, [r2], #1\n\t"                                                                      \
                         "ldrsb r10, [r2], #1\n\t"                                                                     \
                         "add r0, r0, r12\n\t" row "subs lr, lr, #1\n\t"                                               \
                         "bne 2b\n\t"                                                                                  \
                         "ldrd r0, r1, [sp, #8]\n\t"                                                                   \
                         "stmia r0!, {r4, r5, r6, r7}\n\t" next "subs r1, r1, #1\n\t"                                  \
                         "strd r0, r1, [sp, #8]\n\t"                                                                   \
                         "bne 1b\n\t"                                                                                  \
                         "add sp, sp, #24\n\t"                                                                         \
                         "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");                                                \
    }

#define HERE "ldrsb r11, [r0]\n\t"
#define BESIDE "ldrsb r11, [r0, r3]\n\t"
#define BESIDE_AND_ON BESIDE "add r0, r0, r3, lsl #1\n\t"
#define ADD(sum, weight) "mla " #sum ", " #weight ", r11, " #sum "\n\t"

/* Outputs as far apart as the columns of the window: a value is read once for all of them. */
ROW_SUMS_1X3(sums_1x3,
             HERE ADD(r4, r8) BESIDE_AND_ON ADD(r4, r9) ADD(r5, r8) HERE ADD(r4, r10) ADD(r5, r9) ADD(r6, r8)
                 BESIDE_AND_ON ADD(r5, r10) ADD(r6, r9) ADD(r7, r8) HERE ADD(r6, r10) ADD(r7, r9) BESIDE ADD(r7, r10),
             "add r12, r12, r3, lsl #2\n\t")

/* Twice as far. */
ROW_SUMS_1X3(sums_1x3_stride2,
             HERE ADD(r4, r8) BESIDE_AND_ON ADD(r4, r9) HERE ADD(r4, r10) ADD(r5, r8) BESIDE_AND_ON ADD(r5, r9)
                 HERE ADD(r5, r10) ADD(r6, r8) BESIDE_AND_ON ADD(r6, r9) HERE ADD(r6, r10) ADD(r7, r8)
                     BESIDE_AND_ON ADD(r7, r9) HERE ADD(r7, r10),
             "add r12, r12, r3, lsl #3\n\t")

#else

#define sums_1x3 any_sums
#define sums_1x3_stride2 any_sums

#endif

static inline void row_sums(const eq_row_task *task, const int8_t *const *rows, const int8_t *weights, int32_t *sums)
{
    if (task->kernel_w == 3 && task->tap == task->stride) {
        sums_1x3(task, rows, weights, sums);
    } else if (task->kernel_w == 3 && 2 * task->tap == task->stride) {
        sums_1x3_stride2(task, rows, weights, sums);
    } else {
        any_sums(task, rows, weights, sums);
    }
}

static inline void store(const eq_depthwise_conv2d_thumb_params *p, int32_t channel, const int32_t *sums,
                         int8_t *output, eq_rounding rounding)
{
    const eq_thumb2_finish f = EQ_THUMB2_FINISH(p, channel, rounding);
    const int32_t *const end = sums + p->out_w;
    const int32_t step = p->out_c;
    if (f.direct) {
        for (; sums != end; output += step) {
            *output = eq_thumb2_direct(&f, *sums++ * 2);
        }
    } else {
        for (; sums != end; output += step) {
            *output = eq_thumb2_rounded(&f, *sums++ * 2, rounding);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_depthwise_conv2d_thumb2_##suffix(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input,           \
                                             int8_t *output, void *scratch)                                            \
    {                                                                                                                  \
        eq_depthwise_rows(p, input, output, scratch, row_sums, store, rounding);                                       \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
