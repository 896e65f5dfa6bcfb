/* Fully connected layers with a factor for every group of inputs, for weights of all bits. A file includes what
 * multiplies a row before. */
#ifndef EQ_MVE_FULLY_CONNECTED_GROUPED_H
#define EQ_MVE_FULLY_CONNECTED_GROUPED_H

#include "eq/fully_connected_grouped_mve.h"
#include "finish.h"

/* The sums of a chunk are kept until they are requantized. */
enum { CHUNK = 96 };

typedef void multiply_row(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to);

EQ_INLINE void fully_connected(const eq_fully_connected_grouped_mve_params *p, const int8_t *input, int8_t *output,
                               multiply_row *multiply, int32_t bits, eq_rounding rounding)
{
    static const int32_t none[CHUNK];
    const eq_fully_connected_mve_params *const l = &p->layer;
    const int32_t channels = (l->out_c + 3) / 4 * 4;
    int32_t sums[CHUNK], own[CHUNK] = {0};
    for (int32_t n = 0; n < l->rows; n++, input += l->in_c, output += l->out_c) {
        const int8_t *w = l->weights;
        for (int32_t first = 0; first < l->out_c; first += CHUNK) {
            const int32_t count = l->out_c - first < CHUNK ? l->out_c - first : CHUNK;
            const int32_t groups = (count + GROUP - 1) / GROUP;
            const eq_finish f = {1, 0, count, l->zero_point, l->qmin, l->qmax};
            const uint8_t *factors = p->factors + first;
            memcpy(sums, l->bias + first, (size_t)count * sizeof *sums);
            for (int32_t k = 0; k < l->in_c; k += p->group, factors += channels) {
                const int32_t some = l->in_c - k < p->group ? l->in_c - k : p->group;
                const eq_row row = {input + k, some, groups};
                multiply(&row, w, none, own);
                w += (some + 15) / 16 * 16 * ((GROUP * groups * bits + 7) / 8);
                for (int32_t c = 0; c < count; c += 4) {
                    const eq_s32x4 part = eq_multiply_s32(eq_load_s32(own + c), eq_load_u8_to_s32(factors + c));
                    eq_store_s32(sums + c, eq_add_s32(eq_load_s32(sums + c), part));
                }
            }
            eq_finish_row(sums, l->multiplier + first, eq_shift_at(l->shift, first, rounding), output + first, &f,
                          rounding);
        }
    }
}

#endif
