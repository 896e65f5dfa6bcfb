/* What kernels over rows share. */
#ifndef EQ_ROWS_H
#define EQ_ROWS_H

#include <stdint.h>

static inline int32_t eq_row_maximum(const int8_t *row, int32_t columns)
{
    int32_t maximum = row[0];
    for (int32_t i = 1; i < columns; i++) {
        if (row[i] > maximum) {
            maximum = row[i];
        }
    }
    return maximum;
}

/* The sum of the exponentials of a row, which have 15 fraction bits. */
static inline uint32_t eq_sum_exponentials(const uint16_t *exponentials, const int8_t *row, int32_t columns,
                                           int32_t maximum)
{
    uint32_t sum = 0;
    for (int32_t i = 0; i < columns; i++) {
        sum += exponentials[maximum - row[i]];
    }
    return sum;
}

/* The same with 31 fraction bits; the sum has 12 integer bits. */
static inline int32_t eq_sum_exponentials_q31(const int32_t *exponentials, const int8_t *row, int32_t columns,
                                              int32_t maximum)
{
    uint32_t sum = 0;
    for (int32_t i = 0; i < columns; i++) {
        sum += ((uint32_t)exponentials[maximum - row[i]] + (1U << 11)) >> 12;
    }
    return (int32_t)sum;
}

#endif
