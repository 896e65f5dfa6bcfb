/* Walking over two tensors that are broadcast against each other.
 *
 * Every struct of parameters of such a kernel has the members
 *     int32_t shape[EQ_MAX_RANK];                               of the output; leading dimensions may be 1
 *     int32_t a_stride[EQ_MAX_RANK], b_stride[EQ_MAX_RANK];     elements; 0 along what is repeated
 *     const int8_t *constant;                                   operand b of the _const_ kernels */
#ifndef EQ_BROADCAST_H
#define EQ_BROADCAST_H

#include <stdint.h>

#define EQ_MAX_RANK 6

/* Where a walk is: the index of the current row, and the operands' elements at its start. */
typedef struct {
    int32_t index[EQ_MAX_RANK - 1];
    const int8_t *first, *second;
} eq_walk;

static inline eq_walk eq_walk_start(const int8_t *a, const int8_t *b)
{
    const eq_walk walk = {{0}, a, b};
    return walk;
}

/* Moves to the next row. Returns 0 after the last one. */
static inline int eq_walk_next(eq_walk *walk, const int32_t *shape, const int32_t *a_stride, const int32_t *b_stride)
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
#define EQ_FOR_EACH_PAIR(p, a, b, output, result)                                                                      \
    do {                                                                                                               \
        eq_walk walk = eq_walk_start(a, b);                                                                            \
        int8_t *out = output;                                                                                          \
        do {                                                                                                           \
            for (int32_t i = 0; i < (p)->shape[EQ_MAX_RANK - 1]; i++) {                                                \
                const int32_t x = walk.first[i * (p)->a_stride[EQ_MAX_RANK - 1]];                                      \
                const int32_t y = walk.second[i * (p)->b_stride[EQ_MAX_RANK - 1]];                                     \
                *out++ = (int8_t)(result);                                                                             \
            }                                                                                                          \
        } while (eq_walk_next(&walk, (p)->shape, (p)->a_stride, (p)->b_stride));                                       \
    } while (0)

#endif
