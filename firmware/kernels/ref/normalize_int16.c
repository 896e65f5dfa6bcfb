#include "eq/normalize_int16.h"

void eq_normalize_int16_ref(const eq_normalize_int16_params *p, const int16_t *input, int16_t *output)
{
    const int32_t pixel = p->groups * p->inner, size = p->middle * pixel, count = p->middle * p->inner;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += p->inner) {
            int32_t sum = 0;
            int64_t squares = 0;
            for (int32_t at = first; at < size; at += pixel) {
                for (int32_t i = 0; i < p->inner; i++) {
                    sum += input[at + i];
                    squares += input[at + i] * input[at + i];
                }
            }
            const eq_normalizer16 set = eq_normalizer16_of(p, sum, squares);
            for (int32_t at = first; at < size; at += pixel) {
                for (int32_t i = 0; i < p->inner; i++) {
                    output[at + i] = eq_normalized16(p, set, count, input[at + i], p->step * (first + i));
                }
            }
        }
    }
}
