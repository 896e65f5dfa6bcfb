#include "eq/fully_connected_stored.h"

#include "eq/dynamic_layers.h"
#include "eq/lanes_float32.h"

/* The results of some rows. */
static void some_rows(const eq_fully_connected_stored_params *p, int32_t rows, const float *input, float *output,
                      float *weights)
{
    const int32_t in_c = p->layer.in_c, out_c = p->layer.out_c;
    for (int32_t c = 0; c < out_c; c += EQ_LANES) {
        const int32_t count = out_c - c < EQ_LANES ? out_c - c : EQ_LANES;
        if (p->at_once > 1) {
            eq_stored_fours(&p->weights, c, count, 0, in_c, weights);
        }
        for (int32_t row = 0; row < rows; row++) {
            float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
            if (p->at_once > 1) {
                eq_add_products(input + row * in_c, weights, in_c, total);
            } else {
                eq_stored_products(&p->weights, c, count, input, total, weights);
            }
            eq_store_lanes(total, p->layer.bias ? p->layer.bias + c : 0, count, p->layer.low, p->layer.high,
                           output + row * out_c + c);
        }
    }
}

void eq_fully_connected_stored_ref(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                   void *scratch)
{
    for (int32_t row = 0; row < p->layer.rows; row += p->at_once) {
        const int32_t left = p->layer.rows - row, rows = left < p->at_once ? left : p->at_once;
        some_rows(p, rows, input, output, scratch);
        input += rows * p->layer.in_c;
        output += rows * p->layer.out_c;
    }
}

void eq_fully_connected_dynamic_ref(const eq_fully_connected_stored_params *p, const float *input, float *output,
                                    void *scratch)
{
    eq_fully_connected_dynamic(p, input, output, scratch, eq_dynamic_in_c);
}
