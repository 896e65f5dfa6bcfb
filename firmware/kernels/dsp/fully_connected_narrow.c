#include "eq/fully_connected_narrow_dsp.h"

#include "requant.h"
#include "row_fields.h"
#include "widen.h"

#if EQ_ASSEMBLY

EQ_DEFINE(int2, "6", EQ_INT2_STEP)
EQ_DEFINE(binary, "4", EQ_BINARY_STEP)

#else

static void multiply(const int32_t *row, const int32_t *weights, int32_t n, int32_t *sums, int32_t bits)
{
    for (int32_t i = 0; i < 4 * n; i++) {
        const uint32_t word = (uint32_t)weights[i * bits / 16];
        sums[i & 3] = eq_smlad(eq_dsp_field(word, i % (16 / bits), bits), row[i >> 2], sums[i & 3]);
    }
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

EQ_INLINE void fully_connected(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                               int32_t *scratch, multiply_of *multiply_by, int32_t bits, int direct,
                               eq_rounding rounding)
{
    const int32_t pairs = ((p->in_c + 7) >> 3) * 4, zero_point = p->zero_point;
    const int32_t *w = p->weights;
    const int32_t excess = EQ_FIELD_OFFSET(bits) * eq_dsp_widen_row(input, p->in_c, scratch, 8);
    for (int32_t next = 0; next < p->out_c; next += 4) {
        const int32_t first = next + 4 > p->out_c && p->out_c > 4 ? p->out_c - 4 : next;
        int32_t sums[4] = {w[0] - excess, w[1] - excess, w[2] - excess, w[3] - excess};
        multiply_by(scratch, w + 4, pairs, sums);
        w += 4 + (pairs >> 2) * bits;
        for (int32_t i = 0; i < 4 && first + i < p->out_c; i++) {
            const int32_t c = first + i;
            output[c] = direct ? (int8_t)eq_ssat8(eq_smmlar(sums[i], w[i], zero_point))
                               : eq_dsp_requantize(sums[i] >> 1, p->mantissa[c], p->shift[c], zero_point, p->qmin,
                                                   p->qmax, rounding);
        }
        w += direct ? 4 : 0;
    }
}

#define DEFINE_INT2(suffix, direct, rounding)                                                                          \
    void eq_fully_connected_int2_dsp_##suffix(const eq_fully_connected_dsp_params *p, const int8_t *input,             \
                                              int8_t *output, void *scratch)                                           \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_int2, 2, direct, rounding);                                \
    }
#define DEFINE_BINARY(suffix, direct, rounding)                                                                        \
    void eq_fully_connected_binary_dsp_##suffix(const eq_fully_connected_dsp_params *p, const int8_t *input,           \
                                                int8_t *output, void *scratch)                                         \
    {                                                                                                                  \
        fully_connected(p, input, output, scratch, multiply_binary, 1, direct, rounding);                              \
    }
#define DEFINE_ALL(define)                                                                                             \
    define(direct, 1, EQ_FAST) define(fast, 0, EQ_FAST) define(single, 0, EQ_SINGLE) define(double, 0, EQ_DOUBLE)
DEFINE_ALL(DEFINE_INT2)
DEFINE_ALL(DEFINE_BINARY)
