#include "core.h"
#include "eq/thumb_lstm.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_lstm_thumb2_##suffix(const eq_lstm_thumb_params *p, const int8_t *const *inputs, int8_t *sequence,         \
                                 int8_t *hidden, int16_t *cell, void *scratch)                                         \
    {                                                                                                                  \
        eq_thumb_lstm(p, inputs, sequence, hidden, cell, scratch, eq_thumb_armv7m, rounding);                          \
    }
DEFINE(fast, EQ_FAST)
DEFINE(double, EQ_DOUBLE)
