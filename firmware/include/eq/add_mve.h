/* Sums and differences on Helium: the same calls as in eq/add.h, with multipliers that are not above one. */
#ifndef EQ_ADD_MVE_H
#define EQ_ADD_MVE_H

#include "eq/add.h"

void eq_add_mve_fast(const eq_add_fast_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_mve_fast(const eq_add_fast_params *p, const int8_t *a, int8_t *output);
void eq_add_mve_double(const eq_add_double_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_add_const_mve_double(const eq_add_double_params *p, const int8_t *a, int8_t *output);

#endif
