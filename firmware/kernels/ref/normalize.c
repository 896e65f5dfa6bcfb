#include "eq/normalize.h"
#include "eq/requant.h"

/* Sum and sum of squares of elements that lie `stride` apart are added to what is there. */
static void add_statistics(const int8_t *from, int32_t count, int32_t stride, int32_t *sum, int64_t *squares)
{
    int32_t s = 0;
    int64_t q = 0;
    for (int32_t i = 0; i < count; i++, from += stride) {
        s += *from;
        q += *from * *from;
    }
    *sum += s;
    *squares += q;
}

/* Elements that lie `stride` apart; their scales and offsets lie `step` apart. */
static void normalize(const eq_normalize_params *p, eq_normalizer set, const int8_t *in, int8_t *out, int32_t count,
                      int32_t stride, const int32_t *scale, const int32_t *offset, int32_t step)
{
    const int32_t fraction = p->fraction, qmin = p->qmin, qmax = p->qmax;
    for (int32_t i = 0; i < count; i++, in += stride, out += stride, scale += step, offset += step) {
        *out = (int8_t)eq_clamp(eq_normalized(set, *in, *scale, *offset, fraction), qmin, qmax);
    }
}

void eq_normalize_ref(const eq_normalize_params *p, const int8_t *input, int8_t *output)
{
    const int32_t inner = p->inner, pixel = p->groups * inner, size = p->middle * pixel;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += inner) {
            const int32_t *const scale = p->scale + first * p->step, *const offset = p->offset + first * p->step;
            int32_t sum = 0;
            int64_t squares = 0;
            if (inner == 1) { /* a channel: one walk over all pixels */
                add_statistics(input + first, p->middle, pixel, &sum, &squares);
                const eq_normalizer set = eq_normalizer_of(p, sum, squares);
                normalize(p, set, input + first, output + first, p->middle, pixel, scale, offset, 0);
                continue;
            }
            for (int32_t at = first; at < size; at += pixel) {
                add_statistics(input + at, inner, 1, &sum, &squares);
            }
            const eq_normalizer set = eq_normalizer_of(p, sum, squares);
            for (int32_t at = first; at < size; at += pixel) {
                normalize(p, set, input + at, output + at, inner, 1, scale, offset, p->step);
            }
        }
    }
}
