/* A fully connected layer over time, of low rank, on cores with the DSP extension. */
#ifndef EQ_SVDF_DSP_H
#define EQ_SVDF_DSP_H

#include <stdint.h>

/* Four filters at a time, of which the last may be missing: `weights` as four channels of eq_fully_connected_dsp, mixed
 * and without multipliers. */
typedef struct {
    int32_t batch, in_c, filters, memory, rank;
    const int32_t *weights;
    const int32_t *mantissa; /* a multiple of four; for fast doubled */
    const int8_t *shift;     /* likewise; for fast NULL */
    int32_t left;            /* for fast: by how many bits sums are shifted before they are multiplied */
    int32_t state_zero_point;
    const void *initial; /* (batch, filters, memory), or NULL: the next input */
    /* Of each filter pairs of weights: for 16 bits as they are, with a zero after an odd one; for 8 bits of every four
     * the pairs (0, 2) and (1, 3), and what is left over by itself. */
    const int32_t *time;
    const int32_t *bias;             /* (filters / rank), the state's zero-point folded in */
    int32_t out_mantissa, out_shift; /* for fast the mantissa is doubled */
    int32_t zero_point, qmin, qmax;
} eq_svdf_dsp_params;

/* inputs: the input; the features of the last steps, int16_t or (bytes) int8_t as `state`, those after this step. */
void eq_svdf_dsp_fast(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state,
                      void *scratch);
void eq_svdf_dsp_single(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state,
                        void *scratch);
void eq_svdf_dsp_double(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int16_t *state,
                        void *scratch);
void eq_svdf_bytes_dsp_fast(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                            void *scratch);
void eq_svdf_bytes_dsp_single(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                              void *scratch);
void eq_svdf_bytes_dsp_double(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                              void *scratch);

#endif
