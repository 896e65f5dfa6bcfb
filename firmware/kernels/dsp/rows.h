/* Rows of values times four rows of weights at once, for recurrent layers. Weights are those of four channels of
 * eq_fully_connected_dsp, mixed and without multipliers. */
#ifndef EQ_DSP_ROWS_H
#define EQ_DSP_ROWS_H

#include <stdint.h>
#include <string.h>

/* A row is read in turns of 16 values, then of four. */
typedef struct {
    const int8_t *begin, *turns_end, *end;
} eq_dsp_row;

typedef struct {
    eq_dsp_row x;
    int32_t *sums; /* four */
} eq_dsp_one_row;

typedef struct {
    eq_dsp_row x, h;
    int32_t *sums; /* four of x, four of h */
} eq_dsp_two_rows;

/* Sets the sums; returns the end of the weights. */
const int32_t *eq_dsp_multiply_one(const eq_dsp_one_row *t, const int32_t *weights);
const int32_t *eq_dsp_multiply_two(const eq_dsp_two_rows *t, const int32_t *weights);

/* `count` values, a multiple of four. */
static inline eq_dsp_row eq_dsp_row_of(const int8_t *values, int32_t count)
{
    const eq_dsp_row row = {values, values + (count & ~15), values + count};
    return row;
}

/* `count` values, copied where they are no multiple of four. buffer: room for them and up to three more, which are
 * multiplied with zeros. */
static inline eq_dsp_row eq_dsp_row_in_fours(const int8_t *values, int32_t count, int8_t *buffer)
{
    const int32_t whole = (count + 3) & ~3;
    if (whole != count) {
        memcpy(buffer, values, (size_t)count);
        values = buffer;
    }
    return eq_dsp_row_of(values, whole);
}

#endif
