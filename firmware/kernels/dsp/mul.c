#include "clamp.h"
#include "eq/mul_dsp.h"
#include "eq/requant.h"

static void row(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t a_zero = eq_splat16(p->a_zero_point), b_zero = eq_splat16(p->b_zero_point);
    const int32_t factor = 2 * p->mantissa, zero_point = p->zero_point;
    const int32_t count = p->shape[EQ_MAX_RANK - 1];
    const int8_t *const end = a + (count & ~3);
    for (; a != end; a += 4, b += 4, output += 4) {
        const int32_t x = eq_load4(a), y = eq_load4(b);
        const int32_t x02 = eq_ssub16(eq_sxtb16(x), a_zero), x13 = eq_ssub16(eq_sxtb16_ror8(x), a_zero);
        const int32_t y02 = eq_ssub16(eq_sxtb16(y), b_zero), y13 = eq_ssub16(eq_sxtb16_ror8(y), b_zero);
        output[0] = (int8_t)eq_ssat8(eq_smmlar(eq_smulbb(x02, y02), factor, zero_point));
        output[1] = (int8_t)eq_ssat8(eq_smmlar(eq_smulbb(x13, y13), factor, zero_point));
        output[2] = (int8_t)eq_ssat8(eq_smmlar(eq_smultt(x02, y02), factor, zero_point));
        output[3] = (int8_t)eq_ssat8(eq_smmlar(eq_smultt(x13, y13), factor, zero_point));
    }
    for (int32_t i = 0; i < (count & 3); i++) {
        const int32_t product = (a[i] - p->a_zero_point) * (b[i] - p->b_zero_point);
        output[i] = (int8_t)eq_ssat8(eq_smmlar(product, factor, zero_point));
    }
}

static void multiply(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t count = p->shape[EQ_MAX_RANK - 1];
    eq_walk walk = eq_walk_start(a, b);
    do {
        row(p, walk.first, walk.second, output);
        eq_clamp_bytes(output, count, p->qmin, p->qmax);
        output += count;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_mul_dsp_fast(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    multiply(p, a, b, output);
}

void eq_mul_const_dsp_fast(const eq_mul_params *p, const int8_t *a, int8_t *output)
{
    multiply(p, a, p->constant, output);
}
