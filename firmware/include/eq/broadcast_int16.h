/* Walking over two int16 tensors that are broadcast against each other: see broadcast.h. */
#ifndef EQ_BROADCAST_INT16_H
#define EQ_BROADCAST_INT16_H

#include "eq/broadcast.h"

/* Where a walk is: the index of the current row, and the operands' elements at its start. */
typedef struct {
    int32_t index[EQ_MAX_RANK - 1];
    const int16_t *first, *second;
} eq_walk16;

/* Moves to the next row. Returns 0 after the last one. */
static inline int eq_walk16_next(eq_walk16 *walk, const int32_t *shape, const int32_t *a_stride,
                                 const int32_t *b_stride)
{
    for (int32_t d = EQ_MAX_RANK - 2; d >= 0; d--) {
        walk->first += a_stride[d];
        walk->second += b_stride[d];
        if (++walk->index[d] < shape[d]) {
            return 1;
        }
        walk->index[d] = 0;
        walk->first -= a_stride[d] * shape[d];
        walk->second -= b_stride[d] * shape[d];
    }
    return 0;
}

/* Stores `result`, an expression of the operands int32_t x and y, for every element of the output, in order. */
#define EQ_FOR_EACH_PAIR16(p, a, b, output, result)                                                                    \
    do {                                                                                                               \
        eq_walk16 walk = {{0}, a, b};                                                                                  \
        int16_t *out = output;                                                                                         \
        do {                                                                                                           \
            for (int32_t i = 0; i < (p)->shape[EQ_MAX_RANK - 1]; i++) {                                                \
                const int32_t x = walk.first[i * (p)->a_stride[EQ_MAX_RANK - 1]];                                      \
                const int32_t y = walk.second[i * (p)->b_stride[EQ_MAX_RANK - 1]];                                     \
                *out++ = (int16_t)(result);                                                                            \
            }                                                                                                          \
        } while (eq_walk16_next(&walk, (p)->shape, (p)->a_stride, (p)->b_stride));                                     \
    } while (0)

#endif
