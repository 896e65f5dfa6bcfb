#include "band.h"
#include "eq/concat_neon.h"
#include "lookup.h"

enum { EQ_FEW = 64 }; /* bytes for which a call of memcpy takes longer than copying them */

/* Some bytes of a table: sixteen at a time, the last ones together with some before them. */
EQ_INLINE void eq_convert_rows(const int8_t *table, const int8_t *from, int32_t rows, int32_t size, int8_t *to,
                               int32_t step)
{
#if EQ_A64
    if (size >= 16) {
        const eq_bytes t = eq_bytes_of(table);
        for (int32_t n = 0; n < rows; n++, from += size, to += step) {
            for (int32_t i = 0; i < size; i += 16) {
                const int32_t at = i + 16 <= size ? i : size - 16;
                vst1q_s8(to + at, eq_looked_up(&t, vreinterpretq_u8_s8(vld1q_s8(from + at))));
            }
        }
        return;
    }
#endif
    for (int32_t n = 0; n < rows; n++, from += size, to += step) {
        for (int32_t i = 0; i < size; i++) {
            to[i] = table[(uint8_t)from[i]];
        }
    }
}

void eq_concat_neon(const eq_concat_params *p, const int8_t *const *inputs, int8_t *output)
{
    int32_t step = 0;
    for (int32_t k = 0; k < p->count; k++) {
        step += p->sizes[k];
    }
    for (int32_t k = 0; k < p->count; k++) {
        const int32_t size = p->sizes[k], source = p->sources[k];
        const int8_t *from = source < 0 ? p->constants - 1 - source : inputs[source];
        if (p->table_of && p->table_of[k] >= 0) {
            eq_convert_rows(p->tables + 256 * p->table_of[k], from, p->rows, size, output, step);
        } else {
            for (int32_t n = 0; n < p->rows && size <= EQ_FEW; n++) {
                eq_copy_bytes(output + (int64_t)n * step, from + (int64_t)n * size, size);
            }
            for (int32_t n = 0; n < p->rows && size > EQ_FEW; n++) {
                memcpy(output + (int64_t)n * step, from + (int64_t)n * size, (size_t)size);
            }
        }
        output += size;
    }
}
