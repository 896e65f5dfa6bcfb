/* A fully connected layer over time, of low rank. */
#ifndef EQ_SVDF_H
#define EQ_SVDF_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_c, filters, memory, rank;
    const int8_t *weights;       /* (filters, in_c) */
    const int32_t *feature_bias; /* (filters), the input's zero-point folded in */
    const int32_t *mantissa;     /* (filters), to features */
    const int8_t *shift;
    int32_t state_zero_point;
    const void *initial; /* (batch, filters, memory), or NULL: the next input */
    const int16_t *time; /* (filters, memory) */
    const int32_t *bias; /* (filters / rank) */
    int32_t out_mantissa, out_shift;
    int32_t zero_point, qmin, qmax;
} eq_svdf_params;

/* inputs: the input; the features of the last steps, int16_t or (bytes) int8_t as `state`, those after this step. */
void eq_svdf_ref_fast(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_ref_single(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_ref_double(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_bytes_ref_fast(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state);
void eq_svdf_bytes_ref_single(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state);
void eq_svdf_bytes_ref_double(const eq_svdf_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state);

#endif
