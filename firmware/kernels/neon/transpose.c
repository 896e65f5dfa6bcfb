#include "eq/neon.h"

typedef int8x16_t eq_bytes16;

EQ_INLINE eq_bytes16 eq_load_bytes16(const int8_t *from)
{
    return vld1q_s8(from);
}

EQ_INLINE void eq_store_bytes16(int8_t *to, eq_bytes16 a)
{
    vst1q_s8(to, a);
}

EQ_INLINE eq_bytes16 eq_zip_low(eq_bytes16 a, eq_bytes16 b)
{
#if EQ_A64
    return vzip1q_s8(a, b);
#else
    return vzipq_s8(a, b).val[0];
#endif
}

EQ_INLINE eq_bytes16 eq_zip_high(eq_bytes16 a, eq_bytes16 b)
{
#if EQ_A64
    return vzip2q_s8(a, b);
#else
    return vzipq_s8(a, b).val[1];
#endif
}

EQ_INLINE void eq_store_threes(int8_t *to, const eq_bytes16 a[3])
{
    int8x16x3_t three;
    three.val[0] = a[0];
    three.val[1] = a[1];
    three.val[2] = a[2];
    vst3q_s8(to, three);
}

EQ_INLINE void eq_load_threes(const int8_t *from, eq_bytes16 to[3])
{
    const int8x16x3_t three = vld3q_s8(from);
    to[0] = three.val[0];
    to[1] = three.val[1];
    to[2] = three.val[2];
}

#define EQ_BYTES16
#include "eq/transpose_squares.h"

void eq_transpose_neon(const eq_transpose_params *p, const int8_t *input, int8_t *output)
{
    eq_transpose(p, input, output);
}
