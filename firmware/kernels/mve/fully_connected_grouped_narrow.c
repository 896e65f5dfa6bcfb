#include "row_narrow.h"

enum { GROUP = 4 };

#include "fully_connected_grouped.h"

EQ_INLINE void multiply(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to, int32_t bits)
{
    eq_multiply_row_narrow(row, w, bias, to, eq_total_s8(row->x, row->k), bits);
}

static void multiply_int2(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to)
{
    multiply(row, w, bias, to, 2);
}

static void multiply_binary(const eq_row *row, const int8_t *w, const int32_t *bias, int32_t *to)
{
    multiply(row, w, bias, to, 1);
}

#define DEFINE_INT2(suffix, rounding)                                                                                  \
    void eq_fully_connected_grouped_int2_mve_##suffix(const eq_fully_connected_grouped_mve_params *p,                  \
                                                      const int8_t *input, int8_t *output)                             \
    {                                                                                                                  \
        fully_connected(p, input, output, multiply_int2, 2, rounding);                                                 \
    }
#define DEFINE_BINARY(suffix, rounding)                                                                                \
    void eq_fully_connected_grouped_binary_mve_##suffix(const eq_fully_connected_grouped_mve_params *p,                \
                                                        const int8_t *input, int8_t *output)                           \
    {                                                                                                                  \
        fully_connected(p, input, output, multiply_binary, 1, rounding);                                               \
    }
EQ_FOR_EACH_ROUNDING(DEFINE_INT2)
EQ_FOR_EACH_ROUNDING(DEFINE_BINARY)
