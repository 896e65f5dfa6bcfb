/* Fully connected layer of one row with weights of 2 bits or 1. */
#ifndef EQ_FULLY_CONNECTED_NARROW_DSP_H
#define EQ_FULLY_CONNECTED_NARROW_DSP_H

#include "eq/fully_connected_dsp.h"
#include "eq/gemm_narrow_dsp.h"

/* Weights are as eq/gemm_narrow_dsp.h says, in groups of four channels, filled up with zeros to a multiple of 8 inputs
 * and of 4 channels.
 *
 * scratch: the row, widened: two bytes for each input, filled up likewise. */
void eq_fully_connected_int2_dsp_direct(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_fully_connected_int2_dsp_fast(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_fully_connected_int2_dsp_single(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_fully_connected_int2_dsp_double(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_fully_connected_binary_dsp_direct(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);
void eq_fully_connected_binary_dsp_fast(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_fully_connected_binary_dsp_single(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);
void eq_fully_connected_binary_dsp_double(const eq_fully_connected_dsp_params *p, const int8_t *input, int8_t *output,
                                          void *scratch);

#endif
