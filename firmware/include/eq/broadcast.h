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

/* Defines a walk over elements of a type: where it is, which is the index of the current row and the operands' elements
 * at its start; name_start; name_next, which moves to the next row and returns 0 after the last one. */
#define EQ_WALK(name, element)                                                                                         \
    typedef struct {                                                                                                   \
        int32_t index[EQ_MAX_RANK - 1];                                                                                \
        const element *first, *second;                                                                                 \
    } name;                                                                                                            \
    static inline name name##_start(const element *a, const element *b)                                                \
    {                                                                                                                  \
        const name walk = {{0}, a, b};                                                                                 \
        return walk;                                                                                                   \
    }                                                                                                                  \
    static inline int name##_next(name *walk, const int32_t *shape, const int32_t *a_stride, const int32_t *b_stride)  \
    {                                                                                                                  \
        for (int32_t d = EQ_MAX_RANK - 2; d >= 0; d--) {                                                               \
            walk->first += a_stride[d];                                                                                \
            walk->second += b_stride[d];                                                                               \
            if (++walk->index[d] < shape[d]) {                                                                         \
                return 1;                                                                                              \
            }                                                                                                          \
            walk->index[d] = 0;                                                                                        \
            walk->first -= a_stride[d] * shape[d];                                                                     \
            walk->second -= b_stride[d] * shape[d];                                                                    \
        }                                                                                                              \
        return 0;                                                                                                      \
    }

EQ_WALK(eq_walk, int8_t)

/* Stores `result`, an expression of the operands int32_t x and y, for every element of the output, in order. */
#define EQ_FOR_EACH_PAIR_OF(walk_type, element, p, a, b, output, result)                                               \
    do {                                                                                                               \
        walk_type walk = walk_type##_start(a, b);                                                                      \
        element *out = output;                                                                                         \
        do {                                                                                                           \
            for (int32_t i = 0; i < (p)->shape[EQ_MAX_RANK - 1]; i++) {                                                \
                const int32_t x = walk.first[i * (p)->a_stride[EQ_MAX_RANK - 1]];                                      \
                const int32_t y = walk.second[i * (p)->b_stride[EQ_MAX_RANK - 1]];                                     \
                *out++ = (element)(result);                                                                            \
            }                                                                                                          \
        } while (walk_type##_next(&walk, (p)->shape, (p)->a_stride, (p)->b_stride));                                   \
    } while (0)

#define EQ_FOR_EACH_PAIR(p, a, b, output, result) EQ_FOR_EACH_PAIR_OF(eq_walk, int8_t, p, a, b, output, result)

#endif
