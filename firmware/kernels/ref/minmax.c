#include "eq/minmax.h"

void eq_minimum_ref(const eq_minmax_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, b, output, x < y ? x : y);
}

void eq_minimum_const_ref(const eq_minmax_params *p, const int8_t *a, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, p->constant, output, x < y ? x : y);
}

void eq_maximum_ref(const eq_minmax_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, b, output, x > y ? x : y);
}

void eq_maximum_const_ref(const eq_minmax_params *p, const int8_t *a, int8_t *output)
{
    EQ_FOR_EACH_PAIR(p, a, p->constant, output, x > y ? x : y);
}
