#include "eq/fully_connected_codes_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_four.h"
#include "eq/thumb_inline.h"

/* One input times the codes of four channels. */
#define EQ_PRODUCTS(word, value)                                                                                       \
    a += table[(word) & most] * (value);                                                                               \
    b += table[(word) >> bits & most] * (value);                                                                       \
    c += table[(word) >> 2 * bits & most] * (value);                                                                   \
    d += table[(word) >> 3 * bits & most] * (value)

/* Adds the products of a row of k values with the codes of four channels to their sums. */
EQ_FLATTEN void products(const int8_t *table, const uint16_t *weights, const int8_t *x, int32_t k, int32_t *sums,
                         int32_t bits)
{
    const uint32_t most = (1U << bits) - 1U;
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (const int8_t *const end = x + k; x != end;) {
        const uint32_t word = *weights++;
        int32_t value = *x++;
        EQ_PRODUCTS(word, value);
        if (bits == 2 && x != end) {
            value = *x++;
            EQ_PRODUCTS(word >> 8, value);
        }
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

EQ_FLATTEN void fully_connected(const eq_fully_connected_codes_thumb_params *p, const int8_t *input, int8_t *output,
                                int32_t bits, eq_rounding rounding)
{
    const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);
    const int32_t words = bits == 4 ? p->in_c : (p->in_c + 1) / 2;
    int8_t table[16];
    for (int32_t i = 0; i < 1 << bits; i++) {
        table[i] = p->table[i];
    }
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c, output += p->out_c) {
        const uint16_t *weights = p->weights;
        for (int32_t c = 0; c < p->out_c; c += 4, weights += words) {
            const int32_t some = p->out_c - c < 4 ? p->out_c - c : 4;
            int32_t sums[4] = {0, 0, 0, 0};
            for (int32_t i = 0; i < some; i++) {
                sums[i] = p->bias[c + i];
            }
            products(table, weights, input, p->in_c, sums, bits);
            EQ_THUMB_STORE_FOUR(p, sums, output, c, some, direct, rounding);
        }
    }
}

#define DEFINE_CODE4(suffix, rounding)                                                                                 \
    void eq_fully_connected_code4_thumb_##suffix(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,  \
                                                 int8_t *output)                                                       \
    {                                                                                                                  \
        fully_connected(p, input, output, 4, rounding);                                                                \
    }
#define DEFINE_CODE2(suffix, rounding)                                                                                 \
    void eq_fully_connected_code2_thumb_##suffix(const eq_fully_connected_codes_thumb_params *p, const int8_t *input,  \
                                                 int8_t *output)                                                       \
    {                                                                                                                  \
        fully_connected(p, input, output, 2, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_CODE4)
EQ_FOR_EACH_ROUNDING(DEFINE_CODE2)
