/* Sums and differences with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_ADD_DSP_H
#define EQ_ADD_DSP_H

#include "eq/add.h"

/* Both operands are contiguous along the last dimension. The output may be an operand of its size. */
void eq_add_dsp_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_dsp_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output);

/* No shift is positive, and no mantissa below 2^30. */
void eq_add_dsp_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_dsp_double(const eq_add_double_params *p, const int8_t *a, int8_t *output);

#endif
