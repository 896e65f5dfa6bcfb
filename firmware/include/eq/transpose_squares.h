/* The body of eq_transpose_*. What includes this defines EQ_BYTES16, EQ_INLINE and EQ_UNROLL, and of vectors of sixteen
 * bytes:
 *
 *   eq_bytes16        the type
 *   eq_load_bytes16, eq_store_bytes16
 *   eq_zip_low, eq_zip_high   the lower, the upper halves of two vectors, byte by byte in turn
 *   eq_store_threes   three vectors, byte by byte in turn
 *   eq_load_threes    the reverse */
#ifndef EQ_TRANSPOSE_SQUARES_H
#define EQ_TRANSPOSE_SQUARES_H

#include <string.h>

#include "eq/transpose.h"

#if defined(EQ_BYTES16)

enum { EQ_SIDE = 16 }; /* of a square */

/* A matrix, and where the tensors that it is a part of end. */
typedef struct {
    const int8_t *from, *from_end;
    int8_t *to, *to_end;
    int32_t rows, columns, apart, step;
} eq_matrix;

EQ_INLINE int32_t eq_fewer(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Rows become columns. Of the eight bits that say where a byte is, four for its row and four for its column, zipping
 * all rows with those eight further on makes the first one the last. */
EQ_INLINE void eq_turn(eq_bytes16 r[EQ_SIDE])
{
    EQ_UNROLL
    for (int32_t round = 0; round < 4; round++) {
        eq_bytes16 t[EQ_SIDE];
        EQ_UNROLL
        for (int32_t i = 0; i < EQ_SIDE / 2; i++) {
            t[2 * i] = eq_zip_low(r[i], r[i + EQ_SIDE / 2]);
            t[2 * i + 1] = eq_zip_high(r[i], r[i + EQ_SIDE / 2]);
        }
        EQ_UNROLL
        for (int32_t i = 0; i < EQ_SIDE; i++) {
            r[i] = t[i];
        }
    }
}

/* A square at row i, column j. */
EQ_INLINE void eq_square(const eq_matrix *m, int32_t i, int32_t j)
{
    eq_bytes16 r[EQ_SIDE];
    const int8_t *const from = m->from + (int64_t)i * m->apart + j;
    int8_t *const to = m->to + (int64_t)j * m->step + i;
    EQ_UNROLL
    for (int32_t k = 0; k < EQ_SIDE; k++) {
        r[k] = eq_load_bytes16(from + (int64_t)k * m->apart);
    }
    eq_turn(r);
    EQ_UNROLL
    for (int32_t k = 0; k < EQ_SIDE; k++) {
        eq_store_bytes16(to + (int64_t)k * m->step, r[k]);
    }
}

/* Sixteen bytes, of which `n` are meant; no others are read beyond the end. */
EQ_INLINE eq_bytes16 eq_load_begun(const int8_t *from, const int8_t *end, int32_t n)
{
    if (end - from >= EQ_SIDE) {
        return eq_load_bytes16(from);
    }
    int8_t some[EQ_SIDE] = {0};
    memcpy(some, from, (size_t)n);
    return eq_load_bytes16(some);
}

/* `n` bytes. With `over`, what follows them is written later, and may be anything until then. */
EQ_INLINE void eq_store_begun(int8_t *to, const int8_t *end, eq_bytes16 bytes, int32_t n, int over)
{
    if (over && end - to >= EQ_SIDE) {
        eq_store_bytes16(to, bytes);
        return;
    }
    int8_t some[EQ_SIDE];
    eq_store_bytes16(some, bytes);
    memcpy(to, some, (size_t)n);
}

/* Fewer than sixteen rows, columns from j on. */
EQ_INLINE void eq_low(const eq_matrix *m, int32_t j)
{
    eq_bytes16 r[EQ_SIDE];
    const int8_t *const from = m->from + j;
    for (int32_t k = 0; k < EQ_SIDE; k++) {
        r[k] = eq_load_bytes16(from + (int64_t)eq_fewer(k, m->rows - 1) * m->apart);
    }
    eq_turn(r);
    for (int32_t k = 0; k < EQ_SIDE; k++) {
        eq_store_begun(m->to + (int64_t)(j + k) * m->step, m->to_end, r[k], m->rows, m->step == m->rows);
    }
}

/* Fewer than sixteen columns, rows from i on. */
EQ_INLINE void eq_narrow(const eq_matrix *m, int32_t i)
{
    eq_bytes16 r[EQ_SIDE];
    for (int32_t k = 0; k < EQ_SIDE; k++) {
        r[k] = eq_load_begun(m->from + (int64_t)(i + k) * m->apart, m->from_end, m->columns);
    }
    eq_turn(r);
    for (int32_t k = 0; k < m->columns; k++) {
        eq_store_bytes16(m->to + (int64_t)k * m->step + i, r[k]);
    }
}

EQ_INLINE void eq_three_rows(const eq_matrix *m, int32_t j)
{
    const int8_t *const from = m->from + j;
    const eq_bytes16 three[3] = {eq_load_bytes16(from), eq_load_bytes16(from + m->apart),
                                 eq_load_bytes16(from + 2 * (int64_t)m->apart)};
    eq_store_threes(m->to + 3 * (int64_t)j, three);
}

EQ_INLINE void eq_three_columns(const eq_matrix *m, int32_t i)
{
    eq_bytes16 three[3];
    eq_load_threes(m->from + 3 * (int64_t)i, three);
    for (int32_t k = 0; k < 3; k++) {
        eq_store_bytes16(m->to + (int64_t)k * m->step + i, three[k]);
    }
}

/* Calls piece(m, k) for sixteen of n after another; the last ones overlap those before them. */
#define EQ_IN_SIXTEENS(piece, m, n)                                                                                    \
    for (int32_t eq_k = 0; eq_k < (n); eq_k += EQ_SIDE) {                                                              \
        piece(m, eq_fewer(eq_k, (n) - EQ_SIDE));                                                                       \
    }

EQ_INLINE void eq_transpose_matrix(const eq_matrix *m)
{
    if (m->rows == 3 && m->step == 3) {
        EQ_IN_SIXTEENS(eq_three_rows, m, m->columns)
    } else if (m->columns == 3 && m->apart == 3) {
        EQ_IN_SIXTEENS(eq_three_columns, m, m->rows)
    } else if (m->rows < EQ_SIDE) {
        EQ_IN_SIXTEENS(eq_low, m, m->columns)
    } else if (m->columns < EQ_SIDE) {
        EQ_IN_SIXTEENS(eq_narrow, m, m->rows)
    } else {
        for (int32_t j = 0; j < m->columns; j += EQ_SIDE) {
            const int32_t column = eq_fewer(j, m->columns - EQ_SIDE);
            for (int32_t i = 0; i < m->rows; i += EQ_SIDE) {
                eq_square(m, eq_fewer(i, m->rows - EQ_SIDE), column);
            }
        }
    }
}

EQ_INLINE void eq_transpose(const eq_transpose_params *p, const int8_t *input, int8_t *output)
{
    eq_matrix m = {input, input + p->size, output, output + p->size, p->rows, p->columns, p->apart, p->step};
    eq_walk walk = eq_walk_start(input, output);
    do {
        m.from = walk.first;
        m.to = output + (walk.second - output);
        eq_transpose_matrix(&m);
    } while (eq_walk_next(&walk, p->shape, p->in_stride, p->out_stride));
}

#endif

#endif
