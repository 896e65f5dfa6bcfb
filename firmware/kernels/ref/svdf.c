#include "eq/svdf.h"

#include <string.h>

#include "eq/requant.h"

/* The feature of a filter. */
static inline int32_t feature(const eq_svdf_params *p, const int8_t *x, int32_t filter, eq_rounding rounding)
{
    const int8_t *const w = p->weights + filter * p->in_c;
    int32_t acc = p->feature_bias[filter];
    for (int32_t k = 0; k < p->in_c; k++) {
        acc += x[k] * w[k];
    }
    return eq_clamp(eq_multiply(acc, p->mantissa[filter], p->shift[filter], rounding), -(1 << 30), 1 << 30) +
           p->state_zero_point;
}

static inline int8_t finished(const eq_svdf_params *p, int32_t sum, eq_rounding rounding)
{
    return eq_requantize(sum, p->out_mantissa, p->out_shift, p->zero_point, p->qmin, p->qmax, rounding);
}

/* One kernel for each type of the state. */
#define SVDF(name, type, least, most)                                                                                  \
    static inline void name(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, type *state,         \
                            eq_rounding rounding)                                                                      \
    {                                                                                                                  \
        const int8_t *x = inputs[0];                                                                                   \
        const void *const given = p->initial ? p->initial : (const void *)inputs[1];                                   \
        const type *old = given;                                                                                       \
        for (int32_t b = 0; b < p->batch; b++, x += p->in_c) {                                                         \
            const int16_t *time = p->time;                                                                             \
            int32_t sum = 0, unit = 0;                                                                                 \
            for (int32_t f = 0; f < p->filters; f++, old += p->memory, state += p->memory, time += p->memory) {        \
                memcpy(state, old + 1, (size_t)(p->memory - 1) * sizeof *state);                                       \
                state[p->memory - 1] = (type)eq_clamp(feature(p, x, f, rounding), least, most);                        \
                sum = f % p->rank ? sum : p->bias[unit];                                                               \
                for (int32_t k = 0; k < p->memory; k++) {                                                              \
                    sum += (state[k] - p->state_zero_point) * time[k];                                                 \
                }                                                                                                      \
                if (f % p->rank == p->rank - 1) {                                                                      \
                    *output++ = finished(p, sum, rounding);                                                            \
                    unit++;                                                                                            \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
SVDF(svdf, int16_t, -32768, 32767)
SVDF(svdf_bytes, int8_t, -128, 127)

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_svdf_ref_##suffix(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state)    \
    {                                                                                                                  \
        svdf(p, inputs, output, state, rounding);                                                                      \
    }                                                                                                                  \
    void eq_svdf_bytes_ref_##suffix(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output,              \
                                    int8_t *state)                                                                     \
    {                                                                                                                  \
        svdf_bytes(p, inputs, output, state, rounding);                                                                \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
