#define EQ_X86 EQ_AVX2

#include "eq/winograd_x86.h"
#include "rows.h"

enum {
    EQ_TILES = 6, /* of 2x2 outputs, computed at once */
    EQ_POSITIONS = 16,
    EQ_PAIR = 2,
    EQ_SIXTEEN = EQ_PAIR * EQ_LANES
};

/* Where a tile of the output begins, and the 16 pixels that it is made of. */
typedef struct {
    int32_t y, x;
    const int8_t *pixels[EQ_POSITIONS];
} eq_tile;

EQ_INLINE eq_tile eq_tile_at(const eq_winograd_x86_params *p, const int8_t *image, const int8_t *outside, int32_t at)
{
    const int32_t across = (p->out_w + 1) / 2;
    eq_tile tile = {at / across * 2, at % across * 2, {0}};
    for (int32_t i = 0; i < EQ_POSITIONS; i++) {
        const int32_t y = tile.y - p->pad_top + i / 4, x = tile.x - p->pad_left + i % 4;
        const int inside = y >= 0 && y < p->in_h && x >= 0 && x < p->in_w;
        tile.pixels[i] = inside ? image + ((int64_t)y * p->in_w + x) * p->in_c : outside;
    }
    return tile;
}

/* B'd of four pixels, or d B. */
EQ_INLINE void eq_times_b(eq_halves d[4])
{
    const eq_halves d1 = d[1];
    d[0] = eq_halves_minus(d[0], d[2]);
    d[1] = eq_halves_plus(d1, d[2]);
    d[2] = eq_halves_minus(d[2], d1);
    d[3] = eq_halves_minus(d1, d[3]);
}

/* B'd B of sixteen channels, from channel c on; the positions are `apart` from one another. */
EQ_INLINE void eq_transform(const int8_t *const pixels[EQ_POSITIONS], int32_t c, int16_t *to, int64_t apart)
{
    eq_halves columns[4][4];
    EQ_UNROLL
    for (int32_t x = 0; x < 4; x++) {
        EQ_UNROLL
        for (int32_t y = 0; y < 4; y++) {
            columns[x][y] = eq_halves_of(pixels[4 * y + x] + c);
        }
        eq_times_b(columns[x]);
    }
    EQ_UNROLL
    for (int32_t y = 0; y < 4; y++) {
        eq_halves row[4] = {columns[0][y], columns[1][y], columns[2][y], columns[3][y]};
        eq_times_b(row);
        EQ_UNROLL
        for (int32_t x = 0; x < 4; x++, to += apart) {
            eq_store_halves(to, row[x]);
        }
    }
}

/* One position of all tiles, sixteen output channels: products with the input channels. */
EQ_INLINE void eq_products(const int16_t *v, const int16_t *weights, const int32_t *bias, int32_t channels,
                           eq_sums to[EQ_TILES][EQ_PAIR])
{
    eq_sums sums[EQ_TILES][EQ_PAIR];
    EQ_UNROLL
    for (int32_t i = 0; i < EQ_TILES; i++) {
        EQ_UNROLL
        for (int32_t k = 0; k < EQ_PAIR; k++) {
            sums[i][k] = bias ? eq_load_sums(bias + k * EQ_LANES) : eq_all(0);
        }
    }
    for (int32_t c = 0; c < channels; c += EQ_STEP, v += EQ_STEP, weights += EQ_SIXTEEN * EQ_STEP) {
        EQ_UNROLL
        for (int32_t i = 0; i < EQ_TILES; i++) {
            EQ_UNROLL
            for (int32_t k = 0; k < EQ_PAIR; k++) {
                sums[i][k] = eq_add_halves(sums[i][k], v + (int64_t)i * channels, weights + k * EQ_LANES * EQ_STEP);
            }
        }
    }
    EQ_UNROLL
    for (int32_t i = 0; i < EQ_TILES; i++) {
        EQ_UNROLL
        for (int32_t k = 0; k < EQ_PAIR; k++) {
            to[i][k] = sums[i][k];
        }
    }
}

/* a + b + c, or b - c - d: a row or a column of A'. */
EQ_INLINE eq_sums eq_first(eq_sums a, eq_sums b, eq_sums c)
{
    return eq_add(eq_add(a, b), c);
}

EQ_INLINE eq_sums eq_second(eq_sums b, eq_sums c, eq_sums d)
{
    return eq_subtract(eq_subtract(b, c), d);
}

/* The 2x2 outputs of one vector of channels, scaled. */
EQ_INLINE void eq_outputs(eq_sums sums[EQ_POSITIONS][EQ_TILES][EQ_PAIR], int32_t i, int32_t k,
                          const eq_factors *factors, eq_rounding rounding, eq_sums to[4])
{
    eq_sums upper[4], lower[4];
    EQ_UNROLL
    for (int32_t x = 0; x < 4; x++) {
        upper[x] = eq_first(sums[x][i][k], sums[4 + x][i][k], sums[8 + x][i][k]);
        lower[x] = eq_second(sums[4 + x][i][k], sums[8 + x][i][k], sums[12 + x][i][k]);
    }
    const eq_sums all[4] = {eq_first(upper[0], upper[1], upper[2]), eq_second(upper[1], upper[2], upper[3]),
                            eq_first(lower[0], lower[1], lower[2]), eq_second(lower[1], lower[2], lower[3])};
    EQ_UNROLL
    for (int32_t y = 0; y < 4; y++) {
        to[y] = eq_scaled(eq_shift_right(all[y], eq_all(2)), factors, rounding);
    }
}

/* Sixteen channels, from channel c on, of some tiles. */
EQ_INLINE void eq_store_tiles(const eq_winograd_x86_params *p, eq_sums sums[EQ_POSITIONS][EQ_TILES][EQ_PAIR],
                              const eq_tile *tiles, int32_t count, int32_t c, int8_t *output, eq_rounding rounding)
{
    const eq_bounds bounds = eq_bounds_of(p->zero_point, p->qmin, p->qmax);
    const int32_t *const multiplier = p->multiplier + c, *const shift = p->shift + c;
    const eq_factors first = eq_factors_of(multiplier, shift, rounding);
    const eq_factors second = eq_factors_of(multiplier + EQ_LANES, shift + EQ_LANES, rounding);
    for (int32_t i = 0; i < count; i++) {
        eq_sums low[4], high[4];
        eq_outputs(sums, i, 0, &first, rounding, low);
        eq_outputs(sums, i, 1, &second, rounding, high);
        int8_t *to = output + ((int64_t)tiles[i].y * p->out_w + tiles[i].x) * p->out_c + c;
        for (int32_t y = 0; y < 2 && tiles[i].y + y < p->out_h; y++, to += (int64_t)p->out_w * p->out_c) {
            const eq_sums four[4] = {low[2 * y], high[2 * y], low[2 * y + 1], high[2 * y + 1]};
            if (tiles[i].x + 1 < p->out_w) {
                eq_store_pairs(to, p->out_c, four, bounds);
            } else {
                eq_store_pair(to, four[0], four[1], bounds);
            }
        }
    }
}

/* Compiled once: which rounding it is costs a branch for each vector of sums. */
static __attribute__((noinline)) void eq_winograd(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output,
                                                  void *scratch, eq_rounding rounding)
{
    const int32_t tiles = (p->out_h + 1) / 2 * ((p->out_w + 1) / 2);
    const int64_t apart = (int64_t)EQ_TILES * p->in_c, strip = (int64_t)EQ_SIXTEEN * p->in_c;
    int16_t *const v = eq_aligned(scratch);
    int8_t *const outside = (int8_t *)(v + EQ_POSITIONS * apart);
    memset(outside, p->pad_value, (size_t)p->in_c);
    memset(v, 0, (size_t)(EQ_POSITIONS * apart) * sizeof *v); /* where there are fewer tiles */
    for (int32_t n = 0; n < p->batch; n++) {
        for (int32_t at = 0; at < tiles; at += EQ_TILES) {
            const int32_t count = tiles - at < EQ_TILES ? tiles - at : EQ_TILES;
            eq_tile these[EQ_TILES];
            for (int32_t i = 0; i < count; i++) {
                these[i] = eq_tile_at(p, input, outside, at + i);
                for (int32_t c = 0; c < p->in_c; c += 16) {
                    eq_transform(these[i].pixels, c, v + (int64_t)i * p->in_c + c, apart);
                }
            }
            const int16_t *weights = p->weights;
            for (int32_t c = 0; c < p->out_c; c += EQ_SIXTEEN) {
                eq_sums sums[EQ_POSITIONS][EQ_TILES][EQ_PAIR];
                for (int32_t k = 0; k < EQ_POSITIONS; k++, weights += strip) {
                    /* The position in the second row and column is in all four outputs, once. */
                    eq_products(v + k * apart, weights, k == 5 ? p->bias + c : NULL, p->in_c, sums[k]);
                }
                eq_store_tiles(p, sums, these, count, c, output, rounding);
            }
        }
        input += (int64_t)p->in_h * p->in_w * p->in_c;
        output += (int64_t)p->out_h * p->out_w * p->out_c;
    }
}

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_winograd_avx2_##suffix(const eq_winograd_x86_params *p, const int8_t *input, int8_t *output,               \
                                   void *scratch)                                                                      \
    {                                                                                                                  \
        eq_winograd(p, input, output, scratch, rounding);                                                              \
    }
EQ_FOR_EACH_FORM(EQ_DEFINE)
