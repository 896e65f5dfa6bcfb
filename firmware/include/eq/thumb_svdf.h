/* SVDF on Armv6-M and Armv7-M, whose products differ. */
#ifndef EQ_THUMB_SVDF_H
#define EQ_THUMB_SVDF_H

#include "eq/svdf_thumb.h"
#include "eq/thumb_fours.h"

/* One function for each type of the state. */
#define EQ_THUMB_SVDF(name, type, least, most)                                                                         \
    EQ_FLATTEN void name(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, type *state,      \
                         eq_thumb_core core, eq_rounding rounding)                                                     \
    {                                                                                                                  \
        const eq_thumb_matrix matrix = {p->weights, p->feature_bias, p->mantissa, p->shift, p->left, p->in_c};         \
        const int32_t last = p->memory - 1, rank = p->rank;                                                            \
        const void *const given = p->initial ? p->initial : (const void *)inputs[1];                                   \
        const int8_t *x = inputs[0];                                                                                   \
        const type *old = given;                                                                                       \
        for (int32_t b = 0; b < p->batch; b++, x += p->in_c) {                                                         \
            const eq_thumb_vector row = core.take(x, p->in_c);                                                         \
            const int32_t *bias = p->bias;                                                                             \
            const int16_t *time = p->time;                                                                             \
            int32_t sum = 0, missing = rank, features[4];                                                              \
            for (int32_t f = 0; f < p->filters; f++) {                                                                 \
                if (!(f & 3)) {                                                                                        \
                    eq_thumb_four_products(core, &matrix, f, &row, features, rounding);                                \
                }                                                                                                      \
                const int32_t feature = eq_clamp(features[f & 3] + p->state_zero_point, least, most);                  \
                old++;                                                                                                 \
                for (const type *const end = old + last; old != end;) {                                                \
                    const int32_t value = *old++;                                                                      \
                    *state++ = (type)value;                                                                            \
                    sum += value * *time++;                                                                            \
                }                                                                                                      \
                *state++ = (type)feature;                                                                              \
                sum += feature * *time++;                                                                              \
                if (--missing == 0) {                                                                                  \
                    const int32_t made = eq_thumb_product(core, (sum + *bias++) * (1 << core.twice), p->out_mantissa,  \
                                                          p->out_shift, rounding);                                     \
                    *output++ = (int8_t)eq_clamp(made + p->zero_point, p->qmin, p->qmax);                              \
                    sum = 0;                                                                                           \
                    missing = rank;                                                                                    \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
EQ_THUMB_SVDF(eq_thumb_svdf, int16_t, -32768, 32767)
EQ_THUMB_SVDF(eq_thumb_svdf_bytes, int8_t, -128, 127)

#endif
