#include "eq/fully_connected_mve.h"
#include "finish.h"
#include "row_int4.h"

/* The sums of a chunk are kept until they are requantized. */
enum { CHUNK = 96 };

EQ_INLINE void fully_connected(const eq_fully_connected_mve_params *p, const int8_t *input, int8_t *output,
                               eq_rounding rounding)
{
    int32_t sums[CHUNK];
    const int32_t step = (p->in_c + 15) / 16 * 8; /* bytes of a channel */
    for (int32_t n = 0; n < p->rows; n++, input += p->in_c, output += p->out_c) {
        for (int32_t c = 0; c < p->out_c; c += CHUNK) {
            const int32_t count = p->out_c - c < CHUNK ? p->out_c - c : CHUNK;
            const eq_finish f = {1, 0, count, p->zero_point, p->qmin, p->qmax};
            const eq_row row = {input, p->in_c, (count + GROUP - 1) / GROUP};
            eq_multiply_row_int4(&row, p->weights + c * step, p->bias + c, sums);
            eq_finish_row(sums, p->multiplier + c, eq_shift_at(p->shift, c, rounding), output + c, &f, rounding);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_int4_mve_##suffix(const eq_fully_connected_mve_params *p, const int8_t *input,             \
                                              int8_t *output)                                                          \
    {                                                                                                                  \
        fully_connected(p, input, output, rounding);                                                                   \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
