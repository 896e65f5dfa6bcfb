/* A fully connected layer over time, of low rank, on Armv6-M and Armv7-M. */
#ifndef EQ_SVDF_THUMB_H
#define EQ_SVDF_THUMB_H

#include <stdint.h>

/* Rows of filters are filled up to a multiple of four. Armv6-M takes weights as they are, Armv7-M as
 * eq_fully_connected_thumb2 does. */
typedef struct {
    int32_t batch, in_c, filters, memory, rank;
    const int8_t *weights; /* (filters, in_c) */
    const int32_t *feature_bias, *mantissa;
    const int8_t *shift; /* for fast NULL */
    int32_t left;        /* for fast: by how many bits sums are shifted before they are multiplied */
    int32_t state_zero_point;
    const void *initial; /* (batch, filters, memory), or NULL: the next input */
    const int16_t *time; /* (filters, memory) */
    const int32_t *bias; /* (filters / rank), the state's zero-point folded in */
    int32_t out_mantissa, out_shift;
    int32_t zero_point, qmin, qmax;
} eq_svdf_thumb_params;

/* inputs: the input; the features of the last steps, int16_t or (bytes) int8_t as `state`, those after this step. */
void eq_svdf_thumb_fast(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_thumb_single(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_thumb_double(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_bytes_thumb_fast(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,
                              int8_t *state);
void eq_svdf_bytes_thumb_single(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,
                                int8_t *state);
void eq_svdf_bytes_thumb_double(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,
                                int8_t *state);
void eq_svdf_thumb2_fast(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_thumb2_single(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_thumb2_double(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state);
void eq_svdf_bytes_thumb2_fast(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,
                               int8_t *state);
void eq_svdf_bytes_thumb2_single(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,
                                 int8_t *state);
void eq_svdf_bytes_thumb2_double(const eq_svdf_thumb_params *p, const int8_t *const *inputs, int8_t *output,
                                 int8_t *state);

#endif
