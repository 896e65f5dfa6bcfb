#include "eq/lanes_float32.h"
#include "eq/mat_mul_float32.h"

/* One product of matrices. `begin` is the first element of the constant's matrix in each of its rows. */
typedef void one(const eq_mat_mul_stored_params *p, int32_t begin, const float *other, float *output, float *widened);

static int32_t at_most_four(int32_t left)
{
    return left < EQ_LANES ? left : EQ_LANES;
}

/* Four rows of a. */
static void of_a(const eq_mat_mul_stored_params *p, int32_t begin, const float *b, float *output, float *widened)
{
    const int32_t depth = p->layer.depth, cols = p->layer.cols;
    for (int32_t row = 0; row < p->layer.rows; row += EQ_LANES) {
        const int32_t count = at_most_four(p->layer.rows - row);
        eq_stored_fours(&p->constant, row, count, begin, depth, widened);
        for (int32_t column = 0; column < cols; column++) {
            float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
            for (int32_t k = 0; k < depth; k++) {
                eq_add_products(b + k * cols + column, widened + k * EQ_LANES, 1, total);
            }
            for (int32_t lane = 0; lane < count; lane++) {
                output[(row + lane) * cols + column] = eq_number(total[lane]);
            }
        }
    }
}

/* Four columns of b. */
static void of_b(const eq_mat_mul_stored_params *p, int32_t begin, const float *a, float *output, float *widened)
{
    const int32_t depth = p->layer.depth, cols = p->layer.cols;
    for (int32_t column = 0; column < cols; column += EQ_LANES) {
        const int32_t count = at_most_four(cols - column);
        eq_stored_fours(&p->constant, column, count, begin, depth, widened);
        for (int32_t row = 0; row < p->layer.rows; row++) {
            float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
            eq_add_products(a + row * depth, widened, depth, total);
            for (int32_t lane = 0; lane < count; lane++) {
                output[row * cols + column + lane] = eq_number(total[lane]);
            }
        }
    }
}

/* constant, other: how far apart matrices of the two operands lie; size: numbers of one of the constant. */
static void all(const eq_mat_mul_stored_params *p, const int32_t *constant, const int32_t *other, int32_t size,
                const float *from, float *output, float *widened, one *product)
{
    const eq_mat_mul_float32_params *layer = &p->layer;
    for (int32_t i = 0; i < layer->batch[0]; i++) {
        for (int32_t j = 0; j < layer->batch[1]; j++) {
            for (int32_t k = 0; k < layer->batch[2]; k++) {
                for (int32_t l = 0; l < layer->batch[3]; l++) {
                    const int32_t at = i * constant[0] + j * constant[1] + k * constant[2] + l * constant[3];
                    const float *matrix = from + i * other[0] + j * other[1] + k * other[2] + l * other[3];
                    product(p, at / size * layer->depth, matrix, output, widened);
                    output += layer->rows * layer->cols;
                }
            }
        }
    }
}

void eq_mat_mul_stored_const_a_ref(const eq_mat_mul_stored_params *p, const float *b, float *output, void *scratch)
{
    all(p, p->layer.a_stride, p->layer.b_stride, p->layer.rows * p->layer.depth, b, output, scratch, of_a);
}

void eq_mat_mul_stored_const_b_ref(const eq_mat_mul_stored_params *p, const float *a, float *output, void *scratch)
{
    all(p, p->layer.b_stride, p->layer.a_stride, p->layer.depth * p->layer.cols, a, output, scratch, of_b);
}
