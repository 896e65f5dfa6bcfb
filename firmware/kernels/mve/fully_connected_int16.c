#include "eq/conv2d_int16_mve.h"
#include "finish_int16.h"

/* Channels computed six at once, and those whose sums are kept until they are requantized. */
enum { GROUP = 6, CHUNK = 96 };

/* A row of k values, and how many groups of channels are computed. */
typedef struct {
    const int16_t *x;
    int32_t k, groups;
} row_of_values;

#if EQ_MVE_NATIVE

/* As in dense.h: r0 row, r1 w, r3 to, r11 bias, r7 groups left, r5 the row's values; sums in r2, r4 … r12. */
#define UNUSED __attribute__((unused))
#define PAIR(first, second)                                                                                            \
    "vldrb.s16 q1, [r1], #8\n\t"                                                                                       \
    "vldrb.s16 q2, [r1], #8\n\t"                                                                                       \
    "vmladava.s16 " first ", q0, q1\n\t"                                                                               \
    "vmladava.s16 " second ", q0, q2\n\t"

#define STEP "vldrh.16 q0, [r5], #16\n\t" PAIR("r2", "r4") PAIR("r6", "r8") PAIR("r10", "r12")
#define MULTIPLY(begin, steps, end)                                                                                    \
    __asm__ volatile("push {r4-r11, lr}\n\t"                                                                           \
                     "mov r11, r2\n\t"                                                                                 \
                     "ldr r7, [r0, #8]\n"                                                                              \
                     "1:\n\t"                                                                                          \
                     "ldrd r2, r4, [r11], #8\n\t"                                                                      \
                     "ldrd r6, r8, [r11], #8\n\t"                                                                      \
                     "ldrd r10, r12, [r11], #8\n\t"                                                                    \
                     "ldrd r5, lr, [r0]\n\t" begin "2:\n\t" steps end " lr, 2b\n\t"                                    \
                     "strd r2, r4, [r3], #8\n\t"                                                                       \
                     "strd r6, r8, [r3], #8\n\t"                                                                       \
                     "strd r10, r12, [r3], #8\n\t"                                                                     \
                     "subs r7, r7, #1\n\t"                                                                             \
                     "bne 1b\n\t"                                                                                      \
                     "pop {r4-r11, pc}")

__attribute__((naked, noinline)) static void multiply_any(const row_of_values *row UNUSED, const int8_t *w UNUSED,
                                                          const int32_t *bias UNUSED, int32_t *to UNUSED)
{
    MULTIPLY("dlstp.16 lr, lr\n", STEP, "letp");
}

/* k is a multiple of 16. */
__attribute__((naked, noinline)) static void multiply_x16(const row_of_values *row UNUSED, const int8_t *w UNUSED,
                                                          const int32_t *bias UNUSED, int32_t *to UNUSED)
{
    MULTIPLY("lsr lr, lr, #4\n\tdls lr, lr\n", STEP STEP, "le");
}

#else

static void multiply_any(const row_of_values *row, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int32_t step = (row->k + 7) / 8 * 8 * GROUP;
    for (int32_t c = 0; c < row->groups * GROUP; c++) {
        const int8_t *const own = w + c / GROUP * step + c % GROUP * 8;
        to[c] = bias[c];
        for (int32_t i = 0; i < row->k; i++) {
            to[c] = eq_wrap_s32((int64_t)to[c] + row->x[i] * own[i / 8 * 8 * GROUP + i % 8]);
        }
    }
}

#define multiply_x16 multiply_any

#endif

void eq_fully_connected_int16_mve(const eq_fully_connected_int16_mve_params *p, const int16_t *input, int16_t *output)
{
    int32_t sums[CHUNK];
    const int32_t step = (p->in_c + 7) / 8 * 8;
    for (int32_t n = 0; n < p->rows; n++, input += p->in_c, output += p->out_c) {
        for (int32_t c = 0; c < p->out_c; c += CHUNK) {
            const int32_t count = p->out_c - c < CHUNK ? p->out_c - c : CHUNK;
            const row_of_values row = {input, p->in_c, (count + GROUP - 1) / GROUP};
            if (p->in_c % 16 == 0) {
                multiply_x16(&row, p->weights + c * step, p->bias + c, sums);
            } else {
                multiply_any(&row, p->weights + c * step, p->bias + c, sums);
            }
            eq_finish_int16(sums, p->multiplier + c, p->shift + c, output + c, count, p->qmin, p->qmax);
        }
    }
}
