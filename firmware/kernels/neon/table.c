#include "eq/table_neon.h"
#include "lookup.h"

void eq_table_neon(const eq_table_params *p, const int8_t *input, int8_t *output)
{
    int32_t i = 0;
#if EQ_A64
    const eq_bytes table = eq_bytes_of(p->table);
    for (; i + 16 <= p->size; i += 16) {
        vst1q_s8(output + i, eq_looked_up(&table, vreinterpretq_u8_s8(vld1q_s8(input + i))));
    }
#endif
    for (; i < p->size; i++) {
        output[i] = p->table[(uint8_t)input[i]];
    }
}
