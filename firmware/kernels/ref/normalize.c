#include "eq/normalize.h"
#include "eq/requant.h"

void eq_normalize_ref(const eq_normalize_params *p, const int8_t *input, int8_t *output)
{
    const int32_t pixel = p->groups * p->inner, size = p->middle * pixel;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += p->inner) {
            int32_t sum = 0;
            int64_t squares = 0;
            for (int32_t at = first; at < size; at += pixel) {
                for (int32_t i = at; i < at + p->inner; i++) {
                    sum += input[i];
                    squares += input[i] * input[i];
                }
            }
            const eq_normalizer set = eq_normalizer_of(p, sum, squares);
            for (int32_t at = first; at < size; at += pixel) {
                for (int32_t i = 0; i < p->inner; i++) {
                    const int32_t c = (first + i) * p->step;
                    const int32_t y = eq_normalized(set, input[at + i], p->scale[c], p->offset[c], p->fraction);
                    output[at + i] = (int8_t)eq_clamp(y, p->qmin, p->qmax);
                }
            }
        }
    }
}
