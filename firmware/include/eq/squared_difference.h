/* The square of the difference of two int8 tensors, broadcast against each other. */
#ifndef EQ_SQUARED_DIFFERENCE_H
#define EQ_SQUARED_DIFFERENCE_H

#include "eq/broadcast.h"

/* Both operands, 7 bits finer, are brought to one scale, subtracted and squared; the square to the output's scale. */
typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
    int32_t a_zero_point, a_mantissa, a_shift;
    int32_t b_zero_point, b_mantissa, b_shift;
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_squared_difference_params;

/* The output may be an operand of its size. */
void eq_squared_difference_ref_fast(const eq_squared_difference_params *p, const int8_t *a, const int8_t *b,
                                    int8_t *output);
void eq_squared_difference_ref_single(const eq_squared_difference_params *p, const int8_t *a, const int8_t *b,
                                      int8_t *output);
void eq_squared_difference_ref_double(const eq_squared_difference_params *p, const int8_t *a, const int8_t *b,
                                      int8_t *output);
void eq_squared_difference_const_ref_fast(const eq_squared_difference_params *p, const int8_t *a, int8_t *output);
void eq_squared_difference_const_ref_single(const eq_squared_difference_params *p, const int8_t *a, int8_t *output);
void eq_squared_difference_const_ref_double(const eq_squared_difference_params *p, const int8_t *a, int8_t *output);

#endif
