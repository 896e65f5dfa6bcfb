#include "eq/compact_dsp.h"
#include "eq/dsp.h"
#include "inline.h"
#include "products.h"
#include "requant.h"

/* Adds n products, n % 4 == 0, to the sums of four channels; returns the end of their weights, which are those of
 * eq_fully_connected_dsp. With mixed ones, every second sum is 256 times its own plus the one before;
 * with those of int4 all are 4096 times their own. */
typedef const int32_t *multiply(const int8_t *row, const int32_t *weights, int32_t n, int32_t *sums);

#if EQ_DSP_NATIVE && defined(__thumb2__)

/* Registers: r0 row, r1 weights, r2 end of the row, r3-r4 pairs of it, r5-r8 weights, r9 channel 1, r10-r12 and lr
 * sums.
 */
#define EQ_MIXED(w, x, first, second)                                                                                  \
    "smlad " second ", " w ", " x ", " second "\n\t"                                                                   \
    "sxtb16 " w ", " w "\n\t"                                                                                          \
    "smlad " first ", " w ", " x ", " first "\n\t"

#define EQ_PLAIN(w, x, first, second)                                                                                  \
    "sxtb16 r9, " w ", ror #8\n\t"                                                                                     \
    "sxtb16 " w ", " w "\n\t"                                                                                          \
    "smlad " second ", r9, " x ", " second "\n\t"                                                                      \
    "smlad " first ", " w ", " x ", " first "\n\t"

#define EQ_DEFINE(name, ready, load, products)                                                                         \
    __attribute__((naked)) static const int32_t *multiply_##name(                                                      \
        const int8_t *row __attribute__((unused)), const int32_t *weights __attribute__((unused)),                     \
        int32_t n __attribute__((unused)), int32_t *sums __attribute__((unused)))                                      \
    {                                                                                                                  \
        __asm__("push {r3-r11, lr}\n\t"                                                                                \
                "add r2, r0, r2\n\t"                                                                                   \
                "ldmia r3, {r10-r12, lr}\n\t" ready "b 2f\n"                                                           \
                "1:\n\t"                                                                                               \
                "ldr r3, [r0], #4\n\t" load "sxtb16 r4, r3, ror #8\n\t"                                                \
                "sxtb16 r3, r3\n\t" products "2:\n\t"                                                                  \
                "cmp r0, r2\n\t"                                                                                       \
                "bne 1b\n\t"                                                                                           \
                "pop {r3}\n\t"                                                                                         \
                "stmia r3, {r10-r12, lr}\n\t"                                                                          \
                "mov r0, r1\n\t"                                                                                       \
                "pop {r4-r11, pc}");                                                                                   \
    }
#define EQ_FOUR(op)                                                                                                    \
    op("r5", "r3", "r10", "r11") op("r6", "r3", "r12", "lr") op("r7", "r4", "r10", "r11") op("r8", "r4", "r12", "lr")
#define EQ_LOAD "ldmia r1!, {r5-r8}\n\t"
EQ_DEFINE(mixed, "", EQ_LOAD, EQ_FOUR(EQ_MIXED))
EQ_DEFINE(plain, "", EQ_LOAD, EQ_FOUR(EQ_PLAIN))

/* A weight of 4 bits in the highest bits of a half is 4096 times itself, as its sums are; r7 is the mask. */
#define EQ_INT4(w, shift, x, sum)                                                                                      \
    "and r9, r7, " w shift "\n\t"                                                                                      \
    "smlad " sum ", r9, " x ", " sum "\n\t"
#define EQ_INT4_PAIR(w, first, second)                                                                                 \
    EQ_INT4(w, ", lsl #12", "r3", first)                                                                               \
    EQ_INT4(w, ", lsl #8", "r3", second) EQ_INT4(w, ", lsl #4", "r4", first) EQ_INT4(w, "", "r4", second)
EQ_DEFINE(int4, "mov r7, #0xf000f000\n\t", "ldmia r1!, {r5, r6}\n\t",
          EQ_INT4_PAIR("r5", "r10", "r11") EQ_INT4_PAIR("r6", "r12", "lr"))

#else

static const int32_t *multiply_int4(const int8_t *row, const int32_t *weights, int32_t n, int32_t *sums)
{
    return eq_dsp_products_int4(weights, row, n, sums);
}

static const int32_t *multiply_mixed(const int8_t *row, const int32_t *weights, int32_t n, int32_t *sums)
{
    return eq_dsp_products(weights, row, n, sums, 1);
}

static const int32_t *multiply_plain(const int8_t *row, const int32_t *weights, int32_t n, int32_t *sums)
{
    return eq_dsp_products(weights, row, n, sums, 0);
}

#endif

EQ_INLINE void fully_connected(const eq_compact_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                               multiply *products, int mixed, int int4)
{
    const eq_compact_dsp *const g = &p->gemm;
    const int32_t words = p->in_c & ~3;
    const int32_t *weights = g->weights;
    int8_t rest[4] = {0, 0, 0, 0};
    for (int32_t i = words; i < p->in_c; i++) {
        rest[i - words] = input[i];
    }
    for (int32_t next = 0; next < g->out_c; next += 4) {
        const int32_t first = next + 4 > g->out_c ? g->out_c - 4 : next;
        int32_t sums[4], factors[4], biases[4], left[4];
        for (int32_t j = 0; j < 4; j++) {
            const int32_t before = int4 ? g->shifted : 0;
            const int8_t *entry = g->entries + (first + j) * (g->entry.bytes + before);
            const eq_channel channel = eq_channel_of(g->entry, entry + before);
            left[j] = before ? entry[0] : 0;
            biases[j] = channel.bias;
            sums[j] = int4 ? 0 : mixed && j & 1 ? channel.bias * 256 + sums[j - 1] : channel.bias;
            factors[j] = channel.factor;
        }
        weights = products(input, weights, words, sums);
        if (words < p->in_c) {
            weights = products(rest, weights, 4, sums);
        }
        for (int32_t j = 3; j >= 0; j--) {
            const uint32_t above = mixed && j & 1 ? (uint32_t)sums[j - 1] : 0;
            const int32_t own = (int32_t)((uint32_t)sums[j] - above) >> (mixed && j & 1 ? 8 : 0);
            const int32_t sum = int4 ? ((sums[j] >> 11) + biases[j]) * (1 << left[j]) : own;
            output[first + j] = (int8_t)eq_ssat8(eq_smmlar(sum, factors[j], g->zero_point));
        }
    }
}

#define DEFINE(suffix, mixed, int4)                                                                                    \
    void eq_compact_fully_connected_dsp_##suffix(const eq_compact_fully_connected_dsp_params *p, const int8_t *input,  \
                                                 int8_t *output)                                                       \
    {                                                                                                                  \
        fully_connected(p, input, output, multiply_##suffix, mixed, int4);                                             \
    }
DEFINE(mixed, 1, 0)
DEFINE(plain, 0, 0)
DEFINE(int4, 0, 1)

static inline int32_t bias_of(const uint8_t *biases, int32_t bytes)
{
    uint32_t word;
    const int32_t above = 32 - 8 * bytes;
    memcpy(&word, biases, sizeof word);
    return (int32_t)(word << above) >> above;
}

/* Of mixed sums: every second one is 256 times its own and the one before, and becomes its own. */
static inline void separate(int32_t *sums)
{
    sums[1] = (int32_t)((uint32_t)sums[1] - (uint32_t)sums[0]) >> 8;
    sums[3] = (int32_t)((uint32_t)sums[3] - (uint32_t)sums[2]) >> 8;
}

EQ_INLINE void with_one_factor(const eq_shared_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                               multiply *products, int mixed, eq_rounding rounding)
{
    const eq_shared_fully_connected_dsp_params q = *p; /* which no store can change */
    const int32_t words = q.in_c & ~3;
    const int direct = rounding == EQ_FAST && q.shift == 0 && q.mantissa < 1 << 30; /* one multiplication does it */
    const int32_t *weights = q.weights;
    int8_t rest[4] = {0, 0, 0, 0};
    for (int32_t i = words; i < q.in_c; i++) {
        rest[i - words] = input[i];
    }
    for (int32_t next = 0; next < q.out_c; next += 4) {
        const int32_t first = next + 4 > q.out_c ? q.out_c - 4 : next;
        const uint8_t *bias = q.biases + first * q.bias_bytes;
        int32_t sums[4];
        for (int32_t j = 0; j < 4; j++, bias += q.bias_bytes) {
            sums[j] = bias_of(bias, q.bias_bytes);
        }
        if (mixed) {
            sums[1] = sums[1] * 256 + sums[0];
            sums[3] = sums[3] * 256 + sums[2];
        }
        weights = products(input, weights, words, sums);
        if (words < q.in_c) {
            weights = products(rest, weights, 4, sums);
        }
        if (mixed) {
            separate(sums);
        }
        for (int32_t j = 0; j < 4; j++) {
            output[first + j] =
                direct ? (int8_t)eq_clamp(eq_smmlar(sums[j], 2 * q.mantissa, q.zero_point), q.qmin, q.qmax)
                       : eq_dsp_requantize(sums[j], q.mantissa, q.shift, q.zero_point, q.qmin, q.qmax, rounding);
        }
    }
}

#define DEFINE_SHARED(suffix, rounding)                                                                                \
    void eq_shared_fully_connected_dsp_mixed_##suffix(const eq_shared_fully_connected_dsp_params *p,                   \
                                                      const int8_t *input, int8_t *output)                             \
    {                                                                                                                  \
        with_one_factor(p, input, output, multiply_mixed, 1, rounding);                                                \
    }                                                                                                                  \
    void eq_shared_fully_connected_dsp_plain_##suffix(const eq_shared_fully_connected_dsp_params *p,                   \
                                                      const int8_t *input, int8_t *output)                             \
    {                                                                                                                  \
        with_one_factor(p, input, output, multiply_plain, 0, rounding);                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_SHARED)

EQ_INLINE void in_octaves(const eq_octave_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                          multiply *products, int mixed, int int4)
{
    const eq_octave_fully_connected_dsp_params q = *p; /* which no store can change */
    const int32_t words = q.in_c & ~3;
    const int32_t left = 32 - q.bits, right = left + q.factor_bits + q.octave_bits;
    const uint32_t of_factor = (1U << q.factor_bits) - 1, of_octave = (1U << q.octave_bits) - 1;
    const int32_t *weights = q.weights;
    int8_t rest[4] = {0, 0, 0, 0};
    for (int32_t i = words; i < q.in_c; i++) {
        rest[i - words] = input[i];
    }
    for (int32_t next = 0; next < q.out_c; next += 4) {
        const int32_t first = next + 4 > q.out_c ? q.out_c - 4 : next;
        int32_t sums[4], factors[4], biases[4], doubled[4];
        for (int32_t j = 0, at = first * q.bits; j < 4; j++, at += q.bits) {
            uint32_t entry;
            memcpy(&entry, q.entries + (at >> 3), sizeof entry);
            entry >>= at & 7;
            const int32_t octaves = (int32_t)(entry >> q.factor_bits & of_octave);
            const int32_t less = int4 && octaves > q.left ? octaves - q.left : 0; /* what shifts leave of them */
            const uint32_t twice = (q.factors[entry & of_factor] >> (int4 ? less : octaves)) + 1; /* is rounded */
            factors[j] = (int32_t)(int4 ? twice >> 1 : twice & ~1U);
            biases[j] = (int32_t)(entry << left) >> right;
            doubled[j] = int4 ? 1 + q.left - octaves + less : 0;
            sums[j] = int4 ? 0 : biases[j];
        }
        if (mixed) {
            sums[1] = sums[1] * 256 + sums[0];
            sums[3] = sums[3] * 256 + sums[2];
        }
        weights = products(input, weights, words, sums);
        if (words < q.in_c) {
            weights = products(rest, weights, 4, sums);
        }
        if (mixed) {
            separate(sums);
        }
        for (int32_t j = 0; j < 4; j++) {
            const int32_t sum = int4 ? ((sums[j] >> 12) + biases[j]) * (1 << doubled[j]) : sums[j];
            output[first + j] = (int8_t)eq_ssat8(eq_smmlar(sum, factors[j], q.zero_point));
        }
    }
}

void eq_octave_fully_connected_dsp_mixed(const eq_octave_fully_connected_dsp_params *p, const int8_t *input,
                                         int8_t *output)
{
    in_octaves(p, input, output, multiply_mixed, 1, 0);
}

void eq_octave_fully_connected_dsp_plain(const eq_octave_fully_connected_dsp_params *p, const int8_t *input,
                                         int8_t *output)
{
    in_octaves(p, input, output, multiply_plain, 0, 0);
}

void eq_octave_fully_connected_dsp_int4(const eq_octave_fully_connected_dsp_params *p, const int8_t *input,
                                        int8_t *output)
{
    in_octaves(p, input, output, multiply_int4, 0, 1);
}
