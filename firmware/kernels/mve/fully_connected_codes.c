#include "eq/fully_connected_mve.h"
#include "finish.h"

enum { CHUNK = 96 };

/* A row of k values times the codes of four channels, in one or two groups of bytes. */
EQ_INLINE void four(const int8_t *table, const int8_t *x, const int8_t *w, int32_t k, const int32_t *bias, int32_t *to,
                    int32_t bits)
{
    const eq_s8x16 most = eq_dup_s8((1 << bits) - 1);
    const int8_t *second = w + (k + 15) / 16 * 16;
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
    for (; k > 0; k -= 16, x += 16, w += 16, second += 16) {
        const eq_s8x16 values = eq_load_s8_n(x, k), first = eq_load_s8(w);
        const eq_s8x16 next = bits == 4 ? eq_load_s8(second) : eq_high_bits_s8(first);
        a = eq_dot_s8(a, values, eq_gather_s8(table, eq_and_s8(first, most)));
        b = eq_dot_s8(b, values,
                      eq_gather_s8(table, bits == 4 ? eq_high_bits_s8(first) : eq_and_s8(eq_2_down_s8(first), most)));
        c = eq_dot_s8(c, values, eq_gather_s8(table, eq_and_s8(next, most)));
        d = eq_dot_s8(d, values, eq_gather_s8(table, bits == 4 ? eq_high_bits_s8(next) : eq_2_down_s8(next)));
    }
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
}

EQ_INLINE void fully_connected(const eq_fully_connected_codes_mve_params *p, const int8_t *input, int8_t *output,
                               int32_t bits, eq_rounding rounding)
{
    int32_t sums[CHUNK];
    const eq_fully_connected_mve_params *const l = &p->layer;
    const int32_t step = (l->in_c + 15) / 16 * 16 * bits / 2; /* bytes of four channels */
    for (int32_t n = 0; n < l->rows; n++, input += l->in_c, output += l->out_c) {
        for (int32_t first = 0; first < l->out_c; first += CHUNK) {
            const int32_t count = l->out_c - first < CHUNK ? l->out_c - first : CHUNK;
            const eq_finish f = {1, 0, count, l->zero_point, l->qmin, l->qmax};
            for (int32_t c = 0; c < count; c += 4) {
                four(p->table, input, l->weights + (first + c) / 4 * step, l->in_c, l->bias + first + c, sums + c,
                     bits);
            }
            eq_finish_row(sums, l->multiplier + first, eq_shift_at(l->shift, first, rounding), output + first, &f,
                          rounding);
        }
    }
}

#define DEFINE_CODE4(suffix, rounding)                                                                                 \
    void eq_fully_connected_code4_mve_##suffix(const eq_fully_connected_codes_mve_params *p, const int8_t *input,      \
                                               int8_t *output)                                                         \
    {                                                                                                                  \
        fully_connected(p, input, output, 4, rounding);                                                                \
    }
#define DEFINE_CODE2(suffix, rounding)                                                                                 \
    void eq_fully_connected_code2_mve_##suffix(const eq_fully_connected_codes_mve_params *p, const int8_t *input,      \
                                               int8_t *output)                                                         \
    {                                                                                                                  \
        fully_connected(p, input, output, 2, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_CODE4)
EQ_FOR_EACH_ROUNDING(DEFINE_CODE2)
