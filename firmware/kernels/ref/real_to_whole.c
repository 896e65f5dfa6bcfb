#include "eq/real_to_whole.h"

void eq_real_to_whole_ref(const eq_real_to_whole_params *p, const int8_t *input, int32_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = p->table[input[i] + 128];
    }
}

void eq_real_to_whole_float32_ref(const eq_real_to_whole_float32_params *p, const float *input, int32_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const float x = input[i];
        int32_t whole = 0; /* what float32 holds beyond these bounds is no int32 */
        if (x >= 2147483648.0f) {
            whole = INT32_MAX;
        } else if (x < -2147483648.0f) {
            whole = INT32_MIN;
        } else if (x == x) {
            whole = (int32_t)x;
        }
        output[i] = whole < p->low ? p->low : whole > p->high ? p->high : whole;
    }
}
