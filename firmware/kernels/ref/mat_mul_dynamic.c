#include "eq/mat_mul_dynamic.h"

void eq_mat_mul_dynamic_ref(const eq_mat_mul_stored_params *p, const float *a, const float *b, float *output,
                            void *scratch)
{
    eq_mat_mul_dynamic(p, a, b, output, scratch, eq_dynamic_in_c);
}

void eq_mat_mul_dynamic_const_a_ref(const eq_mat_mul_stored_params *p, const float *b, float *output, void *scratch)
{
    eq_mat_mul_dynamic_const_a(p, b, output, scratch, eq_dynamic_in_c);
}

void eq_mat_mul_dynamic_const_b_ref(const eq_mat_mul_stored_params *p, const float *a, float *output, void *scratch)
{
    eq_mat_mul_dynamic_const_b(p, a, output, scratch, eq_dynamic_in_c);
}
