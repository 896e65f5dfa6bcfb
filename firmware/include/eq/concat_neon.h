/* Joining tensors that tables bring to one scale, with Arm's vectors. */
#ifndef EQ_CONCAT_NEON_H
#define EQ_CONCAT_NEON_H

#include "eq/concat.h"

void eq_concat_neon(const eq_concat_params *p, const int8_t *const *inputs, int8_t *output);

#endif
