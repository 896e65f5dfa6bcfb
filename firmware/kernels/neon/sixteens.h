/* Walking along rows of two operands in whole vectors. */
#ifndef EQ_NEON_SIXTEENS_H
#define EQ_NEON_SIXTEENS_H

#include "eq/neon.h"

/* Stores `result`, an expression of the vectors x and y, for sixteen elements of a row at a time; for the last ones in
 * buffers. A step is 1, or 0 for an operand of which the same sixteen bytes are read again and again. */
#define EQ_SIXTEENS(n, a, a_step, b, b_step, to, result)                                                               \
    do {                                                                                                               \
        int32_t eq_done = 0;                                                                                           \
        for (; eq_done + 16 <= (n); eq_done += 16) {                                                                   \
            const int8x16_t x = vld1q_s8((a) + eq_done * (a_step)), y = vld1q_s8((b) + eq_done * (b_step));            \
            vst1q_s8((to) + eq_done, result);                                                                          \
        }                                                                                                              \
        if (eq_done < (n)) {                                                                                           \
            int8_t eq_a[16] = {0}, eq_b[16] = {0}, eq_to[16];                                                          \
            const size_t eq_left = (size_t)((n) - eq_done);                                                            \
            memcpy(eq_a, (a) + eq_done * (a_step), eq_left);                                                           \
            memcpy(eq_b, (b) + eq_done * (b_step), eq_left);                                                           \
            const int8x16_t x = vld1q_s8(eq_a), y = vld1q_s8(eq_b);                                                    \
            vst1q_s8(eq_to, result);                                                                                   \
            memcpy((to) + eq_done, eq_to, eq_left);                                                                    \
        }                                                                                                              \
    } while (0)

#endif
