/* Fully connected layers of float32 values: products are added one after the other. */
#ifndef EQ_FULLY_CONNECTED_FLOAT32_H
#define EQ_FULLY_CONNECTED_FLOAT32_H

#include <stdint.h>

typedef struct {
    int32_t rows, in_c, out_c;
    const float *weights; /* (fours of output channels, in_c, 4): zeros where there are no four */
    const float *bias;    /* or NULL */
    float low, high;      /* of a fused activation */
} eq_fully_connected_float32_params;

void eq_fully_connected_float32_ref(const eq_fully_connected_float32_params *p, const float *input, float *output);

#endif
