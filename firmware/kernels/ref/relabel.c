#include "eq/relabel.h"

void eq_relabel_ref(const eq_relabel_params *p, const int32_t *input, int32_t *output)
{
    for (int32_t i = 0; i < p->size; i++) {
        const int64_t place = (int64_t)input[i] - p->first;
        output[i] = p->labels[place < 0 ? 0 : place < p->count ? place : p->count - 1];
    }
}
