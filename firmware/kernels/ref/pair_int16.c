#include "eq/pair_int16.h"

#include "eq/broadcast_int16.h"
#include "eq/requant16.h"

static inline int32_t sum(const eq_add_int16_params *p, int32_t x, int32_t y)
{
    return eq_clamp((x * p->a_factor + y * p->b_factor + p->offset) >> p->right_shift, p->qmin, p->qmax);
}

static inline int32_t product(const eq_mul_int16_params *p, int32_t x, int32_t y)
{
    return eq_requantize16(x * y, p->mantissa, p->shift, p->qmin, p->qmax);
}

void eq_add_int16_ref(const eq_add_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, sum(p, x, y));
}

void eq_add_int16_const_ref(const eq_add_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, sum(p, x, y));
}

void eq_mul_int16_ref(const eq_mul_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, product(p, x, y));
}

void eq_mul_int16_const_ref(const eq_mul_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, product(p, x, y));
}

void eq_minimum_int16_ref(const eq_minmax_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, x < y ? x : y);
}

void eq_minimum_int16_const_ref(const eq_minmax_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, x < y ? x : y);
}

void eq_maximum_int16_ref(const eq_minmax_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, x > y ? x : y);
}

void eq_maximum_int16_const_ref(const eq_minmax_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, x > y ? x : y);
}
