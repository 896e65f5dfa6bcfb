#include "eq/fully_connected_mve.h"
#include "fields.h"
#include "finish.h"

enum { CHUNK = 96 };

#if EQ_MVE_NATIVE

/* r0 x, r1 w, r2 k, r3 to; sums in r4, r6, r8, r10; masks in q4-q7. */
#define UNUSED __attribute__((unused))
#define MASK(q, mask) "mov r4, #" mask "\n\tvdup.8 " q ", r4\n\t"
#define DEFINE_FOUR(name, a, b, c, d)                                                                                  \
    __attribute__((naked, noinline)) static void name(const int8_t *x UNUSED, const int8_t *w UNUSED,                  \
                                                      int32_t k UNUSED, int32_t *to UNUSED)                            \
    {                                                                                                                  \
        __asm__ volatile("push {r4-r10, lr}\n\t"                                                                       \
                         "vpush {d8-d15}\n\t" MASK("q4", a) MASK("q5", b) MASK("q6", c)                                \
                             MASK("q7", d) "mov r4, #0\n\t"                                                            \
                                           "mov r6, #0\n\t"                                                            \
                                           "mov r8, #0\n\t"                                                            \
                                           "mov r10, #0\n\t"                                                           \
                                           "dlstp.8 lr, r2\n"                                                          \
                                           "1:\n\t"                                                                    \
                                           "vldrb.8 q1, [r1], #16\n\t"                                                 \
                                           "vldrb.8 q0, [r0], #16\n\t"                                                 \
                                           "vand q2, q1, q4\n\t"                                                       \
                                           "vand q3, q1, q5\n\t"                                                       \
                                           "vmladava.s8 r4, q0, q2\n\t"                                                \
                                           "vand q2, q1, q6\n\t"                                                       \
                                           "vmladava.s8 r6, q0, q3\n\t"                                                \
                                           "vand q3, q1, q7\n\t"                                                       \
                                           "vmladava.s8 r8, q0, q2\n\t"                                                \
                                           "vmladava.s8 r10, q0, q3\n\t"                                               \
                                           "letp lr, 1b\n\t"                                                           \
                                           "strd r4, r6, [r3]\n\t"                                                     \
                                           "strd r8, r10, [r3, #8]\n\t"                                                \
                                           "vpop {d8-d15}\n\t"                                                         \
                                           "pop {r4-r10, pc}");                                                        \
    }
DEFINE_FOUR(four_int2, "0x03", "0x0c", "0x30", "0xc0")
DEFINE_FOUR(four_low_bits, "0x01", "0x02", "0x04", "0x08")
DEFINE_FOUR(four_high_bits, "0x10", "0x20", "0x40", "0x80")

#else

static void four(const int8_t *x, const int8_t *w, int32_t k, int32_t *to, uint32_t mask, int32_t bits)
{
    for (int32_t c = 0; c < 4; c++) {
        to[c] = 0;
        for (int32_t i = 0; i < k; i++) {
            to[c] += x[i] * eq_masked(w[i], mask << bits * c);
        }
    }
}

static void four_int2(const int8_t *x, const int8_t *w, int32_t k, int32_t *to)
{
    four(x, w, k, to, 3, 2);
}

static void four_low_bits(const int8_t *x, const int8_t *w, int32_t k, int32_t *to)
{
    four(x, w, k, to, 1, 1);
}

static void four_high_bits(const int8_t *x, const int8_t *w, int32_t k, int32_t *to)
{
    four(x, w, k, to, 16, 1);
}

#endif

EQ_INLINE void fully_connected(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output,
                               int32_t bits, eq_rounding rounding)
{
    int32_t sums[CHUNK];
    const int32_t step = (p->in_c + 15) / 16 * 16, per = 8 / bits; /* bytes and channels of a group */
    for (int32_t n = 0; n < p->rows; n++, input += p->in_c, output += p->out_c) {
        const int32_t total = eq_total_s8(input, p->in_c);
        for (int32_t first = 0; first < p->out_c; first += CHUNK) {
            const int32_t count = p->out_c - first < CHUNK ? p->out_c - first : CHUNK;
            const eq_finish f = {1, 0, count, p->zero_point, p->qmin, p->qmax};
            for (int32_t c = 0; c < count; c += 4) {
                const int8_t *const w = p->weights + (first + c) / per * step;
                const int32_t place = bits == 2 ? 0 : c % 8;
                int32_t *const to = sums + c;
                if (bits == 2) {
                    four_int2(input, w, p->in_c, to);
                } else if (place == 0) {
                    four_low_bits(input, w, p->in_c, to);
                } else {
                    four_high_bits(input, w, p->in_c, to);
                }
                eq_store_s32(to, eq_field_sums(eq_load_s32(to), eq_load_s32(p->bias + first + c), total, bits, place));
            }
            eq_finish_row(sums, p->multiplier + first, eq_shift_at(p->shift, first, rounding), output + first, &f,
                          rounding);
        }
    }
}

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_fully_connected_int2_mve_##suffix(const eq_fully_connected_mve_params *p, const int8_t *input,             \
                                              int8_t *output)                                                          \
    {                                                                                                                  \
        fully_connected(p, input, output, 2, rounding);                                                                \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_fully_connected_binary_mve_##suffix(const eq_fully_connected_mve_params *p, const int8_t *input,           \
                                                int8_t *output)                                                        \
    {                                                                                                                  \
        fully_connected(p, input, output, 1, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
