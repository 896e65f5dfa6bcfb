#include "eq/thumb_int16.h"

/* Four channels at once, the last of them over and over where fewer are left. */
void eq_fully_connected_int16_thumb(const eq_fully_connected_int16_thumb_params *p, const int16_t *input,
                                    int16_t *output)
{
    const int32_t last = p->out_c - 1, *const bias = p->outputs.bias;
    for (int32_t row = 0; row < p->rows; row++, input += p->in_c) {
        for (int32_t c = 0; c <= last; c += 4) {
            const int32_t second = c + 1 < last ? c + 1 : last, third = c + 2 < last ? c + 2 : last;
            const int32_t fourth = c + 3 < last ? c + 3 : last;
            const int8_t *const w0 = p->weights + c * p->in_c, *const w1 = p->weights + second * p->in_c;
            const int8_t *const w2 = p->weights + third * p->in_c, *const w3 = p->weights + fourth * p->in_c;
            uint32_t a0 = (uint32_t)bias[c], a1 = (uint32_t)bias[second], a2 = (uint32_t)bias[third],
                     a3 = (uint32_t)bias[fourth];
            for (int32_t k = 0; k < p->in_c; k++) {
                const int32_t x = input[k];
                a0 += (uint32_t)(x * w0[k]);
                a1 += (uint32_t)(x * w1[k]);
                a2 += (uint32_t)(x * w2[k]);
                a3 += (uint32_t)(x * w3[k]);
            }
            const int32_t sums[4] = {(int32_t)a0, (int32_t)a1, (int32_t)a2, (int32_t)a3};
            for (int32_t i = 0; i < 4 && c + i <= last; i++) {
                *output++ = eq_thumb_to_int16(&p->outputs, c + i, sums[i]);
            }
        }
    }
}
