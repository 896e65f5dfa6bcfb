/* Any function of one int8 value, from a table, on Helium. */
#ifndef EQ_TABLE_MVE_H
#define EQ_TABLE_MVE_H

#include "eq/table.h"

/* The output may be the input. */
void eq_table_mve(const eq_table_params *p, const int8_t *input, int8_t *output);

#endif
