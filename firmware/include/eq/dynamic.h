/* Products of float32 rows as integers of 8 bits, whose step is found at run time, with stored integer weights. */
#ifndef EQ_DYNAMIC_H
#define EQ_DYNAMIC_H

#include <stdint.h>

#include "eq/stored.h"

/* Writes a row as integers -127 ... 127; returns their step. */
float eq_in_steps(const float *row, int32_t count, int8_t *integers);

/* The sum of products of integers with a row of weights: that of a group is scaled, and added to those before. */
float eq_dynamic_sum(const eq_stored *weights, int32_t row, const int8_t *integers);

#endif
