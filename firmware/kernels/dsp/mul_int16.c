#include "eq/broadcast_int16.h"
#include "eq/dsp.h"
#include "eq/pair_int16.h"
#include "inline.h"

/* Rows that are contiguous in both operands; the factor is below 1/4. */
static inline void multiply(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    const int32_t mantissa = p->mantissa, right = -1 - p->shift, half = 1 << (right - 1);
    const int32_t low = eq_splat16(p->qmin), high = eq_splat16(p->qmax), columns = p->shape[EQ_MAX_RANK - 1];
    eq_walk16 walk = {{0}, a, b};
    do {
        const int16_t *first = walk.first, *second = walk.second;
        for (int32_t i = columns; i > 1; i -= 2, first += 2, second += 2, output += 2) {
            int32_t x, y;
            memcpy(&x, first, sizeof x);
            memcpy(&y, second, sizeof y);
            const int32_t even = eq_ssat16(eq_smmla(eq_smulbb(x, y), mantissa, half) >> right);
            const int32_t odd = eq_ssat16(eq_smmla(eq_smultt(x, y), mantissa, half) >> right);
            const int32_t q = eq_smin16(eq_smax16(eq_pkhbt(even, odd), low), high);
            memcpy(output, &q, sizeof q);
        }
        if (columns & 1) {
            const int32_t q = eq_smmla(*first * *second, mantissa, half) >> right;
            *output++ = (int16_t)(q < p->qmin ? p->qmin : q > p->qmax ? p->qmax : q);
        }
    } while (eq_walk16_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_mul_int16_dsp(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    multiply(p, a, b, output);
}

void eq_mul_int16_const_dsp(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    multiply(p, a, p->constant, output);
}
