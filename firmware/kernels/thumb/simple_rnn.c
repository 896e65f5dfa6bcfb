#include "core.h"
#include "eq/thumb_simple_rnn.h"

void eq_simple_rnn_thumb(const eq_simple_rnn_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,
                         int8_t *hidden, void *scratch)
{
    eq_thumb_simple_rnn(p, inputs, sequence, hidden, scratch, eq_thumb_armv6m);
}
