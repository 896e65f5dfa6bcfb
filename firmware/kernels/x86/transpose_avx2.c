#define EQ_X86 EQ_AVX2

#include "vectors.h"

#if defined(__AVX2__)

typedef __m128i eq_bytes16;

EQ_INLINE eq_bytes16 eq_load_bytes16(const int8_t *from)
{
    return _mm_loadu_si128((const __m128i *)(const void *)from);
}

EQ_INLINE void eq_store_bytes16(int8_t *to, eq_bytes16 a)
{
    _mm_storeu_si128((__m128i *)(void *)to, a);
}

EQ_INLINE eq_bytes16 eq_zip_low(eq_bytes16 a, eq_bytes16 b)
{
    return _mm_unpacklo_epi8(a, b);
}

EQ_INLINE eq_bytes16 eq_zip_high(eq_bytes16 a, eq_bytes16 b)
{
    return _mm_unpackhi_epi8(a, b);
}

/* Of three vectors in turn, 48 bytes, for each vector and each sixteen of them: where these bytes are in it; and where
 * the vector's bytes are in them. -1: nowhere. */
static const int8_t in_vector[3][3][16] = {
    {{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},
     {-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},
     {-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1}},
    {{-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},
     {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},
     {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1}},
    {{-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1},
     {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1},
     {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}},
};
static const int8_t in_turn[3][3][16] = {
    {{0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13}},
    {{1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14}},
    {{2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1},
     {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15}},
};

EQ_INLINE eq_bytes16 eq_moved(eq_bytes16 a, const int8_t *places)
{
    return _mm_shuffle_epi8(a, eq_load_bytes16(places));
}

EQ_INLINE void eq_store_threes(int8_t *to, const eq_bytes16 a[3])
{
    EQ_UNROLL
    for (int32_t part = 0; part < 3; part++) {
        const eq_bytes16 two = _mm_or_si128(eq_moved(a[0], in_vector[0][part]), eq_moved(a[1], in_vector[1][part]));
        eq_store_bytes16(to + 16 * part, _mm_or_si128(two, eq_moved(a[2], in_vector[2][part])));
    }
}

EQ_INLINE void eq_load_threes(const int8_t *from, eq_bytes16 to[3])
{
    const eq_bytes16 a = eq_load_bytes16(from), b = eq_load_bytes16(from + 16), c = eq_load_bytes16(from + 32);
    EQ_UNROLL
    for (int32_t k = 0; k < 3; k++) {
        const eq_bytes16 two = _mm_or_si128(eq_moved(a, in_turn[k][0]), eq_moved(b, in_turn[k][1]));
        to[k] = _mm_or_si128(two, eq_moved(c, in_turn[k][2]));
    }
}

#else

typedef struct {
    int8_t lane[16];
} eq_bytes16;

EQ_INLINE eq_bytes16 eq_load_bytes16(const int8_t *from)
{
    eq_bytes16 a;
    memcpy(&a, from, sizeof a);
    return a;
}

EQ_INLINE void eq_store_bytes16(int8_t *to, eq_bytes16 a)
{
    memcpy(to, &a, sizeof a);
}

EQ_INLINE eq_bytes16 eq_zip_low(eq_bytes16 a, eq_bytes16 b)
{
    eq_bytes16 c;
    for (int32_t i = 0; i < 16; i++) {
        c.lane[i] = i % 2 == 0 ? a.lane[i / 2] : b.lane[i / 2];
    }
    return c;
}

EQ_INLINE eq_bytes16 eq_zip_high(eq_bytes16 a, eq_bytes16 b)
{
    eq_bytes16 c;
    for (int32_t i = 0; i < 16; i++) {
        c.lane[i] = i % 2 == 0 ? a.lane[8 + i / 2] : b.lane[8 + i / 2];
    }
    return c;
}

EQ_INLINE void eq_store_threes(int8_t *to, const eq_bytes16 a[3])
{
    for (int32_t i = 0; i < 48; i++) {
        to[i] = a[i % 3].lane[i / 3];
    }
}

EQ_INLINE void eq_load_threes(const int8_t *from, eq_bytes16 to[3])
{
    for (int32_t i = 0; i < 48; i++) {
        to[i % 3].lane[i / 3] = from[i];
    }
}

#endif

#define EQ_BYTES16
#include "eq/transpose_squares.h"

void eq_transpose_avx2(const eq_transpose_params *p, const int8_t *input, int8_t *output)
{
    eq_transpose(p, input, output);
}
