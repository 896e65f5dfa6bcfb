/* Matrix products with SDOT: four products each of four rows of b.
 *
 * Rows of b are interleaved four by four, for sixteen columns at a time, to what sums_dotprod.h has as weights of a
 * block. Zero-points come from sums: sum (a - za) (b - zb) = sum a b - za sum b - zb sum a + depth za zb.
 *
 * scratch: `rows` sums of a, sixteen of b, then `run` bytes for each of sixteen columns; if depth is not `run`, its
 * next multiple of 8, also `run` bytes for each row of a. */
#include "sums_dotprod.h"

#include "mat_mul.h"

#define EQ_ZIPPED(zip, a, b) vreinterpretq_s8_s16(zip(vreinterpretq_s16_s8(a), vreinterpretq_s16_s8(b)))

/* Sixteen columns, four rows at a time, and what their sums begin with. */
static inline void eq_pack_columns(const eq_mat_mul_params *p, const int8_t *b, int32_t column, int32_t run,
                                   int8_t *packed, int32_t *bias)
{
    const int8x16_t ones = vdupq_n_s8(1), none = vdupq_n_s8(0);
    const int32_t both = p->depth * p->a_zero_point * p->b_zero_point;
    int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int32_t k = 0; k < run; k += 4) {
        int8x16_t row[4];
        for (int32_t i = 0; i < 4; i++) {
            row[i] = k + i < p->depth ? eq_columns_of(p, b, k + i, column) : none;
        }
        const int8x16_t low = vzip1q_s8(row[0], row[1]), high = vzip2q_s8(row[0], row[1]);
        const int8x16_t next_low = vzip1q_s8(row[2], row[3]), next_high = vzip2q_s8(row[2], row[3]);
        const int8x16_t fours[4] = {EQ_ZIPPED(vzip1q_s16, low, next_low), EQ_ZIPPED(vzip2q_s16, low, next_low),
                                    EQ_ZIPPED(vzip1q_s16, high, next_high), EQ_ZIPPED(vzip2q_s16, high, next_high)};
        EQ_UNROLL
        for (int32_t v = 0; v < 4; v++) {
            vst1q_s8(packed, fours[v]);
            sums[v] = vdotq_s32(sums[v], fours[v], ones);
            packed += 16;
        }
    }
    EQ_UNROLL
    for (int32_t v = 0; v < 4; v++) {
        vst1q_s32(bias + 4 * v, vmlaq_s32(vdupq_n_s32(both), sums[v], vdupq_n_s32(-p->a_zero_point)));
    }
}

/* The sum of a row of a. */
EQ_INLINE int32_t eq_row_sum(const int8_t *row, int32_t depth)
{
    const int8x16_t ones = vdupq_n_s8(1);
    int32x4_t sums = vdupq_n_s32(0);
    int32_t k = 0, four[4], sum;
    for (; k + 16 <= depth; k += 16) {
        sums = vdotq_s32(sums, vld1q_s8(row + k), ones);
    }
    vst1q_s32(four, sums);
    sum = four[0] + four[1] + four[2] + four[3];
    for (; k < depth; k++) {
        sum += row[k];
    }
    return sum;
}

/* Some rows times sixteen columns. */
EQ_INLINE void eq_block(const eq_conv2d_neon_params *c, const int8_t *a, const int32_t *row_sums, int32_t b_zero_point,
                        int8_t *to, int32_t columns, int32_t rows, const eq_finish *f)
{
    int32x4_t sums[EQ_TILE][4];
    const int8_t *at[EQ_TILE];
    for (int32_t i = 0; i < rows; i++) {
        at[i] = a + (int64_t)i * c->run;
    }
    eq_sums(c, at, 0, 0, rows, 4, sums);
    EQ_UNROLL
    for (int32_t i = 0; i < rows; i++) {
        const int32x4_t less = vdupq_n_s32(-b_zero_point * row_sums[i]);
        EQ_UNROLL
        for (int32_t v = 0; v < 4; v++) {
            sums[i][v] = vaddq_s32(sums[i][v], less);
        }
        eq_store_columns(sums[i], to, columns, f);
        to += c->out_c;
    }
}

static inline void eq_matrix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                             int8_t *scratch, const eq_finish *f)
{
    const int32_t run = (p->depth + 7) / 8 * 8, rows = p->rows, cols = p->cols;
    int32_t *const row_sums = (int32_t *)(void *)scratch, *const bias = row_sums + rows;
    int8_t *const packed = scratch + 4 * ((int64_t)rows + EQ_COLUMNS), *const filled = packed + EQ_COLUMNS * run;
    for (int32_t r = 0; r < rows; r++) {
        const int8_t *const row = a + (int64_t)r * p->depth;
        row_sums[r] = p->b_zero_point == 0 ? 0 : eq_row_sum(row, p->depth);
        if (run != p->depth) {
            int8_t *const to = filled + (int64_t)r * run;
            memset(to + run - 8, 0, 8);
            memcpy(to, row, (size_t)p->depth);
        }
    }
    eq_conv2d_neon_params c = {0};
    c.out_c = cols;
    c.lines = 1;
    c.run = run;
    c.weights = packed;
    c.bias = bias;
    const int8_t *const lines = run == p->depth ? a : filled;
    for (int32_t q = 0; EQ_COLUMNS * q < cols; q++) {
        const int32_t column = eq_first_column(q, cols);
        int8_t *to = output + column;
        int32_t r = 0;
        eq_pack_columns(p, b, column, run, packed, bias);
        for (; r + EQ_TILE <= rows; r += EQ_TILE) {
            eq_block(&c, lines + (int64_t)r * run, row_sums + r, p->b_zero_point, to, cols, EQ_TILE, f);
            to += EQ_TILE * (int64_t)cols;
        }
        for (; r < rows; r++) {
            eq_block(&c, lines + (int64_t)r * run, row_sums + r, p->b_zero_point, to, cols, 1, f);
            to += cols;
        }
    }
}

#define EQ_DEFINE(suffix, rounding) EQ_DEFINE_MAT_MUL(dotprod, suffix, rounding)
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
