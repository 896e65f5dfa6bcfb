#include "eq/fully_connected_grouped_int16.h"
#include "eq/packed.h"
#include "eq/requant16.h"

/* Stores every output, `requantize` of a `sum` that begins with `start`. */
#define MULTIPLY(p, input, output, sum, start, requantize)                                                             \
    do {                                                                                                               \
        for (int32_t row = 0; row < (p)->rows; row++, (input) += (p)->in_c) {                                          \
            const uint8_t *factor = (p)->factors;                                                                      \
            int32_t index = 0;                                                                                         \
            for (int32_t oc = 0; oc < (p)->out_c; oc++) {                                                              \
                sum acc = start(p, oc);                                                                                \
                for (int32_t first = 0; first < (p)->in_c; first += (p)->group) {                                      \
                    const int32_t end = (p)->in_c - first < (p)->group ? (p)->in_c : first + (p)->group;               \
                    sum part = 0;                                                                                      \
                    for (int32_t c = first; c < end; c++, index++) {                                                   \
                        part += (input)[c] * eq_weight((p)->weights, index, (p)->weight_bits);                         \
                    }                                                                                                  \
                    acc += part * *factor++;                                                                           \
                }                                                                                                      \
                *(output)++ = requantize(acc, (p)->mantissa[oc], (p)->shift[oc], (p)->qmin, (p)->qmax);                \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

void eq_fully_connected_grouped_int16_ref(const eq_fully_connected_grouped_int16_params *p, const int16_t *input,
                                          int16_t *output)
{
    MULTIPLY(p, input, output, int32_t, EQ_BIAS32, eq_requantize16);
}

void eq_fully_connected_grouped_int16_ref_wide(const eq_fully_connected_grouped_int16_params *p, const int16_t *input,
                                               int16_t *output)
{
    MULTIPLY(p, input, output, int64_t, EQ_BIAS64, eq_requantize16_wide);
}
