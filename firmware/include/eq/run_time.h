/* Layers of float32 values that are multiplied as integers of 8 bits, with steps found at run time: what is the same
 * with every function for products. */
#ifndef EQ_RUN_TIME_H
#define EQ_RUN_TIME_H

#include <stdint.h>

#include "eq/fully_connected_stored.h"
#include "eq/gru_float32.h"
#include "eq/lstm_float32.h"
#include "eq/mat_mul_float32.h"
#include "eq/matrix_float32.h"
#include "eq/simple_rnn_float32.h"
#include "eq/svdf_float32.h"

/* Declares the functions of a set of kernels. */
#define EQ_RUN_TIME_DECLARE(set)                                                                                       \
    void eq_fully_connected_dynamic_##set(const eq_fully_connected_stored_params *p, const float *input,               \
                                          float *output, void *scratch);                                               \
    void eq_gru_float32_##set(const eq_gru_float32_params *p, const float *const *inputs, float *sequence,             \
                              float *hidden, void *scratch);                                                           \
    void eq_lstm_float32_##set(const eq_lstm_float32_params *p, const float *const *inputs, float *sequence,           \
                               float *hidden, float *cell, void *scratch);                                             \
    void eq_simple_rnn_float32_##set(const eq_simple_rnn_float32_params *p, const float *const *inputs,                \
                                     float *sequence, float *hidden, void *scratch);                                   \
    void eq_svdf_float32_##set(const eq_svdf_float32_params *p, const float *const *inputs, float *output,             \
                               float *state, void *scratch);                                                           \
    void eq_mat_mul_dynamic_##set(const eq_mat_mul_stored_params *p, const float *a, const float *b, float *output,    \
                                  void *scratch);                                                                      \
    void eq_mat_mul_dynamic_const_a_##set(const eq_mat_mul_stored_params *p, const float *b, float *output,            \
                                          void *scratch);                                                              \
    void eq_mat_mul_dynamic_const_b_##set(const eq_mat_mul_stored_params *p, const float *a, float *output,            \
                                          void *scratch);
EQ_RUN_TIME_DECLARE(dsp)
EQ_RUN_TIME_DECLARE(mve)
EQ_RUN_TIME_DECLARE(avx2)
EQ_RUN_TIME_DECLARE(neon)
EQ_RUN_TIME_DECLARE(dotprod)

#endif
