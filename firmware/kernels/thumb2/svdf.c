#include "core.h"
#include "eq/thumb_svdf.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_svdf_thumb2_##suffix(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,           \
                                 int16_t *state)                                                                       \
    {                                                                                                                  \
        eq_thumb_svdf(p, inputs, output, state, eq_thumb_armv7m, rounding);                                            \
    }                                                                                                                  \
    void eq_svdf_bytes_thumb2_##suffix(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,     \
                                       int8_t *state)                                                                  \
    {                                                                                                                  \
        eq_thumb_svdf_bytes(p, inputs, output, state, eq_thumb_armv7m, rounding);                                      \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
