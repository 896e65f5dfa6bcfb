#include "eq/mve.h"
#include "eq/table_mve.h"

void eq_table_mve(const eq_table_params *p, const int8_t *input, int8_t *output)
{
#if EQ_MVE_NATIVE
    __asm__ volatile("dlstp.8 lr, %[n]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[from]], #16\n\t"
                     "vldrb.u8 q1, [%[table], q0]\n\t"
                     "vstrb.8 q1, [%[to]], #16\n\t"
                     "letp lr, 1b"
                     : [from] "+r"(input), [to] "+r"(output)
                     : [n] "r"(p->size), [table] "r"(p->table)
                     : "lr", "q0", "q1", "memory");
#else
    for (int32_t i = 0; i < p->size; i += 16) {
        eq_store_s8_n(output + i, eq_gather_s8(p->table, eq_load_s8_n(input + i, p->size - i)), p->size - i);
    }
#endif
}
