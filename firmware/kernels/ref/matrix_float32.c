#include "eq/matrix_float32.h"

#include "eq/dynamic_layers.h"
#include "eq/lanes_float32.h"

void eq_matrix_product(const eq_matrix *matrix, const float *vector, float *sums, void *scratch)
{
    if (matrix->dynamic) {
        eq_matrix_dynamic(matrix, vector, sums, scratch, eq_dynamic_in_c);
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
