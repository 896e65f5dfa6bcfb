/* Any function of one int8 value, from a table. */
#ifndef EQ_TABLE_H
#define EQ_TABLE_H

#include <stdint.h>

typedef struct {
    int32_t size;        /* elements */
    const int8_t *table; /* 256 results, in the order of the input's byte: for 0..127, then for -128..-1 */
} eq_table_params;

typedef struct {
    int32_t size;       /* elements */
    const float *table; /* 256 results, in the same order */
} eq_table_float32_params;

/* The output may be the input. */
void eq_table_ref(const eq_table_params *p, const int8_t *input, int8_t *output);
void eq_table_ref_float32(const eq_table_float32_params *p, const int8_t *input, float *output);

#endif
