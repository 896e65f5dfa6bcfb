/* Softmax of rows with the vectors of x86. */
#ifndef EQ_SOFTMAX_X86_H
#define EQ_SOFTMAX_X86_H

#include "eq/softmax.h"

/* The output may be the input. scratch: 4 bytes for each column, whose number is rounded up to one that 8 divides. */
void eq_softmax_avx2_fast(const eq_softmax_fast_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_softmax_avx2_double(const eq_softmax_double_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
