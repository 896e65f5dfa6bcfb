#include "eq/compact_dsp.h"
#include "eq/dsp.h"
#include "inline.h"

/* What computing two output channels of three pixels takes besides their weights. */
typedef struct {
    int32_t bias[2]; /* with mixed weights, the second one is 256 times its own plus the first */
    int32_t factor[2];
    int32_t more; /* channels between the second one and the next pair */
} pair;

/* What all tiles of three pixels share. */
typedef struct {
    const int32_t *weights;
    const pair *pairs, *pairs_end;
    int32_t *x; /* the three widened pixels */
    int32_t out_c;
    int32_t zero_point;
    const int32_t *end; /* of the three widened pixels */
} job;

/* All output channels of three pixels; pixel i goes to out + i * out_c. The weights are those of eq_gemm_dsp
 * or, for int4, those of eq/gemm_int4_dsp.h. */
typedef void gemm(const job *j, int8_t *out);

#if EQ_DSP_NATIVE && defined(__thumb2__)

/* Registers: r0 x, r1 weights, r2-r4 three pixels, r5 and r6 weights, r7-r12 the sums, lr the end of x or the mask of
 * int4. On the stack: 0 out, 4 pairs, 8 pairs_end, 12 x, 16 out_c, 20 zero-point, 24 the end of x. */
#define EQ_THREE(w, a, b, c)                                                                                           \
    "smlad " a ", " w ", r2, " a "\n\t"                                                                                \
    "smlad " b ", " w ", r3, " b "\n\t"                                                                                \
    "smlad " c ", " w ", r4, " c "\n\t"

#define EQ_MIXED                                                                                                       \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "ldr r5, [r1], #4\n\t" EQ_THREE("r5", "r10", "r11", "r12") "sxtb16 r5, r5\n\t" EQ_THREE("r5", "r7", "r8", "r9")

#define EQ_PLAIN                                                                                                       \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "ldr r5, [r1], #4\n\t"                                                                                             \
    "sxtb16 r6, r5, ror #8\n\t"                                                                                        \
    "sxtb16 r5, r5\n\t" EQ_THREE("r5", "r7", "r8", "r9") EQ_THREE("r6", "r10", "r11", "r12")

/* A weight of 4 bits in the highest bits of a half is 4096 times itself, as its sums are. */
#define EQ_INT4_HALF(first, second)                                                                                    \
    "ldmia r0!, {r2-r4}\n\t"                                                                                           \
    "and r5, lr, r6" first "\n\t" EQ_THREE("r5", "r7", "r8", "r9") "and r5, lr, r6" second                             \
                                                                   "\n\t" EQ_THREE("r5", "r10", "r11", "r12")
#define EQ_INT4 "ldr r6, [r1], #4\n\t" EQ_INT4_HALF(", lsl #12", ", lsl #8") EQ_INT4_HALF(", lsl #4", "")
#define EQ_INT4_UNTIL "ldr r5, [sp, #24]\n\tcmp r0, r5\n\t"
#define EQ_INT4_SUMS                                                                                                   \
    "ldr r0, [sp, #4]\n\t"                                                                                             \
    "ldrd r5, r6, [r0]\n\t"                                                                                            \
    "add r7, r5, r7, asr #11\n\t"                                                                                      \
    "add r8, r5, r8, asr #11\n\t"                                                                                      \
    "add r9, r5, r9, asr #11\n\t"                                                                                      \
    "add r10, r6, r10, asr #11\n\t"                                                                                    \
    "add r11, r6, r11, asr #11\n\t"                                                                                    \
    "add r12, r6, r12, asr #11\n\t"

#define EQ_UNMIX                                                                                                       \
    "sub r10, r10, r7\n\t"                                                                                             \
    "sub r11, r11, r8\n\t"                                                                                             \
    "sub r12, r12, r9\n\t"                                                                                             \
    "asr r10, r10, #8\n\t"                                                                                             \
    "asr r11, r11, #8\n\t"                                                                                             \
    "asr r12, r12, #8\n\t"

#define EQ_DEFINE(name, compared, sums, step, until, unmix)                                                            \
    __attribute__((naked)) static void gemm_##name(const job *j __attribute__((unused)),                               \
                                                   int8_t *out __attribute__((unused)))                                \
    {                                                                                                                  \
        __asm__("push {r4-r11, lr}\n\t"                                                                                \
                "mov r2, r1\n\t"                                                                                       \
                "ldmia r0, {r1, r3-r8}\n\t" compared "push {r2-r8}\n"                                                  \
                "1:\n\t"                                                                                               \
                "ldr r5, [sp, #4]\n\t"                                                                                 \
                "ldr r0, [sp, #12]\n\t" sums "mov r8, r7\n\t"                                                          \
                "mov r9, r7\n\t"                                                                                       \
                "mov r11, r10\n\t"                                                                                     \
                "mov r12, r10\n"                                                                                       \
                "2:\n\t" step until "bne 2b\n\t" unmix "ldr r0, [sp, #4]\n\t"                                          \
                "ldrd r5, r6, [r0, #8]\n\t"                                                                            \
                "ldrd r3, r4, [sp, #16]\n\t"                                                                           \
                "ldr r2, [sp]\n\t"                                                                                     \
                "smmlar r7, r7, r5, r4\n\t"                                                                            \
                "smmlar r8, r8, r5, r4\n\t"                                                                            \
                "smmlar r9, r9, r5, r4\n\t"                                                                            \
                "smmlar r10, r10, r6, r4\n\t"                                                                          \
                "smmlar r11, r11, r6, r4\n\t"                                                                          \
                "smmlar r12, r12, r6, r4\n\t"                                                                          \
                "ssat r7, #8, r7\n\t"                                                                                  \
                "ssat r8, #8, r8\n\t"                                                                                  \
                "ssat r9, #8, r9\n\t"                                                                                  \
                "ssat r10, #8, r10\n\t"                                                                                \
                "ssat r11, #8, r11\n\t"                                                                                \
                "ssat r12, #8, r12\n\t"                                                                                \
                "strb r8, [r2, r3]\n\t"                                                                                \
                "strb r9, [r2, r3, lsl #1]\n\t"                                                                        \
                "strb r7, [r2], #1\n\t"                                                                                \
                "strb r11, [r2, r3]\n\t"                                                                               \
                "strb r12, [r2, r3, lsl #1]\n\t"                                                                       \
                "strb r10, [r2]\n\t"                                                                                   \
                "ldr r5, [r0, #16]\n\t"                                                                                \
                "add r2, r2, r5\n\t"                                                                                   \
                "add r0, r0, #20\n\t"                                                                                  \
                "strd r2, r0, [sp]\n\t"                                                                                \
                "ldr r4, [sp, #8]\n\t"                                                                                 \
                "cmp r0, r4\n\t"                                                                                       \
                "bne 1b\n\t"                                                                                           \
                "add sp, sp, #28\n\t"                                                                                  \
                "pop {r4-r11, pc}");                                                                                   \
    }
#define EQ_END "mov lr, r8\n\t"
#define EQ_BIASES "ldrd r7, r10, [r5]\n\t"
#define EQ_UNTIL "cmp r0, lr\n\t"
EQ_DEFINE(mixed, EQ_END, EQ_BIASES, EQ_MIXED EQ_MIXED, EQ_UNTIL, EQ_UNMIX)
EQ_DEFINE(plain, EQ_END, EQ_BIASES, EQ_PLAIN EQ_PLAIN, EQ_UNTIL, "")
EQ_DEFINE(int4, "mov lr, #0xf000f000\n\t", "movs r7, #0\n\tmov r10, r7\n\t", EQ_INT4, EQ_INT4_UNTIL, EQ_INT4_SUMS)

#else

static void in_c(const job *j, int8_t *out, int mixed)
{
    const int32_t *weights = j->weights;
    for (const pair *t = j->pairs; t != j->pairs_end; out += 1 + t->more, t++) {
        int32_t first[3], second[3];
        for (int32_t i = 0; i < 3; i++) {
            first[i] = t->bias[0], second[i] = t->bias[1];
        }
        for (const int32_t *x = j->x; x != j->end; x += 3, weights++) {
            for (int32_t i = 0; i < 3; i++) {
                first[i] = eq_smlad(eq_sxtb16(*weights), x[i], first[i]);
                second[i] = eq_smlad(mixed ? *weights : eq_sxtb16_ror8(*weights), x[i], second[i]);
            }
        }
        for (int32_t i = 0; i < 3; i++) {
            const int32_t own = mixed ? eq_wrap((int64_t)second[i] - first[i]) >> 8 : second[i];
            out[i * j->out_c] = (int8_t)eq_ssat8(eq_smmlar(first[i], t->factor[0], j->zero_point));
            out[i * j->out_c + 1] = (int8_t)eq_ssat8(eq_smmlar(own, t->factor[1], j->zero_point));
        }
    }
}

static void gemm_int4(const job *j, int8_t *out)
{
    const int32_t *weights = j->weights;
    for (const pair *t = j->pairs; t != j->pairs_end; out += 1 + t->more, t++) {
        int32_t sums[6] = {0, 0, 0, 0, 0, 0};
        for (const int32_t *x = j->x; x != j->end; x += 6, weights++) {
            for (int32_t i = 0; i < 12; i++) {
                const uint32_t shifted = (uint32_t)*weights << (12 - 4 * (i / 3));
                int32_t *const sum = sums + i % 6;
                *sum = eq_smlad((int32_t)(shifted & 0xF000F000U), x[i % 3 + 3 * (i / 6)], *sum);
            }
        }
        for (int32_t i = 0; i < 6; i++) {
            const int32_t sum = (sums[i] >> 11) + t->bias[i / 3];
            out[i % 3 * j->out_c + i / 3] = (int8_t)eq_ssat8(eq_smmlar(sum, t->factor[i / 3], j->zero_point));
        }
    }
}

static void gemm_mixed(const job *j, int8_t *out)
{
    in_c(j, out, 1);
}

static void gemm_plain(const job *j, int8_t *out)
{
    in_c(j, out, 0);
}

#endif

/* Reads the channels' entries. Returns what is left of the scratch memory behind three widened pixels and all pairs. */
static EQ_NOINLINE int8_t *begin(const eq_compact_dsp *g, int mixed, int32_t *scratch, job *j)
{
    const int8_t *entry = g->entries;
    pair *const pairs = (pair *)(scratch + 3 * g->k / 2), *t = pairs;
    for (int32_t left = g->out_c; left > 0; left -= 1 + t->more, t++) {
        const eq_channel a = eq_channel_of(g->entry, entry), b = eq_channel_of(g->entry, entry + g->entry.bytes);
        const int32_t more = 1 - (left & 1);
        *t = (pair){{a.bias, mixed ? a.bias + b.bias * 256 : b.bias}, {a.factor, b.factor}, more};
        entry += (1 + more) * g->entry.bytes;
    }
    *j = (job){g->weights, pairs, t, scratch, g->out_c, g->zero_point, (int32_t *)pairs};
    return (int8_t *)t;
}

static inline void put(int32_t word, int32_t *to)
{
    to[0] = eq_sxtb16(word);
    to[3] = eq_sxtb16_ror8(word);
}

/* Every third word from `to` on becomes n values in pairs: of every four 0 and 2, then 1 and 3; zeros fill up to four.
 * Returns the word after them. */
static EQ_NOINLINE int32_t *widen(const int8_t *from, int32_t n, int32_t *to)
{
    for (; n >= 4; n -= 4, from += 4, to += 6) {
        put(eq_load4(from), to);
    }
    if (n == 0) {
        return to;
    }
    int32_t word = 0;
    while (n > 0) {
        word = (int32_t)((uint32_t)word << 8 | (uint8_t)from[--n]);
    }
    put(word, to);
    return to + 6;
}

/* Widens the window of an output pixel. A row of it that lies partly outside, or apart, is put together in `row`. */
static EQ_NOINLINE void widen_window(const eq_compact_conv2d_dsp_params *p, const int8_t *image, int32_t y, int32_t x,
                                     int32_t *to, int8_t *row)
{
    const int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
    const int32_t right = left + (p->kernel_w - 1) * p->dilation_w;
    const int beside = left >= 0 && right < p->in_w && right - left < p->kernel_w;
    for (int32_t i = 0, at_y = top; i < p->kernel_h; i++, at_y += p->dilation_h) {
        const int inside = at_y >= 0 && at_y < p->in_h;
        const int8_t *from = image + (at_y * p->in_w + left) * p->in_c;
        if (!beside || !inside) {
            int8_t *byte = row;
            for (int32_t at_x = left; at_x <= right; at_x += p->dilation_w, from += p->dilation_w * p->in_c) {
                for (int32_t c = 0; c < p->in_c; c++) {
                    *byte++ = inside && at_x >= 0 && at_x < p->in_w ? from[c] : p->pad_value;
                }
            }
            from = row;
        }
        to = widen(from, p->kernel_w * p->in_c, to);
    }
}

/* After another window was widened; returns how many await being computed. */
EQ_INLINE int32_t add_window(const job *j, int32_t waiting, int8_t **output, gemm *compute)
{
    if (waiting < 2) {
        return waiting + 1;
    }
    compute(j, *output);
    *output += 3 * j->out_c;
    return 0;
}

/* spare: memory for three outputs. */
EQ_INLINE void store_rest(const job *j, int32_t waiting, int8_t *output, int8_t *spare, gemm *compute)
{
    if (waiting > 0) {
        compute(j, spare);
        memcpy(output, spare, (size_t)(waiting * j->out_c));
    }
}

EQ_INLINE void conv2d(const eq_compact_conv2d_dsp_params *p, const int8_t *image, int8_t *output, void *scratch,
                      gemm *compute, int mixed)
{
    job j;
    int8_t *const spare = begin(&p->gemm, mixed, scratch, &j);
    int32_t waiting = 0;
    for (int32_t n = p->batch; n > 0; n--, image += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++) {
                widen_window(p, image, y, x, j.x + waiting, spare + 3 * j.out_c);
                waiting = add_window(&j, waiting, &output, compute);
            }
        }
    }
    store_rest(&j, waiting, output, spare, compute);
}

EQ_INLINE void pointwise(const eq_compact_pointwise_dsp_params *p, const int8_t *input, int8_t *output, void *scratch,
                         gemm *compute, int mixed)
{
    job j;
    int8_t *const spare = begin(&p->gemm, mixed, scratch, &j);
    int32_t waiting = 0;
    for (int32_t left = p->pixels; left > 0; left--, input += p->in_c) {
        widen(input, p->in_c, j.x + waiting);
        waiting = add_window(&j, waiting, &output, compute);
    }
    store_rest(&j, waiting, output, spare, compute);
}

#define DEFINE(suffix, mixed)                                                                                          \
    void eq_compact_conv2d_dsp_##suffix(const eq_compact_conv2d_dsp_params *p, const int8_t *input, int8_t *output,    \
                                        void *scratch)                                                                 \
    {                                                                                                                  \
        conv2d(p, input, output, scratch, gemm_##suffix, mixed);                                                       \
    }                                                                                                                  \
    void eq_compact_pointwise_dsp_##suffix(const eq_compact_pointwise_dsp_params *p, const int8_t *input,              \
                                           int8_t *output, void *scratch)                                              \
    {                                                                                                                  \
        pointwise(p, input, output, scratch, gemm_##suffix, mixed);                                                    \
    }
DEFINE(mixed, 1)
DEFINE(plain, 0)
DEFINE(int4, 0)
