#include "eq/softmax_int16.h"
#include "eq/mve.h"

/* eq_exponential16 of four elements. */
EQ_INLINE eq_s32x4 exponentials(const eq_softmax_int16_params *p, eq_s32x4 maximum, const int16_t *input)
{
    const eq_s32x4 difference = eq_subtract_s32(maximum, eq_load_s16_to_s32_n(input, 4));
    const eq_s32x4 coarse = eq_gather_s32((const int32_t *)p->coarse, eq_right_n_s32(difference, 8));
    const eq_s32x4 fine = eq_gather_s32((const int32_t *)p->fine, eq_and_s32(difference, eq_dup_s32(255)));
    return eq_shift_u32(eq_multiply_s32(coarse, fine), -p->less);
}

static int32_t greatest(const int16_t *input, int32_t columns)
{
    int32_t found = INT16_MIN;
    for (; columns >= 8; columns -= 8, input += 8) {
        found = eq_max_across_s16(found, eq_load_s16(input));
    }
    for (; columns > 0; columns--, input++) {
        found = *input > found ? *input : found;
    }
    return found;
}

/* Two elements or more in a row, so that exponentials have 31 bits, and a quotient shifted by more than 32. */
void eq_softmax_int16_mve(const eq_softmax_int16_params *p, const int16_t *input, int16_t *output)
{
    const int32_t columns = p->columns, vectors = columns & ~3;
    const eq_s32x4 right = eq_dup_s32(32 - p->bits), most = eq_dup_s32(INT16_MAX);
    for (int32_t n = 0; n < p->rows; n++, input += columns, output += columns) {
        const int32_t top = greatest(input, columns);
        const eq_s32x4 maximum = eq_dup_s32(top);
        uint32_t sum = 0;
        int32_t i;
        for (i = 0; i < vectors; i += 4) {
            sum = (uint32_t)eq_add_across_s32((int32_t)sum, exponentials(p, maximum, input + i));
        }
        for (; i < columns; i++) {
            sum += eq_exponential16(p, top - input[i]);
        }
        const uint64_t inverse = eq_quotient31((uint32_t)p->factor, sum);
        const eq_s32x4 low = eq_dup_s32((int32_t)(uint32_t)inverse);
        for (i = 0; i < vectors; i += 4) {
            const eq_s32x4 e = exponentials(p, maximum, input + i);
            const eq_s32x4 upper = eq_multiply_scalar_s32(e, (int32_t)(inverse >> 32));
            const eq_s32x4 q = eq_rounding_shift_s32(eq_add_s32(upper, eq_high_u32(e, low)), right);
            eq_store_s32_to_s16_n(output + i, eq_min_s32(q, most), 4);
        }
        for (; i < columns; i++) {
            output[i] = eq_share16(p, eq_exponential16(p, top - input[i]), inverse);
        }
    }
}
