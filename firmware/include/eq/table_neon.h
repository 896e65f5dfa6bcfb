/* Any function of one int8 value, from a table, with Arm's vectors of 128 bits. */
#ifndef EQ_TABLE_NEON_H
#define EQ_TABLE_NEON_H

#include "eq/table.h"

/* The output may be the input. */
void eq_table_neon(const eq_table_params *p, const int8_t *input, int8_t *output);

#endif
