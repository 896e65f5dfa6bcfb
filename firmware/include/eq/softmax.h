/* Softmax of rows: exp(x) / sum of exp(x). */
#ifndef EQ_SOFTMAX_H
#define EQ_SOFTMAX_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    const uint16_t *exponentials; /* exp(-d) for differences d = 0..255 to a row's maximum; at most 15 fraction bits */
    int32_t factor, shift;        /* factor / 2^shift is one over the output's scale */
    int32_t zero_point;
} eq_softmax_fast_params;

typedef struct {
    int32_t rows, columns;
    const int32_t *exponentials; /* the same with 31 fraction bits; 0 where they are negligible */
} eq_softmax_double_params;

/* The output may be the input. */
void eq_softmax_ref_fast(const eq_softmax_fast_params *p, const int8_t *input, int8_t *output);
void eq_softmax_ref_double(const eq_softmax_double_params *p, const int8_t *input, int8_t *output);

/* The arithmetic of the latter with an output of 16 bits, zero at -32768, one at 2^16 above it. */
void eq_softmax_wide_ref(const eq_softmax_double_params *p, const int8_t *input, int16_t *output);

#endif
