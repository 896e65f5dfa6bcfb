#include "gemm_narrow.h"

#include "fields.h"

/* Bytes are masked so that one field is left of each. Its sums count as many times as its lowest bit does. */

#if EQ_MVE_NATIVE

/* As in gemm_int4.c: r0 x, r1 w, r3 to; r2 r4, r6 r8, r10 r12 the sums of the three pixels; q4 and q5 the masks, r11
 * the bytes of a group of channels. On the stack: 0 groups left. */
#define UNUSED __attribute__((unused))
#define PASS(first, second)                                                                                            \
    "mov r5, #" first "\n\t"                                                                                           \
    "vdup.8 q4, r5\n\t"                                                                                                \
    "mov r5, #" second "\n\t"                                                                                          \
    "vdup.8 q5, r5\n\t"                                                                                                \
    "ldrd r5, r7, [r0]\n\t"                                                                                            \
    "ldrd r9, lr, [r0, #8]\n\t"                                                                                        \
    "mov r2, #0\n\t"                                                                                                   \
    "mov r4, #0\n\t"                                                                                                   \
    "mov r6, #0\n\t"                                                                                                   \
    "mov r8, #0\n\t"                                                                                                   \
    "mov r10, #0\n\t"                                                                                                  \
    "mov r12, #0\n\t"                                                                                                  \
    "dlstp.8 lr, lr\n"                                                                                                 \
    "2:\n\t"                                                                                                           \
    "vldrb.8 q0, [r1], #16\n\t"                                                                                        \
    "vldrb.8 q2, [r5], #16\n\t"                                                                                        \
    "vand q1, q0, q5\n\t"                                                                                              \
    "vldrb.8 q3, [r7], #16\n\t"                                                                                        \
    "vand q0, q0, q4\n\t"                                                                                              \
    "vmladava.s8 r4, q2, q1\n\t"                                                                                       \
    "vmladava.s8 r2, q2, q0\n\t"                                                                                       \
    "vldrb.8 q2, [r9], #16\n\t"                                                                                        \
    "vmladava.s8 r6, q3, q0\n\t"                                                                                       \
    "vmladava.s8 r8, q3, q1\n\t"                                                                                       \
    "vmladava.s8 r10, q2, q0\n\t"                                                                                      \
    "vmladava.s8 r12, q2, q1\n\t"                                                                                      \
    "letp lr, 2b\n\t"                                                                                                  \
    "strd r6, r8, [r3, #64]\n\t"                                                                                       \
    "strd r10, r12, [r3, #128]\n\t"                                                                                    \
    "strd r2, r4, [r3], #8\n\t"
#define AGAIN "sub r1, r1, r11\n\t"
#define DEFINE_SUMS(name, passes)                                                                                      \
    __attribute__((naked, noinline)) static void name(const eq_pixels *x UNUSED, const int8_t *w UNUSED,               \
                                                      int32_t groups UNUSED, int32_t *to UNUSED)                       \
    {                                                                                                                  \
        __asm__ volatile("push {r4-r11, lr}\n\t"                                                                       \
                         "vpush {d8-d11}\n\t"                                                                          \
                         "push {r2, r3}\n\t"                                                                           \
                         "ldr r11, [r0, #12]\n\t"                                                                      \
                         "add r11, r11, #15\n\t"                                                                       \
                         "bic r11, r11, #15\n"                                                                         \
                         "1:\n\t" passes "ldr r2, [sp]\n\t"                                                            \
                         "subs r2, r2, #1\n\t"                                                                         \
                         "str r2, [sp]\n\t"                                                                            \
                         "bne.w 1b\n\t"                                                                                \
                         "pop {r2, r3}\n\t"                                                                            \
                         "vpop {d8-d11}\n\t"                                                                           \
                         "pop {r4-r11, pc}");                                                                          \
    }
DEFINE_SUMS(sums_int2, PASS("0x03", "0x0c") AGAIN PASS("0x30", "0xc0"))
DEFINE_SUMS(sums_binary,
            PASS("0x01", "0x02") AGAIN PASS("0x04", "0x08") AGAIN PASS("0x10", "0x20") AGAIN PASS("0x40", "0x80"))

#else

static void sums(const eq_pixels *x, const int8_t *w, int32_t groups, int32_t *to, int32_t bits)
{
    const int8_t *const pixel[3] = {x->x0, x->x1, x->x2};
    const int32_t per = 8 / bits, step = (x->count + 15) / 16 * 16;
    for (int32_t c = 0; c < per * groups; c++) {
        const uint32_t mask = ((1U << bits) - 1U) << bits * (c % per);
        for (int32_t p = 0; p < 3; p++) {
            int32_t sum = 0;
            for (int32_t i = 0; i < x->count; i++) {
                sum += pixel[p][i] * eq_masked(w[c / per * step + i], mask);
            }
            to[EQ_BLOCK * p + c] = sum;
        }
    }
}

static void sums_int2(const eq_pixels *x, const int8_t *w, int32_t groups, int32_t *to)
{
    sums(x, w, groups, to, 2);
}

static void sums_binary(const eq_pixels *x, const int8_t *w, int32_t groups, int32_t *to)
{
    sums(x, w, groups, to, 1);
}

#endif

EQ_INLINE void finish(const eq_pixels *x, const int32_t *bias, int32_t channels, int32_t *to, int32_t bits)
{
    const int8_t *const pixel[3] = {x->x0, x->x1, x->x2};
    for (int32_t p = 0; p < 3; p++, to += EQ_BLOCK) {
        const int32_t total = eq_total_s8(pixel[p], x->count);
        for (int32_t c = 0; c < channels; c += 4) {
            eq_store_s32(to + c,
                         eq_field_sums(eq_load_s32(to + c), eq_load_s32(bias + c), total, bits, bits == 2 ? 0 : c % 8));
        }
    }
}

void eq_gemm_int2_mve(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int32_t groups = (2 * x->pairs + 3) / 4;
    (void)kind;
    sums_int2(x, w, groups, to);
    finish(x, bias, 4 * groups, to, 2);
}

void eq_gemm_binary_mve(eq_gemm_kind kind, const eq_pixels *x, const int8_t *w, const int32_t *bias, int32_t *to)
{
    const int32_t groups = (2 * x->pairs + 7) / 8;
    (void)kind;
    sums_binary(x, w, groups, to);
    finish(x, bias, 8 * groups, to, 1);
}
