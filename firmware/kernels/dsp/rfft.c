#include "eq/butterfly_order.h"
#include "eq/dsp.h"
#include "eq/signal_dsp.h"

/* A value is a pair: the real part, then the imaginary one. What is divided by n is multiplied with (32767 / n), and
 * rounded; twice that, from which follows a result in the upper half. */
#define TWICE_BY_2 (2 * 16383)
#define TWICE_BY_4 (2 * 8191)

static inline int32_t load(const int16_t *x)
{
    return eq_load4((const int8_t *)x);
}

static inline void store(int16_t *x, int32_t pair)
{
    eq_store4((int8_t *)x, pair);
}

static inline int32_t divided(int32_t x, int32_t twice)
{
    return eq_pkhtb(eq_smlabb(x, twice, 1 << 15), eq_smlatb(x, twice, 1 << 15));
}

/* A value below a quarter of the range times a twiddle. */
static inline int32_t turned(int32_t x, int32_t twiddle)
{
    const int32_t twice = eq_sadd16(x, x);
    return eq_pkhtb(eq_smlsd(twice, twiddle, 1 << 15), eq_smladx(twice, twiddle, 1 << 15));
}

/* A pair of samples; behind the last one are zeros. */
static inline int32_t samples(const eq_rfft_dsp_params *p, const int16_t *input, int32_t k)
{
    if (2 * k + 1 < p->size) {
        return load(input + 2 * k);
    }
    return 2 * k < p->size ? (int32_t)(uint16_t)input[2 * k] : 0;
}

/* A transform of length 4 of divided values that stand `quarter` values apart. */
static inline void butterfly(int16_t *x, int32_t quarter, int32_t x0, int32_t x1, int32_t x2, int32_t x3)
{
    const int32_t sum = eq_sadd16(x0, x2), less = eq_ssub16(x0, x2);
    const int32_t both = eq_sadd16(x1, x3), other = eq_ssub16(x1, x3);
    store(x, eq_sadd16(sum, both));
    store(x + 2 * quarter, eq_ssax(less, other));
    store(x + 4 * quarter, eq_ssub16(sum, both));
    store(x + 6 * quarter, eq_sasx(less, other));
}

/* The first stage, whose twiddles are all 1, with which divided values stay as they are; returns its radix. */
static inline int32_t first_stage(const eq_rfft_dsp_params *p, const int16_t *input, int16_t *x)
{
    int32_t radix = p->half, source = 0;
    while (radix > 4) {
        radix /= 4;
    }
    const int32_t count = p->half / radix;
    for (int32_t k = 0; k < count; k++, x += 2 * radix) {
        const int32_t twice = radix == 2 ? TWICE_BY_2 : TWICE_BY_4;
        const int32_t x0 = divided(samples(p, input, source), twice);
        const int32_t x1 = divided(samples(p, input, source + count), twice);
        if (radix == 2) {
            store(x, eq_sadd16(x0, x1));
            store(x + 2, eq_ssub16(x0, x1));
        } else {
            const int32_t x2 = divided(samples(p, input, source + 2 * count), twice);
            butterfly(x, 1, x0, x1, x2, divided(samples(p, input, source + 3 * count), twice));
        }
        source = eq_following(source, count);
    }
    return radix;
}

/* Four transforms of length m, one after the other, to one of length 4 * m, for all of them. */
static inline const int16_t *stage(int16_t *x, int32_t half, int32_t m, const int16_t *twiddles)
{
    for (int16_t *block = x; block < x + 2 * half; block += 8 * m) {
        butterfly(block, m, divided(load(block), TWICE_BY_4), divided(load(block + 2 * m), TWICE_BY_4),
                  divided(load(block + 4 * m), TWICE_BY_4), divided(load(block + 6 * m), TWICE_BY_4));
        const int16_t *twiddle = twiddles;
        for (int16_t *y = block + 2; y < block + 2 * m; y += 2, twiddle += 6) {
            const int32_t x1 = turned(divided(load(y + 2 * m), TWICE_BY_4), load(twiddle));
            const int32_t x2 = turned(divided(load(y + 4 * m), TWICE_BY_4), load(twiddle + 2));
            const int32_t x3 = turned(divided(load(y + 6 * m), TWICE_BY_4), load(twiddle + 4));
            butterfly(y, m, divided(load(y), TWICE_BY_4), x1, x2, x3);
        }
    }
    return twiddles + 6 * (m - 1);
}

/* The spectrum of pairs as that of the samples, in place. */
static inline void separate(const eq_rfft_dsp_params *p, int16_t *x)
{
    const int32_t half = p->half, ends = divided(load(x), TWICE_BY_2);
    const int32_t a = (int16_t)ends, b = ends >> 16;
    x[0] = (int16_t)(a + b);
    x[1] = 0;
    x[2 * half] = (int16_t)(a - b);
    x[2 * half + 1] = 0;
    const int16_t *twiddle = p->super_twiddles;
    int16_t *here = x + 2, *there = x + 2 * (half - 1);
    for (; here <= there; here += 2, there -= 2, twiddle += 2) {
        const int32_t pair = load(there);
        const int32_t mirrored = divided(eq_halves(pair, eq_ssub16(0, pair)), TWICE_BY_2);
        const int32_t own = divided(load(here), TWICE_BY_2);
        const int32_t even = eq_sadd16(own, mirrored), less = eq_ssub16(own, mirrored), turn = load(twiddle);
        const int32_t odd = eq_pkhbt(eq_smlsd(less, turn, 1 << 14) >> 15, eq_smladx(less, turn, 1 << 14) >> 15);
        store(here, eq_shadd16(even, odd));
        store(there, eq_halves(eq_shsub16(even, odd), eq_shsub16(odd, even)));
    }
}

void eq_rfft_dsp(const eq_rfft_dsp_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->size, output += 2 * (p->half + 1)) {
        int32_t m = first_stage(p, input, output);
        for (const int16_t *twiddles = p->twiddles; m < p->half; m *= 4) {
            twiddles = stage(output, p->half, m, twiddles);
        }
        separate(p, output);
    }
}
