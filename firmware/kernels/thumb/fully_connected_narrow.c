#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_four.h"
#include "eq/thumb_inline.h"
#include "products_narrow.h"

EQ_FLATTEN void fully_connected(const eq_fully_connected_int4_thumb_params *p, const int8_t *input, int8_t *output,
                                int32_t bits, eq_rounding rounding)
{
    const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);
    const int32_t per_word = 8 / bits, words = (p->in_c + per_word - 1) / per_word;
    const int32_t excess = (p->in_c + 128 / bits - 1) / (128 / bits) * (1 << 15);
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const uint32_t *weights = p->weights;
        int32_t total = 0;
        for (int32_t k = 0; k < p->in_c; k++) {
            total += input[k];
        }
        for (int32_t c = 0; c < p->out_c; c += 4, weights += words) {
            const int32_t some = p->out_c - c < 4 ? p->out_c - c : 4;
            int32_t sums[4] = {-excess, 0, -excess, 0};
            products(weights, input, p->in_c, sums, bits);
            for (int32_t i = 0; i < some; i++) {
                sums[i] = p->bias[c + i] + (bits == 2 ? sums[i] - 2 * total : 2 * sums[i] - total);
            }
            EQ_THUMB_STORE_FOUR(p, sums, output, c, some, direct, rounding);
        }
    }
}

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_fully_connected_int2_thumb_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,    \
                                                int8_t *output)                                                        \
    {                                                                                                                  \
        fully_connected(p, input, output, 2, rounding);                                                                \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_fully_connected_binary_thumb_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,  \
                                                  int8_t *output)                                                      \
    {                                                                                                                  \
        fully_connected(p, input, output, 1, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
