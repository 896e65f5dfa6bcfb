#include "eq/table.h"

void eq_table_ref(const eq_table_params *p, const int8_t *input, int8_t *output)
{
    const int8_t *table = p->table;
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = table[(uint8_t)input[i]];
    }
}

void eq_table_ref_float32(const eq_table_float32_params *p, const int8_t *input, float *output)
{
    const float *table = p->table;
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = table[(uint8_t)input[i]];
    }
}
