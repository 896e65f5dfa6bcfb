/* Defines the functions of eq/run_time.h, with one for the products of four rows. */
#ifndef EQ_RUN_TIME_KERNELS_H
#define EQ_RUN_TIME_KERNELS_H

#include "eq/dynamic_layers.h"
#include "eq/gru_float32_layer.h"
#include "eq/lstm_float32_layer.h"
#include "eq/mat_mul_dynamic.h"
#include "eq/run_time.h"
#include "eq/simple_rnn_float32_layer.h"
#include "eq/svdf_float32_layer.h"

#define EQ_RUN_TIME_DEFINE(set, four)                                                                                  \
    static void sums_of_rows(const eq_stored *weights, int32_t first, int32_t rows, const int8_t *integers,            \
                             float *sums)                                                                              \
    {                                                                                                                  \
        eq_dynamic_by_fours(weights, first, rows, integers, sums, four);                                               \
    }                                                                                                                  \
    static void matrix_product(const eq_matrix *matrix, const float *vector, float *sums, void *scratch)               \
    {                                                                                                                  \
        eq_matrix_dynamic(matrix, vector, sums, scratch, sums_of_rows);                                                \
    }                                                                                                                  \
    void eq_fully_connected_dynamic_##set(const eq_fully_connected_stored_params *p, const float *input,               \
                                          float *output, void *scratch)                                                \
    {                                                                                                                  \
        eq_fully_connected_dynamic(p, input, output, scratch, sums_of_rows);                                           \
    }                                                                                                                  \
    void eq_gru_float32_##set(const eq_gru_float32_params *p, const float *const *inputs, float *sequence,             \
                              float *hidden, void *scratch)                                                            \
    {                                                                                                                  \
        eq_gru_float32_layer(p, inputs, sequence, hidden, scratch, matrix_product);                                    \
    }                                                                                                                  \
    void eq_lstm_float32_##set(const eq_lstm_float32_params *p, const float *const *inputs, float *sequence,           \
                               float *hidden, float *cell, void *scratch)                                              \
    {                                                                                                                  \
        eq_lstm_float32_layer(p, inputs, sequence, hidden, cell, scratch, matrix_product);                             \
    }                                                                                                                  \
    void eq_simple_rnn_float32_##set(const eq_simple_rnn_float32_params *p, const float *const *inputs,                \
                                     float *sequence, float *hidden, void *scratch)                                    \
    {                                                                                                                  \
        eq_simple_rnn_float32_layer(p, inputs, sequence, hidden, scratch, matrix_product);                             \
    }                                                                                                                  \
    void eq_svdf_float32_##set(const eq_svdf_float32_params *p, const float *const *inputs, float *output,             \
                               float *state, void *scratch)                                                            \
    {                                                                                                                  \
        eq_svdf_float32_layer(p, inputs, output, state, scratch, matrix_product);                                      \
    }                                                                                                                  \
    void eq_mat_mul_dynamic_##set(const eq_mat_mul_stored_params *p, const float *a, const float *b, float *output,    \
                                  void *scratch)                                                                       \
    {                                                                                                                  \
        eq_mat_mul_dynamic(p, a, b, output, scratch, sums_of_rows);                                                    \
    }                                                                                                                  \
    void eq_mat_mul_dynamic_const_a_##set(const eq_mat_mul_stored_params *p, const float *b, float *output,            \
                                          void *scratch)                                                               \
    {                                                                                                                  \
        eq_mat_mul_dynamic_const_a(p, b, output, scratch, sums_of_rows);                                               \
    }                                                                                                                  \
    void eq_mat_mul_dynamic_const_b_##set(const eq_mat_mul_stored_params *p, const float *a, float *output,            \
                                          void *scratch)                                                               \
    {                                                                                                                  \
        eq_mat_mul_dynamic_const_b(p, a, output, scratch, sums_of_rows);                                               \
    }

#endif
