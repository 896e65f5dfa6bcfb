#include "eq/table_neon.h"

#include "eq/neon.h"

#if EQ_A64

/* A quarter of the table, as an instruction takes it. */
EQ_INLINE int8x16x4_t eq_quarter(const int8_t *table)
{
    const int8x16x4_t quarter = {{vld1q_s8(table), vld1q_s8(table + 16), vld1q_s8(table + 32), vld1q_s8(table + 48)}};
    return quarter;
}

#endif

void eq_table_neon(const eq_table_params *p, const int8_t *input, int8_t *output)
{
    const int8_t *const table = p->table;
    int32_t i = 0;
#if EQ_A64
    const int8x16x4_t first = eq_quarter(table), second = eq_quarter(table + 64);
    const int8x16x4_t third = eq_quarter(table + 128), last = eq_quarter(table + 192);
    const uint8x16_t next = vdupq_n_u8(64);
    for (; i + 16 <= p->size; i += 16) {
        /* Indices beyond a quarter give 0, or leave what another quarter gave. */
        uint8x16_t index = vreinterpretq_u8_s8(vld1q_s8(input + i));
        int8x16_t found = vqtbl4q_s8(first, index);
        index = vsubq_u8(index, next);
        found = vqtbx4q_s8(found, second, index);
        index = vsubq_u8(index, next);
        found = vqtbx4q_s8(found, third, index);
        index = vsubq_u8(index, next);
        vst1q_s8(output + i, vqtbx4q_s8(found, last, index));
    }
#endif
    for (; i < p->size; i++) {
        output[i] = table[(uint8_t)input[i]];
    }
}
