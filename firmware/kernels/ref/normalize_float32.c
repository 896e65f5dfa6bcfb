#include "eq/normalize_float32.h"

#include "eq/float32.h"

/* The sum of a set, or that of the squares of its distances from `mean`, one element after the other. */
static float sum_of(const eq_normalize_float32_params *p, const float *set, float mean, int32_t squares)
{
    float sum = 0.0f;
    for (int32_t m = 0; m < p->middle; m++, set += p->groups * p->inner) {
        for (int32_t k = 0; k < p->inner; k++) {
            const float less = set[k] - mean;
            const float term = squares ? less * less : less;
            sum = sum + term;
        }
    }
    return sum;
}

void eq_normalize_float32_ref(const eq_normalize_float32_params *p, const float *input, float *output)
{
    const int32_t pixel = p->groups * p->inner;
    const float count = (float)(p->middle * p->inner);
    for (int32_t n = 0; n < p->outer; n++, input += p->middle * pixel, output += p->middle * pixel) {
        for (int32_t g = 0; g < p->groups; g++) {
            const float *from = input + g * p->inner;
            float *to = output + g * p->inner;
            const float mean = p->centred ? eq_quotient(sum_of(p, from, 0.0f, 0), count) : 0.0f;
            const float size = eq_sqrt(eq_quotient(sum_of(p, from, mean, 1), count) + p->epsilon);
            for (int32_t m = 0; m < p->middle; m++, from += pixel, to += pixel) {
                for (int32_t k = 0; k < p->inner; k++) {
                    const int32_t at = p->step ? g * p->inner + k : 0;
                    const float one = size == 0.0f ? 0.0f : eq_quotient(from[k] - mean, size);
                    to[k] = eq_within(one * p->scale[at] + p->bias[at], p->low, p->high);
                }
            }
        }
    }
}
