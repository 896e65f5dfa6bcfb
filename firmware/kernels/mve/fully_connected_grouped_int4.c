#include "row_int4.h"

#include "fully_connected_grouped.h"

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_fully_connected_grouped_int4_mve_##suffix(const eq_fully_connected_grouped_mve_params *p,                  \
                                                      const int8_t *input, int8_t *output)                             \
    {                                                                                                                  \
        fully_connected(p, input, output, eq_multiply_row_int4, 4, rounding);                                          \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
