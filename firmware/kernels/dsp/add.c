#include "clamp.h"
#include "eq/add_dsp.h"
#include "eq/requant.h"

static void row(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t factors = eq_pkhbt(p->a_factor, p->b_factor), offset = p->offset, shift = p->right_shift;
    const int32_t count = p->shape[EQ_MAX_RANK - 1];
    const int8_t *const end = a + (count & ~3);
    for (; a != end; a += 4, b += 4, output += 4) {
        const int32_t x = eq_load4(a), y = eq_load4(b);
        const int32_t low = eq_pkhbt(x, y), high = eq_pkhtb(x, y);
        output[0] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16(low), factors, offset) >> shift);
        output[1] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16_ror8(low), factors, offset) >> shift);
        output[2] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16(high), factors, offset) >> shift);
        output[3] = (int8_t)eq_ssat8(eq_smlad(eq_sxtb16_ror8(high), factors, offset) >> shift);
    }
    for (int32_t i = 0; i < (count & 3); i++) {
        output[i] = (int8_t)eq_ssat8((a[i] * p->a_factor + b[i] * p->b_factor + offset) >> shift);
    }
}

static void add(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t count = p->shape[EQ_MAX_RANK - 1];
    eq_walk walk = eq_walk_start(a, b);
    do {
        row(p, walk.first, walk.second, output);
        eq_clamp_bytes(output, count, p->qmin, p->qmax);
        output += count;
    } while (eq_walk_next(&walk, p->shape, p->a_stride, p->b_stride));
}

void eq_add_dsp_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    add(p, a, b, output);
}

void eq_add_const_dsp_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output)
{
    add(p, a, p->constant, output);
}
