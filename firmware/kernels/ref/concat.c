#include "eq/concat.h"
#include "eq/copy.h"

void eq_concat_ref(const eq_concat_params *p, const int8_t *const *inputs, int8_t *output)
{
    for (int32_t n = 0; n < p->rows; n++) {
        for (int32_t k = 0; k < p->count; k++) {
            const int32_t size = p->sizes[k], source = p->sources[k];
            const int8_t *row = (source < 0 ? p->constants - 1 - source : inputs[source]) + n * size;
            if (p->table_of && p->table_of[k] >= 0) {
                const int8_t *table = p->tables + 256 * p->table_of[k];
                for (int32_t i = 0; i < size; i++) {
                    output[i] = table[(uint8_t)row[i]];
                }
            } else {
                eq_copy(output, row, size);
            }
            output += size;
        }
    }
}

void eq_concat_float32_ref(const eq_concat_params *p, const float *const *inputs, float *output)
{
    for (int32_t n = 0; n < p->rows; n++) {
        for (int32_t k = 0; k < p->count; k++) {
            const int32_t size = p->sizes[k], source = p->sources[k];
            const float *row = source < 0 ? (const float *)(const void *)p->constants - 1 - source : inputs[source];
            eq_copy((int8_t *)output, (const int8_t *)(row + n * size), size * (int32_t)sizeof *row);
            output += size;
        }
    }
}

void eq_concat_int16_ref(const eq_concat_params *p, const int16_t *const *inputs, int16_t *output)
{
    for (int32_t n = 0; n < p->rows; n++) {
        for (int32_t k = 0; k < p->count; k++) {
            const int32_t size = p->sizes[k], source = p->sources[k];
            const int16_t *row = source < 0 ? (const int16_t *)(const void *)p->constants - 1 - source : inputs[source];
            eq_copy((int8_t *)output, (const int8_t *)(row + n * size), size * (int32_t)sizeof *row);
            output += size;
        }
    }
}
