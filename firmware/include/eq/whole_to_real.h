/* Whole numbers as real ones. */
#ifndef EQ_WHOLE_TO_REAL_H
#define EQ_WHOLE_TO_REAL_H

#include <stdint.h>

typedef struct {
    int32_t rows, count;       /* of the output */
    int32_t step;              /* elements of the input from one row to the next */
    const int32_t *columns;    /* which element of the input's row each of the output's is; NULL: the same one */
    const int32_t *directions; /* 1 or -1 per column */
    const int32_t *addends;    /* per column */
    int32_t mantissa, shift;   /* what 1 stands for, in steps of the output */
    int32_t zero_point, qmin, qmax;
} eq_whole_to_real_params;

typedef struct {
    int32_t rows, count, step;
    const int32_t *columns, *directions, *addends; /* as in eq_whole_to_real_params */
    float scale;                                   /* what 1 stands for */
} eq_whole_to_real_float32_params;

#define EQ_DECLARE(suffix)                                                                                             \
    void eq_whole_to_real_ref_##suffix(const eq_whole_to_real_params *p, const int32_t *input, int8_t *output);
EQ_DECLARE(fast)
EQ_DECLARE(single)
EQ_DECLARE(double)
#undef EQ_DECLARE

void eq_whole_to_real_int16_ref(const eq_whole_to_real_params *p, const int32_t *input, int16_t *output);
void eq_whole_to_real_float32_ref(const eq_whole_to_real_float32_params *p, const int32_t *input, float *output);

#endif
