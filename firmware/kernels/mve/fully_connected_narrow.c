#include "eq/fully_connected_mve.h"
#include "finish.h"
#include "row_narrow.h"

enum { CHUNK = 96 };

EQ_INLINE void fully_connected(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output,
                               int32_t bits, eq_rounding rounding)
{
    int32_t sums[CHUNK];
    const int32_t step = (p->in_c + 15) / 16 * 16, per = 8 / bits; /* bytes and channels of a group */
    for (int32_t n = 0; n < p->rows; n++, input += p->in_c, output += p->out_c) {
        const int32_t total = eq_total_s8(input, p->in_c);
        for (int32_t first = 0; first < p->out_c; first += CHUNK) {
            const int32_t count = p->out_c - first < CHUNK ? p->out_c - first : CHUNK;
            const eq_row row = {input, p->in_c, (count + 3) / 4};
            const eq_finish f = {1, 0, count, p->zero_point, p->qmin, p->qmax};
            eq_multiply_row_narrow(&row, p->weights + first / per * step, p->bias + first, sums, total, bits);
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
