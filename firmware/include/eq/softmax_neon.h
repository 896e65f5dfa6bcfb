/* Softmax of rows with Arm's vectors. */
#ifndef EQ_SOFTMAX_NEON_H
#define EQ_SOFTMAX_NEON_H

#include "eq/softmax.h"

/* The output may be the input. scratch: 4 (_double: 5) bytes for each column, whose number is rounded up to one that 16
 * divides; _fast: also 512 bytes. */
void eq_softmax_neon_fast(const eq_softmax_fast_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_softmax_neon_double(const eq_softmax_double_params *p, const int8_t *input, int8_t *output, void *scratch);

#endif
