/* Rows of int8 values divided by their length, as TensorFlow Lite does. */
#ifndef EQ_STORED_L2_NORM_H
#define EQ_STORED_L2_NORM_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    int32_t zero_point;
    int32_t first, then; /* bits by which is shifted left before the multiplication, and with it */
    int32_t mantissa, shift, output_zero_point; /* of an output with other parameters than TensorFlow Lite's, else 0 */
} eq_stored_l2_norm_params;

/* The output may be the input. */
void eq_stored_l2_norm_ref(const eq_stored_l2_norm_params *p, const int8_t *input, int8_t *output);

#endif
