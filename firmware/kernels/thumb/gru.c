#include "core.h"
#include "eq/thumb_gru.h"

void eq_gru_thumb(const eq_gru_thumb_params *p, const int8_t *const *inputs, int8_t *sequence, int8_t *hidden,
                  void *scratch)
{
    eq_thumb_gru(p, inputs, sequence, hidden, scratch, eq_thumb_armv6m);
}
