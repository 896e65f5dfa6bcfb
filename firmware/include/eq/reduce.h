/* Reductions over arbitrary dimensions: how their kernels walk a tensor. */
#ifndef EQ_REDUCE_H
#define EQ_REDUCE_H

#include <stdint.h>

#define EQ_REDUCE_DIMS 4

/* Sizes of groups of dimensions, outermost first, and how far apart elements along them lie. Unused ones have size 1.
 */
typedef struct {
    int32_t keep[EQ_REDUCE_DIMS], keep_stride[EQ_REDUCE_DIMS];
    int32_t fold[EQ_REDUCE_DIMS], fold_stride[EQ_REDUCE_DIMS];
    int32_t offset; /* -zero-point of the input times the number of elements summed */
    int32_t mantissa, shift;
    int32_t zero_point, qmin, qmax;
} eq_reduce_params;

/* Elements of all groups together. */
static inline int32_t eq_reduce_count(const int32_t size[EQ_REDUCE_DIMS])
{
    return size[0] * size[1] * size[2] * size[3];
}

/* Where element `index` of the groups lies. */
static inline int32_t eq_reduce_offset(int32_t index, const int32_t size[EQ_REDUCE_DIMS],
                                       const int32_t stride[EQ_REDUCE_DIMS])
{
    int32_t offset = 0;
    for (int32_t d = EQ_REDUCE_DIMS - 1; d >= 0; d--) {
        offset += index % size[d] * stride[d];
        index /= size[d];
    }
    return offset;
}

/* The sum of the elements that belong to one output, which start at `from`. */
static inline int32_t eq_reduce_sum(const int32_t fold[EQ_REDUCE_DIMS], const int32_t fold_stride[EQ_REDUCE_DIMS],
                                    const int8_t *from)
{
    const int32_t count = eq_reduce_count(fold);
    const int32_t inner = fold[EQ_REDUCE_DIMS - 1];
    int32_t total = 0;
    for (int32_t i = 0; i < count; i += inner) {
        const int8_t *in = from + eq_reduce_offset(i, fold, fold_stride);
        for (int32_t k = 0; k < inner; k++, in += fold_stride[EQ_REDUCE_DIMS - 1]) {
            total += *in;
        }
    }
    return total;
}

#endif
