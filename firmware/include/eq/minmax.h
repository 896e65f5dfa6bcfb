/* The lesser or greater of two int8 tensors of one scale, broadcast against each other. */
#ifndef EQ_MINMAX_H
#define EQ_MINMAX_H

#include "eq/broadcast.h"

typedef struct {
    int32_t shape[EQ_MAX_RANK], a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];
    const int8_t *constant;
} eq_minmax_params;

/* The output may be an operand of its size. */
void eq_minimum_ref(const eq_minmax_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_minimum_const_ref(const eq_minmax_params *p, const int8_t *a, int8_t *output);
void eq_maximum_ref(const eq_minmax_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_maximum_const_ref(const eq_minmax_params *p, const int8_t *a, int8_t *output);

#endif
