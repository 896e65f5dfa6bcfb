#include "eq/dsp.h"
#include "eq/normalize_dsp.h"
#include "inline.h"

/* As many elements as have sums of squares that surely fit 32 bits. */
enum { MOST = 1 << 16 };

static void add_statistics(const int8_t *from, int32_t count, int32_t *sum, int64_t *squares)
{
    const int32_t ones = eq_splat16(1);
    while (count > 0) {
        int32_t s = 0, q = 0, left = count < MOST ? count : MOST;
        count -= left;
        for (; left >= 4; left -= 4, from += 4) {
            const int32_t word = eq_load4(from), even = eq_sxtb16(word), odd = eq_sxtb16_ror8(word);
            s = eq_smlad(odd, ones, eq_smlad(even, ones, s));
            q = eq_smlad(odd, odd, eq_smlad(even, even, q));
        }
        for (; left > 0; left--, from++) {
            s += *from;
            q += *from * *from;
        }
        *sum += s;
        *squares += q;
    }
}

/* Elements in a row; `step` is a constant. Whole words, then what is left. */
EQ_INLINE void normalize(const eq_normalize_params *p, eq_normalizer set, const int8_t *in, int8_t *out,
                         const int32_t *scale, const int32_t *offset, int32_t step)
{
    const int32_t fraction = p->fraction, least = eq_splat8(p->qmin), most = eq_splat8(p->qmax);
    const int8_t *const end = in + p->inner;
    for (; end - in >= 4; in += 4, out += 4, scale += 4 * step, offset += 4 * step) {
        const int32_t word = eq_load4(in);
        const int32_t a = eq_ssat8(eq_normalized(set, (int8_t)word, scale[0], offset[0], fraction));
        const int32_t b = eq_ssat8(eq_normalized(set, (int8_t)(word >> 8), scale[step], offset[step], fraction));
        const int32_t c =
            eq_ssat8(eq_normalized(set, (int8_t)(word >> 16), scale[2 * step], offset[2 * step], fraction));
        const int32_t d = eq_ssat8(eq_normalized(set, word >> 24, scale[3 * step], offset[3 * step], fraction));
        const uint32_t even = (uint32_t)eq_pkhbt(a, c), odd = (uint32_t)eq_pkhbt(b, d);
        const int32_t bytes = (int32_t)((even & 0x00ff00ffU) | ((odd << 8) & 0xff00ff00U));
        eq_store4(out, eq_smin8(eq_smax8(bytes, least), most));
    }
    for (; in < end; in++, out++, scale += step, offset += step) {
        const int32_t y = eq_ssat8(eq_normalized(set, *in, *scale, *offset, fraction));
        *out = (int8_t)(y < p->qmin ? p->qmin : y > p->qmax ? p->qmax : y);
    }
}

void eq_normalize_dsp(const eq_normalize_params *p, const int8_t *input, int8_t *output)
{
    const int32_t pixel = p->groups * p->inner, size = p->middle * pixel;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += p->inner) {
            int32_t sum = 0;
            int64_t squares = 0;
            for (int32_t at = first; at < size; at += pixel) {
                add_statistics(input + at, p->inner, &sum, &squares);
            }
            const eq_normalizer set = eq_normalizer_of(p, sum, squares);
            for (int32_t at = first; at < size; at += pixel) {
                if (p->step) {
                    normalize(p, set, input + at, output + at, p->scale + first, p->offset + first, 1);
                } else {
                    normalize(p, set, input + at, output + at, p->scale, p->offset, 0);
                }
            }
        }
    }
}
