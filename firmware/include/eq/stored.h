/* Weights that are stored in fewer bits than the float32 numbers that they stand for. */
#ifndef EQ_STORED_H
#define EQ_STORED_H

#include <stdint.h>

/* A matrix, row by row. A number is an integer times the scale of its group, rounded once, or a float16 value. */
typedef struct {
    const uint8_t *elements; /* eq/packed.h, bytes, or float16 values, the low byte first */
    int32_t bits;            /* those of eq_weight; 16: float16 */
    int32_t depth;           /* elements of a row */
    int32_t group;           /* neighbours in a row that share a scale; the last of a row may be fewer */
    const float *scales;     /* (rows, groups); NULL for float16 */
} eq_stored;

/* Writes `count` numbers of a row from element `begin` on, `step` places apart. */
void eq_stored_run(const eq_stored *stored, int32_t row, int32_t begin, int32_t count, float *numbers, int32_t step);

/* Writes those of up to four rows (count, 4), zeros for the rows that there are not. */
void eq_stored_fours(const eq_stored *stored, int32_t row, int32_t rows, int32_t begin, int32_t count, float *numbers);

/* Columns that are widened at once for products with a single vector. */
#define EQ_STORED_AT_ONCE 16

/* Adds the products of a vector with up to four rows to their totals, one after the other.
 * widened: four numbers for each of EQ_STORED_AT_ONCE columns. */
void eq_stored_products(const eq_stored *stored, int32_t row, int32_t rows, const float *vector, float *total,
                        float *widened);

#endif
