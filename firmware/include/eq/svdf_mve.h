/* A fully connected layer over time, of low rank, with Helium. */
#ifndef EQ_SVDF_MVE_H
#define EQ_SVDF_MVE_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_c, filters, memory, rank;
    const int8_t *weights;                            /* as eq_fully_connected_mve takes them */
    const int32_t *feature_bias, *multiplier, *shift; /* of each filter, rows of vectors; shift NULL for fast */
    int32_t left; /* for fast: by how many bits sums are shifted before they are multiplied */
    int32_t state_zero_point;
    const void *initial; /* (batch, filters, memory), or NULL: the next input */
    const void *time;    /* (filters, memory), of the state's type */
    const int32_t *bias; /* (filters / rank), the state's zero-point folded in */
    int32_t out_multiplier, out_shift;
    int32_t zero_point, qmin, qmax;
} eq_svdf_mve_params;

/* inputs: the input; the features of the last steps, int16_t or (bytes) int8_t as `state`, those after this step. */
void eq_svdf_mve_fast(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state,
                      void *scratch);
void eq_svdf_mve_single(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state,
                        void *scratch);
void eq_svdf_mve_double(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state,
                        void *scratch);
void eq_svdf_bytes_mve_fast(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                            void *scratch);
void eq_svdf_bytes_mve_single(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                              void *scratch);
void eq_svdf_bytes_mve_double(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                              void *scratch);

#endif
