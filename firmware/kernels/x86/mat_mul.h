/* The body of eq_mat_mul_*: each matrix b is packed as the weights of a convolution are, and rows of a are its windows.
 *
 * With a' the activations that the vectors multiply, whose zero-point is z', an output is
 *     sum (a' - z') (b - zb) = sum a' b  -  z' sum b + depth z' zb  -  zb sum a'
 * The second and third term belong to a column, the last one to a row. */
#ifndef EQ_X86_MAT_MUL_H
#define EQ_X86_MAT_MUL_H

#include "eq/mat_mul_x86.h"
#include "gemm.h"

EQ_INLINE int32_t eq_filled(int32_t n, int32_t step)
{
    return (n + step - 1) / step * step;
}

/* The column that a lane of the packed matrix has, or the first one of four; those beyond are empty. */
EQ_INLINE int32_t eq_column(int32_t lane, int32_t columns)
{
    const int32_t pair = 2 * EQ_LANES, i = lane % EQ_LANES;
    if (lane >= columns / pair * pair) {
        return lane;
    }
    return lane / pair * pair + i / 4 * 8 + lane % pair / EQ_LANES * 4 + i % 4;
}

/* Some rows of b, EQ_STEP at most, of four columns from `column` on. */
EQ_INLINE void eq_pack_four(const int8_t *b, int32_t columns, int32_t column, int32_t rows, int8_t *to)
{
    if (rows == EQ_STEP && column + 4 <= columns) {
        for (int32_t i = 0; i < 4; i++) {
            for (int32_t k = 0; k < EQ_STEP; k++) {
                to[i * EQ_STEP + k] = b[k * columns + column + i];
            }
        }
        return;
    }
    for (int32_t i = 0; i < 4; i++) {
        for (int32_t k = 0; k < EQ_STEP; k++) {
            to[i * EQ_STEP + k] = (int8_t)(k < rows && column + i < columns ? b[k * columns + column + i] : 0);
        }
    }
}

static void eq_pack_matrix(const int8_t *b, int32_t depth, int32_t columns, int8_t *to)
{
    for (int32_t lane = 0; lane < columns; lane += EQ_LANES) {
        for (int32_t k = 0; k < depth; k += EQ_STEP) {
            const int32_t rows = depth - k < EQ_STEP ? depth - k : EQ_STEP;
            for (int32_t i = 0; i < EQ_LANES; i += 4, to += 4 * EQ_STEP) {
                eq_pack_four(b + k * columns, columns, eq_column(lane + i, columns), rows, to);
            }
        }
    }
}

/* What is added to the sums of every lane; `sums` has room for as many numbers. */
static void eq_column_terms(const eq_mat_mul_params *p, const int8_t *b, int32_t zero, int32_t *sums, int32_t *bias)
{
    const int32_t lanes = eq_filled(p->cols, EQ_LANES);
    memset(sums, 0, (size_t)lanes * sizeof *sums);
    for (int32_t k = 0; k < p->depth; k++) {
        for (int32_t i = 0; i < p->cols; i++) {
            sums[i] += b[k * p->cols + i];
        }
    }
    for (int32_t i = 0; i < lanes; i++) {
        bias[i] = zero * (p->depth * p->b_zero_point - sums[eq_column(i, p->cols)]);
    }
}

/* Rows of a as windows, and in `more` what is added to the sums of each. */
static void eq_collect_rows(const eq_mat_mul_params *p, const int8_t *a, int32_t rows, int32_t depth,
                            eq_activation *band, int32_t *more)
{
    for (int32_t r = 0; r < rows; r++, a += p->depth, band += depth) {
        int32_t sum = 0;
        eq_collect(band, a, p->depth);
        for (int32_t k = 0; k < p->depth; k++) {
            sum += band[k];
        }
        for (int32_t k = p->depth; k < depth; k++) {
            band[k] = 0;
        }
        more[r] = -p->b_zero_point * sum;
    }
}

static __attribute__((noinline)) void eq_mat_mul(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b,
                                                 int8_t *output, void *scratch, eq_rounding rounding)
{
    const int32_t lanes = eq_filled(p->cols, EQ_LANES), depth = eq_filled(p->depth, EQ_STEP), steps = depth / EQ_STEP;
    int32_t *const bias = scratch, *const multiplier = bias + lanes, *const shift = multiplier + lanes;
    int32_t *const offsets = shift + lanes, *const more = offsets + steps;
    int8_t *const packed = (int8_t *)(more + EQ_MAT_MUL_ROWS);
    eq_activation *const band = (eq_activation *)(void *)(packed + (int64_t)lanes * depth);
    const eq_conv2d_x86_params own = {.in_c = 0,
                                      .out_w = 1,
                                      .out_c = p->cols,
                                      .stride_h = 1,
                                      .stride_w = 1,
                                      .depth = depth,
                                      .row = depth,
                                      .offsets = offsets,
                                      .weights = packed,
                                      .bias = bias,
                                      .multiplier = multiplier,
                                      .shift = shift,
                                      .zero_point = p->zero_point,
                                      .qmin = p->qmin,
                                      .qmax = p->qmax};
    const int32_t zero = eq_activation_of((int8_t)p->a_zero_point);
    const int32_t batches = p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    int32_t packed_from = -1;
    for (int32_t k = 0; k < steps; k++) {
        offsets[k] = k * EQ_STEP;
    }
    for (int32_t i = 0; i < batches; i++) {
        int32_t rest = i, a_offset = 0, b_offset = 0;
        for (int32_t d = EQ_MAT_MUL_DIMS - 1; d >= 0; d--) {
            a_offset += rest % p->batch[d] * p->a_stride[d];
            b_offset += rest % p->batch[d] * p->b_stride[d];
            rest /= p->batch[d];
        }
        if (b_offset != packed_from) {
            eq_pack_matrix(b + b_offset, p->depth, p->cols, packed);
            eq_column_terms(p, b + b_offset, zero, multiplier, bias); /* whose place is still free */
            for (int32_t k = 0; k < lanes; k++) {
                multiplier[k] = p->mantissa;
                shift[k] = rounding == EQ_FAST ? 1 : rounding == EQ_SINGLE ? -p->shift - 1 : -p->shift;
            }
            packed_from = b_offset;
        }
        for (int32_t r = 0; r < p->rows; r += EQ_MAT_MUL_ROWS) {
            const int32_t rows = p->rows - r < EQ_MAT_MUL_ROWS ? p->rows - r : EQ_MAT_MUL_ROWS;
            eq_collect_rows(p, a + a_offset + (int64_t)r * p->depth, rows, depth, band, more);
            eq_gemm(&own, band, output, p->cols, more, rows, rounding);
            output += (int64_t)rows * p->cols;
        }
    }
}

#endif
