#include "eq/p_relu_int16.h"

#include "eq/broadcast_int16.h"
#include "eq/requant16.h"

static inline int32_t rectified(const eq_p_relu_int16_params *p, int32_t x, int32_t y)
{
    return x >= 0 ? eq_requantize16(x, p->above_mantissa, p->above_shift, INT16_MIN, INT16_MAX)
                  : eq_requantize16(x * y, p->below_mantissa, p->below_shift, INT16_MIN, INT16_MAX);
}

static inline int32_t twice_rounded(const eq_p_relu_int16_params *p, int32_t x, int32_t y)
{
    return x >= 0 ? eq_requantize16_double(x, p->above_mantissa, p->above_shift, INT16_MIN, INT16_MAX)
                  : eq_requantize16_double(x * y, p->below_mantissa, p->below_shift, INT16_MIN, INT16_MAX);
}

void eq_p_relu_int16_ref(const eq_p_relu_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, rectified(p, x, y));
}

void eq_p_relu_int16_const_ref(const eq_p_relu_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, rectified(p, x, y));
}

void eq_p_relu_int16_ref_double(const eq_p_relu_int16_params *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, b, output, twice_rounded(p, x, y));
}

void eq_p_relu_int16_const_ref_double(const eq_p_relu_int16_params *p, const int16_t *a, int16_t *output)
{
    EQ_FOR_EACH_PAIR16(p, a, p->constant, output, twice_rounded(p, x, y));
}
