#include "eq/dsp.h"
#include "eq/elementwise_int16.h"
#include "inline.h"

enum { STEP_BITS = 6, MIDDLE = 1 << (15 - STEP_BITS) };

/* Two neighbouring entries, times what each counts, are one instruction. */
EQ_INLINE int16_t looked_up(const int16_t *middle, int32_t x)
{
    const int32_t part = x & ((1 << STEP_BITS) - 1);
    const int32_t shares = part * 65535 + (1 << STEP_BITS);
    int32_t entries;
    memcpy(&entries, middle + (x >> STEP_BITS), sizeof entries);
    return (int16_t)(eq_smlad(entries, shares, 1 << (STEP_BITS - 1)) >> STEP_BITS);
}

void eq_table_int16_dsp(const eq_table_int16_params *p, const int16_t *input, int16_t *output)
{
    const int16_t *const middle = p->table + MIDDLE, *const end = input + p->size;
    for (; end - input >= 4; input += 4, output += 4) {
        const int32_t a = input[0], b = input[1], c = input[2], d = input[3];
        output[0] = looked_up(middle, a);
        output[1] = looked_up(middle, b);
        output[2] = looked_up(middle, c);
        output[3] = looked_up(middle, d);
    }
    for (; input != end; input++) {
        *output++ = looked_up(middle, *input);
    }
}
