/* Joining tensors along one axis. */
#ifndef EQ_CONCAT_H
#define EQ_CONCAT_H

#include <stdint.h>

typedef struct {
    int32_t count;           /* operands */
    int32_t rows;            /* elements before the axis */
    const int32_t *sizes;    /* elements of one row of each operand */
    const int32_t *sources;  /* of each operand: its index among the inputs, or -1 - its offset in the constants */
    const int8_t *constants; /* constant operands, or NULL */
    const int32_t *table_of; /* of each operand: the table that brings it to the output's scale, or -1; NULL: none */
    const int8_t *tables;    /* 256 results each, in the order of the input's byte */
} eq_concat_params;

void eq_concat_ref(const eq_concat_params *p, const int8_t *const *inputs, int8_t *output);
/* The constants are the bytes of float32 numbers, sizes and offsets count numbers; tables are NULL. */
void eq_concat_float32_ref(const eq_concat_params *p, const float *const *inputs, float *output);
/* Likewise of int16 numbers. */
void eq_concat_int16_ref(const eq_concat_params *p, const int16_t *const *inputs, int16_t *output);

#endif
