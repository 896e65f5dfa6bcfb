#define EQ_X86 EQ_AVX2

#include "eq/resize_x86.h"
#include "vectors.h"

/* The channels of a pixel, without a call if they are few. */
EQ_INLINE void eq_copy_pixel(int8_t *to, const int8_t *from, int32_t n)
{
    if (n >= 16) {
        int32_t i = 0;
        for (; i + 16 <= n; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else {
        for (int32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
    }
}

void eq_resize_nearest_avx2(const eq_resize_nearest_params *p, const int8_t *input, int8_t *output)
{
    const int64_t line = (int64_t)p->out_w * p->channels, row = (int64_t)p->in_w * p->channels;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * row) {
        for (int32_t y = 0; y < p->out_h; y++, output += line) {
            if (y > 0 && p->rows[y] == p->rows[y - 1]) {
                memcpy(output, output - line, (size_t)line);
                continue;
            }
            for (int32_t x = 0; x < p->out_w; x++) {
                eq_copy_pixel(output + (int64_t)x * p->channels, input + p->rows[y] * row + p->columns[x] * p->channels,
                              p->channels);
            }
        }
    }
}

/* a * left + b * right for eight channels; `weights` has both in every lane. */
#if defined(__AVX2__)

EQ_INLINE eq_sums eq_beside(int16_t left, int16_t right)
{
    return _mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)left | (uint32_t)(uint16_t)right << 16));
}

EQ_INLINE eq_sums eq_between(const int8_t *a, const int8_t *b, eq_sums weights)
{
    const __m128i first = _mm_loadl_epi64((const __m128i *)(const void *)a);
    const __m128i second = _mm_loadl_epi64((const __m128i *)(const void *)b);
    return _mm256_madd_epi16(_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(first, second)), weights);
}

#else

EQ_INLINE eq_sums eq_beside(int16_t left, int16_t right)
{
    return eq_all(left * 65536 + right); /* neither is negative */
}

EQ_INLINE eq_sums eq_between(const int8_t *a, const int8_t *b, eq_sums weights)
{
    eq_sums sums;
    for (int32_t i = 0; i < EQ_LANES; i++) {
        sums.lane[i] = a[i] * (weights.lane[i] / 65536) + b[i] * (weights.lane[i] % 65536);
    }
    return sums;
}

#endif

void eq_resize_bilinear_avx2(const eq_resize_bilinear_params *p, const int8_t *input, int8_t *output)
{
    const int64_t row = (int64_t)p->in_w * p->channels;
    const int32_t unit = 1 << p->bits, channels = p->channels;
    const eq_sums half = eq_all(1 << (2 * p->bits - 1)), shift = eq_all(2 * p->bits);
    const eq_sums sign = eq_all(31), away = eq_all(p->away ? 1 : 0);
    const eq_bounds bounds = eq_bounds_of(0, -128, 127);
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * row) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const int8_t *const above = input + p->row_lower[y] * row, *const below = input + p->row_upper[y] * row;
            const eq_sums up = eq_all(unit - p->row_weight[y]), down = eq_all(p->row_weight[y]);
            for (int32_t x = 0; x < p->out_w; x++, output += channels) {
                const int64_t left = (int64_t)p->column_lower[x] * channels;
                const int64_t right = (int64_t)p->column_upper[x] * channels;
                const eq_sums weights = eq_beside((int16_t)(unit - p->column_weight[x]), p->column_weight[x]);
                for (int32_t i = 0; i < channels; i += EQ_LANES) {
                    const int32_t c = i + EQ_LANES <= channels ? i : channels - EQ_LANES;
                    const eq_sums first = eq_times(eq_between(above + left + c, above + right + c, weights), up);
                    const eq_sums second = eq_times(eq_between(below + left + c, below + right + c, weights), down);
                    const eq_sums sum = eq_add(first, second);
                    const eq_sums moved = eq_add(sum, eq_times(eq_shift_right(sum, sign), away)); /* halves */
                    eq_store_sums(output + c, eq_shift_right(eq_add(moved, half), shift), bounds);
                }
            }
        }
    }
}
