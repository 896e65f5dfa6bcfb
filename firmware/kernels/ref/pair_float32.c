#include "eq/pair_float32.h"

#include "eq/float32.h"

/* Where a walk is: the index of the current row, and the operands' elements at its start. */
typedef struct {
    int32_t index[EQ_MAX_RANK - 1];
    const float *first, *second;
} walk_float32;

/* Moves to the next row. Returns 0 after the last one. */
static inline int next_row(walk_float32 *walk, const eq_pair_float32_params *p)
{
    for (int32_t d = EQ_MAX_RANK - 2; d >= 0; d--) {
        walk->first += p->a_stride[d];
        walk->second += p->b_stride[d];
        if (++walk->index[d] < p->shape[d]) {
            return 1;
        }
        walk->index[d] = 0;
        walk->first -= p->a_stride[d] * p->shape[d];
        walk->second -= p->b_stride[d] * p->shape[d];
    }
    return 0;
}

/* Stores `result`, an expression of the first operand x and the second one y, within the bounds of the activation. */
#define FOR_EACH_PAIR(p, a, b, output, result)                                                                         \
    do {                                                                                                               \
        walk_float32 walk = {{0}, a, b};                                                                               \
        float *out = output;                                                                                           \
        do {                                                                                                           \
            for (int32_t i = 0; i < (p)->shape[EQ_MAX_RANK - 1]; i++) {                                                \
                const float left = walk.first[i * (p)->a_stride[EQ_MAX_RANK - 1]];                                     \
                const float right = walk.second[i * (p)->b_stride[EQ_MAX_RANK - 1]];                                   \
                const float x = (p)->swapped ? right : left;                                                           \
                const float y = (p)->swapped ? left : right;                                                           \
                *out++ = eq_within(result, (p)->low, (p)->high);                                                       \
            }                                                                                                          \
        } while (next_row(&walk, p));                                                                                  \
    } while (0)

void eq_add_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x + y);
}

void eq_add_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x + y);
}

void eq_sub_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x - y);
}

void eq_sub_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x - y);
}

void eq_mul_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x * y);
}

void eq_mul_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x * y);
}

void eq_div_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, eq_quotient(x, y));
}

void eq_div_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, eq_quotient(x, y));
}

void eq_maximum_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x > y ? x : y);
}

void eq_maximum_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x > y ? x : y);
}

void eq_minimum_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x < y ? x : y);
}

void eq_minimum_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x < y ? x : y);
}

void eq_p_relu_float32_ref(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x >= 0.0f ? x : x * y);
}

void eq_p_relu_float32_const_ref(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x >= 0.0f ? x : x * y);
}

void eq_less_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x < y ? 1.0f : 0.0f);
}

void eq_less_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x < y ? 1.0f : 0.0f);
}

void eq_less_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x <= y ? 1.0f : 0.0f);
}

void eq_less_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x <= y ? 1.0f : 0.0f);
}

void eq_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x == y ? 1.0f : 0.0f);
}

void eq_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x == y ? 1.0f : 0.0f);
}

void eq_not_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x != y ? 1.0f : 0.0f);
}

void eq_not_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x != y ? 1.0f : 0.0f);
}

void eq_greater_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x > y ? 1.0f : 0.0f);
}

void eq_greater_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x > y ? 1.0f : 0.0f);
}

void eq_greater_equal_ref_float32(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, x >= y ? 1.0f : 0.0f);
}

void eq_greater_equal_const_ref_float32(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, x >= y ? 1.0f : 0.0f);
}

void eq_squared_difference_float32_ref(const eq_pair_float32_params *p, const float *a, const float *b, float *output)
{
    FOR_EACH_PAIR(p, a, b, output, (x - y) * (x - y));
}

void eq_squared_difference_float32_const_ref(const eq_pair_float32_params *p, const float *a, float *output)
{
    FOR_EACH_PAIR(p, a, p->constant, output, (x - y) * (x - y));
}
