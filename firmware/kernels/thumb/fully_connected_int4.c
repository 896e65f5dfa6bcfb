#include "eq/fully_connected_int4_thumb.h"
#include "eq/thumb.h"
#include "eq/thumb_int4.h"
#include "store_row.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_int4_thumb_##suffix(const eq_fully_connected_int4_thumb_params *p, const int8_t *input,    \
                                                int8_t *output)                                                        \
    {                                                                                                                  \
        const int direct = eq_thumb_is_direct(rounding, p->shift, p->out_c);                                           \
        eq_thumb_int4_fully_connected(p, input, output, eq_thumb_four_rows_int4, store_row, direct, rounding);         \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
