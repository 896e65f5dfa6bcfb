#include "eq/matrix_float32.h"

#include "eq/dynamic.h"

void eq_matrix_product_dsp(const eq_matrix *matrix, const float *vector, float *sums, void *scratch)
{
    const float step = eq_in_steps(vector, matrix->stored.depth, scratch);
    eq_dynamic_sums_dsp(&matrix->stored, matrix->rows, scratch, sums);
    for (int32_t row = 0; row < matrix->rows; row++) {
        sums[row] = sums[row] * step;
    }
}
