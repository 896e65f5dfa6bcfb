/* The logarithm of softmax of rows. */
#ifndef EQ_LOG_SOFTMAX_H
#define EQ_LOG_SOFTMAX_H

#include <stdint.h>

typedef struct {
    int32_t rows, columns;
    const uint16_t *exponentials; /* exp(-d) for the differences d = 0..255 to a row's maximum, 15 fraction bits */
    int32_t step;                 /* one step of the input in 2^-15 steps of the output */
    int32_t octave;               /* ln 2 in the same unit */
    const int32_t *logarithms;    /* ln(1 + i / 64) for i = 0..64 in the same unit */
    int32_t zero_point;
} eq_log_softmax_fast_params;

typedef struct {
    int32_t rows, columns;
    const int32_t *exponentials;             /* the same with 31 fraction bits; 0 where they are negligible */
    int32_t mantissa, shift;                 /* from differences to 5 integer bits */
    int32_t reverse_mantissa, reverse_shift; /* and back */
    int32_t least;                           /* the least difference that counts, negative */
} eq_log_softmax_double_params;

/* The output may be the input. */
void eq_log_softmax_ref_fast(const eq_log_softmax_fast_params *p, const int8_t *input, int8_t *output);
void eq_log_softmax_ref_double(const eq_log_softmax_double_params *p, const int8_t *input, int8_t *output);

#endif
