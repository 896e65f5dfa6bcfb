/* The exponential function of float32 values. */
#ifndef EQ_EXP_H
#define EQ_EXP_H

#include <stdint.h>

typedef struct {
    int32_t size; /* elements */
} eq_exp_params;

/* The output may be the input. */
void eq_exp_ref_float32(const eq_exp_params *p, const float *input, float *output);

#endif
