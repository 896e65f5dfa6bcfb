/* Operands that are contiguous along a row, or the same all along it. */
#ifndef EQ_MVE_OPERAND_H
#define EQ_MVE_OPERAND_H

#include "eq/mve.h"

/* Elements i to i + 3 of a row of n. */
EQ_INLINE eq_s32x4 eq_operand(const int8_t *row, int32_t stride, int32_t i, int32_t n)
{
    return stride ? eq_load_s8_to_s32_n(row + i, n - i) : eq_dup_s32(*row);
}

#endif
