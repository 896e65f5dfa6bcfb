/* Products on Helium: the same calls as in eq/mul.h, with multipliers that are below one. */
#ifndef EQ_MUL_MVE_H
#define EQ_MUL_MVE_H

#include "eq/mul.h"

void eq_mul_mve_fast(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_mve_single(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_mve_double(const eq_mul_params *p, const int8_t *a, const int8_t *b, int8_t *output);
void eq_mul_const_mve_fast(const eq_mul_params *p, const int8_t *a, int8_t *output);
void eq_mul_const_mve_single(const eq_mul_params *p, const int8_t *a, int8_t *output);
void eq_mul_const_mve_double(const eq_mul_params *p, const int8_t *a, int8_t *output);

#endif
