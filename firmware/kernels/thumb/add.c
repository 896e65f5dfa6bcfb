#include "eq/elementwise_thumb.h"
#include "eq/requant.h"

void eq_add_thumb_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t a_factor = p->a_factor, b_factor = p->b_factor, offset = p->offset, shift = p->right_shift;
    const int32_t qmin = p->qmin, qmax = p->qmax;
    const int8_t *const end = a + p->shape[EQ_MAX_RANK - 1];
    for (; a != end; a++, b++, output++) {
        *output = (int8_t)eq_clamp((*a * a_factor + *b * b_factor + offset) >> shift, qmin, qmax);
    }
}
