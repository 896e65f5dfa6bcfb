#include "eq/select.h"
#include "eq/requant16.h"

/* The element of an operand at a place of the output. */
static inline int32_t at(const int32_t *index, const int32_t *stride)
{
    int32_t place = 0;
    for (int32_t d = 0; d < EQ_MAX_RANK; d++) {
        place += index[d] * stride[d];
    }
    return place;
}

/* Moves to the next place of the output, in order. Returns 0 after the last one. */
static inline int next(int32_t *index, const int32_t *shape)
{
    for (int32_t d = EQ_MAX_RANK - 1; d >= 0; d--) {
        if (++index[d] < shape[d]) {
            return 1;
        }
        index[d] = 0;
    }
    return 0;
}

static inline void chosen(const eq_select_params *p, const int8_t *const *inputs, int8_t *output, eq_rounding rounding)
{
    const int8_t *condition = p->condition ? p->condition : *inputs++;
    const int8_t *a = p->a ? p->a : *inputs++;
    const int8_t *b = p->b ? p->b : *inputs;
    int32_t index[EQ_MAX_RANK] = {0};
    do {
        if (condition[at(index, p->condition_stride)] != p->no) {
            *output++ = eq_requantize(a[at(index, p->a_stride)] - p->a_zero_point, p->a_mantissa, p->a_shift,
                                      p->zero_point, INT8_MIN, INT8_MAX, rounding);
        } else {
            *output++ = eq_requantize(b[at(index, p->b_stride)] - p->b_zero_point, p->b_mantissa, p->b_shift,
                                      p->zero_point, INT8_MIN, INT8_MAX, rounding);
        }
    } while (next(index, p->shape));
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_select_ref_##suffix(const eq_select_params *p, const int8_t *const *inputs, int8_t *output)                \
    {                                                                                                                  \
        chosen(p, inputs, output, rounding);                                                                           \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)

void eq_select_int16_ref(const eq_select_int16_params *p, const int16_t *const *inputs, int16_t *output)
{
    const int16_t *condition = p->condition ? p->condition : *inputs++;
    const int16_t *a = p->a ? p->a : *inputs++;
    const int16_t *b = p->b ? p->b : *inputs;
    int32_t index[EQ_MAX_RANK] = {0};
    do {
        *output++ = condition[at(index, p->condition_stride)]
                        ? eq_requantize16(a[at(index, p->a_stride)], p->a_mantissa, p->a_shift, INT16_MIN, INT16_MAX)
                        : eq_requantize16(b[at(index, p->b_stride)], p->b_mantissa, p->b_shift, INT16_MIN, INT16_MAX);
    } while (next(index, p->shape));
}

void eq_select_float32_ref(const eq_select_float32_params *p, const float *const *inputs, float *output)
{
    const float *condition = p->condition ? p->condition : *inputs++;
    const float *a = p->a ? p->a : *inputs++;
    const float *b = p->b ? p->b : *inputs;
    int32_t index[EQ_MAX_RANK] = {0};
    do {
        *output++ =
            condition[at(index, p->condition_stride)] != 0.0f ? a[at(index, p->a_stride)] : b[at(index, p->b_stride)];
    } while (next(index, p->shape));
}
