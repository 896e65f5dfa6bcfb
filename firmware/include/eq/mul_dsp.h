/* Products with the DSP instructions of Armv7E-M and Armv8-M. */
#ifndef EQ_MUL_DSP_H
#define EQ_MUL_DSP_H

#include "eq/mul.h"

/* Both operands are contiguous along the last dimension; the factor is below 1/2. The output may be an operand of its
 * size. */
void eq_mul_dsp_fast(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_dsp_fast(const eq_mul_params *p, const int8_t *a, int8_t *output);

#endif
