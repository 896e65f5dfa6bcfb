#include "eq/matrix_float32.h"

#include "eq/dynamic.h"
#include "eq/lanes_float32.h"

static void of_integers(const eq_matrix *matrix, const float *vector, float *sums, int8_t *integers)
{
    const float step = eq_in_steps(vector, matrix->stored.depth, integers);
    for (int32_t row = 0; row < matrix->rows; row++) {
        sums[row] = eq_dynamic_sum(&matrix->stored, row, integers) * step;
    }
}

void eq_matrix_product(const eq_matrix *matrix, const float *vector, float *sums, void *scratch)
{
    if (matrix->dynamic) {
        of_integers(matrix, vector, sums, scratch);
        return;
    }
    for (int32_t row = 0; row < matrix->rows; row += EQ_LANES) {
        const int32_t count = matrix->rows - row < EQ_LANES ? matrix->rows - row : EQ_LANES;
        float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
        if (matrix->fours) {
            eq_add_products(vector, matrix->fours + row * matrix->stored.depth, matrix->stored.depth, total);
        } else {
            eq_stored_products(&matrix->stored, row, count, vector, total, scratch);
        }
        for (int32_t lane = 0; lane < count; lane++) {
            sums[row + lane] = total[lane];
        }
    }
}
