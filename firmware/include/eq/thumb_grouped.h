/* Fully connected layers with a factor for every group of inputs, for Armv6-M and Armv7-M and weights of all bits. */
#ifndef EQ_THUMB_GROUPED_H
#define EQ_THUMB_GROUPED_H

#include "eq/fully_connected_grouped_thumb.h"
#include "eq/thumb_int4.h"

/* Sets the sums of four channels with k inputs, whose own sum is `total`, and returns the end of the weights. */
typedef const uint32_t *eq_thumb_group(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total,
                                       int32_t *sums);

/* Of weights of 4 bits. */
EQ_FLATTEN const uint32_t *eq_thumb_group_int4(const uint32_t *weights, const int8_t *x, int32_t k, int32_t total,
                                               int32_t *sums, eq_thumb_int4_rows *rows)
{
    const int32_t words = (k + 1) / 2, excess = (words + 7) / 8 * (1 << 15);
    sums[1] = sums[3] = -8 * total;
    sums[0] = sums[2] = sums[1] - excess;
    rows(weights, x, k, sums);
    return weights + words;
}

/* totals: room for the inputs' sum of each group, or NULL if nobody asks for it. */
EQ_FLATTEN void eq_thumb_grouped(const eq_fully_connected_grouped_thumb_params *p, const int8_t *input, int8_t *output,
                                 int32_t *totals, eq_thumb_group *multiply, eq_thumb_int4_store_row *store, int direct,
                                 eq_rounding rounding)
{
    const eq_fully_connected_int4_thumb_params *const l = &p->layer;
    for (int32_t row = 0; row < l->rows; row++, input += l->in_c, output += l->out_c) {
        const uint32_t *weights = l->weights, *factors = p->factors;
        for (int32_t k = 0, g = 0; totals && k < l->in_c; g++) {
            int32_t total = 0;
            for (int32_t end = l->in_c - k < p->group ? l->in_c : k + p->group; k < end; k++) {
                total += input[k];
            }
            totals[g] = total;
        }
        for (int32_t c = 0; c < l->out_c; c += 4) {
            const int32_t some = l->out_c - c < 4 ? l->out_c - c : 4;
            int32_t sums[4] = {0, 0, 0, 0};
            memcpy(sums, l->bias + c, (size_t)some * sizeof *sums);
            for (int32_t k = 0, g = 0; k < l->in_c; k += p->group, g++) {
                const int32_t count = l->in_c - k < p->group ? l->in_c - k : p->group;
                const uint32_t factor = *factors++;
                int32_t own[4];
                weights = multiply(weights, input + k, count, totals ? totals[g] : 0, own);
                sums[0] += own[0] * (int32_t)(factor & 0xffU);
                sums[1] += own[1] * (int32_t)(factor >> 8 & 0xffU);
                sums[2] += own[2] * (int32_t)(factor >> 16 & 0xffU);
                sums[3] += own[3] * (int32_t)(factor >> 24);
            }
            store(l, c, some, sums, output + c, direct, rounding);
        }
    }
}

#endif
