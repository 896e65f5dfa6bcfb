/* Matrix products with SMLAL: an element of a row of a times sixteen columns of b, both without their zero-points in 16
 * bits.
 *
 * scratch: if there are fewer than sixteen columns, sixteen bytes for each row of b. */
#include "mat_mul.h"

#if EQ_A64
#define EQ_TILE 4 /* rows */
/* Eight columns times a lane of four. */
#define EQ_ADD_PRODUCTS(low, high, columns, four, lane)                                                                \
    low = vmlal_lane_s16(low, vget_low_s16(columns), four, lane);                                                      \
    high = vmlal_high_lane_s16(high, columns, four, lane)
#define EQ_SUBTRACT_HIGH(a, b) vsubl_high_s8(a, b)
#else
#define EQ_TILE 2
#define EQ_ADD_PRODUCTS(low, high, columns, four, lane)                                                                \
    low = vmlal_lane_s16(low, vget_low_s16(columns), four, lane);                                                      \
    high = vmlal_lane_s16(high, vget_high_s16(columns), four, lane)
#define EQ_SUBTRACT_HIGH(a, b) vsubl_s8(vget_high_s8(a), vget_high_s8(b))
#endif

/* Sums stay in registers if loads and products of other steps are not moved here. */
#if defined(__ARM_NEON)
#define EQ_KEEP(s, b) __asm__ volatile("" : "+w"((s)[0]), "+w"((s)[1]), "+w"((s)[2]), "+w"((s)[3]), "+r"(b))
#else
#define EQ_KEEP(s, b) ((void)(s))
#endif

/* The products of one element of each row. */
#define EQ_STEP(lane)                                                                                                  \
    do {                                                                                                               \
        const int8x16_t w = vld1q_s8(b);                                                                               \
        const int16x8_t low = vsubl_s8(vget_low_s8(w), vget_low_s8(b_zero)), high = EQ_SUBTRACT_HIGH(w, b_zero);       \
        b += cols;                                                                                                     \
        EQ_UNROLL                                                                                                      \
        for (int32_t i = 0; i < rows; i++) {                                                                           \
            EQ_ADD_PRODUCTS(sums[i][0], sums[i][1], low, x[i], lane);                                                  \
            EQ_ADD_PRODUCTS(sums[i][2], sums[i][3], high, x[i], lane);                                                 \
            EQ_KEEP(sums[i], b);                                                                                       \
        }                                                                                                              \
    } while (0)

/* Some rows of a times sixteen columns, whose rows are `cols` bytes apart. */
EQ_INLINE void eq_block(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int64_t cols, int8_t *to,
                        int32_t rows, const eq_finish *f)
{
    const int8x8_t a_zero = vget_low_s8(vdupq_n_s8((int8_t)p->a_zero_point));
    const int8x16_t b_zero = vdupq_n_s8((int8_t)p->b_zero_point);
    int32x4_t sums[EQ_TILE][4];
    int32_t k = 0;
    EQ_UNROLL
    for (int32_t i = 0; i < rows; i++) {
        EQ_UNROLL
        for (int32_t v = 0; v < 4; v++) {
            sums[i][v] = vdupq_n_s32(0);
        }
    }
    for (; k + 8 <= p->depth; k += 8) {
        int16x8_t all[EQ_TILE];
        int16x4_t x[EQ_TILE];
        EQ_UNROLL
        for (int32_t i = 0; i < rows; i++) {
            all[i] = vsubl_s8(vld1_s8(a + (int64_t)i * p->depth + k), a_zero);
            x[i] = vget_low_s16(all[i]);
        }
        EQ_STEP(0);
        EQ_STEP(1);
        EQ_STEP(2);
        EQ_STEP(3);
        EQ_UNROLL
        for (int32_t i = 0; i < rows; i++) {
            x[i] = vget_high_s16(all[i]);
        }
        EQ_STEP(0);
        EQ_STEP(1);
        EQ_STEP(2);
        EQ_STEP(3);
    }
    for (; k < p->depth; k++) {
        int16x4_t x[EQ_TILE];
        EQ_UNROLL
        for (int32_t i = 0; i < rows; i++) {
            x[i] = vdup_n_s16((int16_t)(a[(int64_t)i * p->depth + k] - p->a_zero_point));
        }
        EQ_STEP(0);
    }
    EQ_UNROLL
    for (int32_t i = 0; i < rows; i++) {
        eq_store_columns(sums[i], to + (int64_t)i * p->cols, p->cols, f);
    }
}

static inline void eq_matrix(const eq_mat_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output,
                             int8_t *scratch, const eq_finish *f)
{
    const int32_t rows = p->rows, cols = p->cols, step = cols < EQ_COLUMNS ? EQ_COLUMNS : cols;
    if (cols < EQ_COLUMNS) {
        for (int32_t k = 0; k < p->depth; k++) {
            vst1q_s8(scratch + (int64_t)EQ_COLUMNS * k, eq_columns_of(p, b, k, 0));
        }
        b = scratch;
    }
    for (int32_t q = 0; EQ_COLUMNS * q < cols; q++) {
        const int32_t column = eq_first_column(q, cols);
        int8_t *to = output + column;
        int32_t r = 0;
        for (; r + EQ_TILE <= rows; r += EQ_TILE) {
            eq_block(p, a + (int64_t)r * p->depth, b + column, step, to, EQ_TILE, f);
            to += EQ_TILE * (int64_t)cols;
        }
        for (; r < rows; r++) {
            eq_block(p, a + (int64_t)r * p->depth, b + column, step, to, 1, f);
            to += cols;
        }
    }
}

#define EQ_DEFINE(suffix, rounding) EQ_DEFINE_MAT_MUL(neon, suffix, rounding)
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
