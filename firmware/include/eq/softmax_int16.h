/* Softmax of int16 rows: exp(x) / sum of exp(x). */
#ifndef EQ_SOFTMAX_INT16_H
#define EQ_SOFTMAX_INT16_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    /* exp(-d) of a difference d to a row's maximum is coarse[d / 256] · fine[d % 256], with 31 fraction bits. */
    const uint32_t *coarse; /* 16 fraction bits */
    const uint32_t *fine;   /* 15 fraction bits */
    int32_t less;           /* fraction bits that are cut off, for the sum of a row */
    int32_t factor, bits;   /* factor / 2^(bits - 31) is one over the output's scale */
} eq_softmax_int16_params;

/* As TensorFlow Lite has it: exponentials and the reciprocal of their sum have 15 fraction bits. */
typedef struct {
    int32_t rows, columns;
    const int16_t *exponentials; /* exp(x) at -10, -10 + 10/512, ..., 0 */
    const int16_t *reciprocals;  /* 1 / (1 + x) at 0, 1/512, ..., 1 */
    int32_t mantissa, shift;     /* from steps of the input to 10 / 65535 */
} eq_softmax_int16_double_params;

/* The output may be the input. */
void eq_softmax_int16_ref(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output);
void eq_softmax_int16_ref_double(const eq_softmax_int16_double_params *p, const int16_t *input, int16_t *output);

#endif
