#include "eq/fully_connected_grouped_dsp.h"

#include "requant.h"
#include "row_fields.h"
#include "widen.h"

/* multiply_...: sums with fields of 4 bits as they are, with those of 2 bits and of 1 doubled. */
#if EQ_ASSEMBLY

#define EQ_INT4_WORD(word, x) EQ_FOUR(word, x, "", EQ_RIGHT(4), EQ_RIGHT(8), EQ_RIGHT(12))
#define EQ_INT4_HALF(even, odd) "ldmia r1!, {r6, r8}\n\t" EQ_INT4_WORD("r6", even) EQ_INT4_WORD("r8", odd)
EQ_DEFINE(int4, "15", "ldmia r0!, {r2-r5}\n\t" EQ_INT4_HALF("r2", "r3") EQ_INT4_HALF("r4", "r5"))
EQ_DEFINE(int2, "6", EQ_INT2_STEP)
EQ_DEFINE(binary, "4", EQ_BINARY_STEP)

#else

static void multiply(const int32_t *row, const int32_t *weights, int32_t n, int32_t *sums, int32_t bits)
{
    for (int32_t i = 0; i < 4 * n; i++) {
        const int32_t index = i % (16 / bits);
        const uint32_t word = (uint32_t)weights[i * bits / 16];
        const int32_t field =
            bits == 4 ? (int32_t)(word >> (4 * index) & 0x000f000fU) : eq_dsp_field(word, index, bits);
        sums[i & 3] = eq_smlad(field, row[i >> 2], sums[i & 3]);
    }
}

static void multiply_int4(const int32_t *row, const int32_t *weights, int32_t n, int32_t *sums)
{
    multiply(row, weights, n, sums, 4);
}

static void multiply_int2(const int32_t *row, const int32_t *weights, int32_t n, int32_t *sums)
{
    multiply(row, weights, n, sums, 2);
}

static void multiply_binary(const int32_t *row, const int32_t *weights, int32_t n, int32_t *sums)
{
    multiply(row, weights, n, sums, 1);
}

#endif

/* zeros: whether words of zero-points follow those of factors. */
EQ_INLINE void fully_connected(const eq_fully_connected_grouped_dsp_params *p, const int8_t *input, int8_t *output,
                               int32_t *scratch, multiply_of *multiply_by, int32_t bits, int zeros,
                               eq_rounding rounding)
{
    const int32_t depth = (p->in_c + 7) & ~7, halved = bits == 4 ? 0 : 1;
    const int32_t offset = bits == 4 ? 8 : EQ_FIELD_OFFSET(bits);
    int32_t *const totals = scratch + (depth >> 1);
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const int32_t *w = p->weights;
        for (int32_t k = 0, g = 0; k < p->in_c; k += p->group, g++) {
            const int32_t some = p->in_c - k < p->group ? p->in_c - k : p->group;
            totals[g] = (zeros ? 1 : offset) * eq_dsp_widen_row(input + k, some, scratch + (k >> 1), 8);
        }
        for (int32_t c = 0; c < p->out_c; c += 4) {
            int32_t sums[4] = {w[0], w[1], w[2], w[3]};
            w += 4;
            for (int32_t k = 0, g = 0; k < depth; k += p->group, g++) {
                const int32_t some = depth - k < p->group ? depth - k : p->group;
                const uint32_t factors = (uint32_t)*w++;
                const uint32_t zero = zeros ? (uint32_t)*w++ : 0x01010101U;
                int32_t own[4];
                for (int32_t i = 0; i < 4; i++) {
                    own[i] = -totals[g] * (int32_t)(zero >> (8 * i) & 0xffU);
                }
                multiply_by(scratch + (k >> 1), w, some >> 1, own);
                w += (some >> 3) * bits;
                for (int32_t i = 0; i < 4; i++) {
                    sums[i] += (own[i] >> halved) * (int32_t)(factors >> (8 * i) & 0xffU);
                }
            }
            for (int32_t i = 0; i < 4 && c + i < p->out_c; i++) {
                output[c + i] = eq_dsp_requantize(sums[i], p->mantissa[c + i], p->shift[c + i], p->zero_point, p->qmin,
                                                  p->qmax, rounding);
            }
        }
    }
}

#define DEFINE_INT4(suffix, rounding)                                                                                  \
    void eq_fully_connected_grouped_int4_dsp_##suffix(const eq_fully_connected_grouped_dsp_params *p,                  \
                                                      const int8_t *input, int8_t *output, void *scratch)              \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_int4, 4, 0, rounding);                                     \
    }
#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_fully_connected_grouped_int2_dsp_##suffix(const eq_fully_connected_grouped_dsp_params *p,                  \
                                                      const int8_t *input, int8_t *output, void *scratch)              \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_int2, 2, 0, rounding);                                     \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_fully_connected_grouped_binary_dsp_##suffix(const eq_fully_connected_grouped_dsp_params *p,                \
                                                        const int8_t *input, int8_t *output, void *scratch)            \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_binary, 1, 0, rounding);                                   \
    }
#define DEFINE_INT4_ZEROS(suffix, rounding)                                                                            \
    void eq_fully_connected_grouped_zeros_int4_dsp_##suffix(const eq_fully_connected_grouped_dsp_params *p,            \
                                                            const int8_t *input, int8_t *output, void *scratch)        \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_int4, 4, 1, rounding);                                     \
    }
#define DEFINE_INT2_ZEROS(suffix, rounding)                                                                            \
    void eq_fully_connected_grouped_zeros_int2_dsp_##suffix(const eq_fully_connected_grouped_dsp_params *p,            \
                                                            const int8_t *input, int8_t *output, void *scratch)        \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_int2, 2, 1, rounding);                                     \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT4)
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
EQ_FOR_EACH_ROUNDING(DEFINE_INT4_ZEROS)
EQ_FOR_EACH_ROUNDING(DEFINE_INT2_ZEROS)
