#include "eq/elementwise_int16.h"
#include "eq/mve.h"

enum { STEP_BITS = 6, MIDDLE = 1 << (15 - STEP_BITS) };

/* Four elements at once. */
void eq_table_int16_mve(const eq_table_int16_params *p, const int16_t *input, int16_t *output)
{
    const int16_t *const table = p->table;
    const eq_s32x4 below = eq_dup_s32((1 << STEP_BITS) - 1);
    for (int32_t left = p->size; left > 0; left -= 4, input += 4, output += 4) {
        const eq_s32x4 x = eq_load_s16_to_s32_n(input, left);
        const eq_s32x4 index = eq_add_scalar_s32(eq_right_n_s32(x, STEP_BITS), MIDDLE);
        const eq_s32x4 first = eq_gather_s16_to_s32(table, index), second = eq_gather_s16_to_s32(table + 1, index);
        const eq_s32x4 part = eq_multiply_s32(eq_subtract_s32(second, first), eq_and_s32(x, below));
        const eq_s32x4 whole = eq_add_s32(eq_left_n_s32(first, STEP_BITS), part);
        eq_store_s32_to_s16_n(output, eq_rounding_right_n_s32(whole, STEP_BITS), left);
    }
}
