#include "eq/normalize_int16.h"
#include "eq/thumb_inline.h"

/* floor(a / 2^right) of which 32 bits are enough; right in 1 ... 31 */
static inline int32_t shifted(int64_t a, int32_t right)
{
    const uint32_t low = (uint32_t)((uint64_t)a & 0xffffffffU), high = (uint32_t)((uint64_t)a >> 32);
    return (int32_t)(low >> right | high << (32 - right));
}

/* The same, within ±2^30; right in 2 ... 31 */
static inline int32_t within(int64_t a, int32_t right)
{
    const int32_t high = (int32_t)(a >> 32), bound = 1 << (right - 2);
    return high >= -bound && high < bound ? shifted(a, right) : high < 0 ? -(1 << 30) : 1 << 30;
}

/* Neighbours; `step` is a constant. The set's shift is in 1 ... 31. */
EQ_FLATTEN void normalize(const eq_normalize_int16_params *p, eq_normalizer16 set, const int16_t *in, int16_t *out,
                          const int32_t *scale, const int32_t *offset, int32_t step)
{
    const int32_t count = p->middle * p->inner, right = p->product_shift, fraction = p->fraction;
    const int32_t qmin = p->qmin, qmax = p->qmax;
    for (const int16_t *const end = in + p->inner; in != end; scale += step, offset += step) {
        const int32_t z = shifted((int64_t)(count * *in++ - set.total) * set.root, set.shift);
        const int32_t y = (within((int64_t)z * *scale, right) + *offset) >> fraction;
        *out++ = (int16_t)(y < qmin ? qmin : y > qmax ? qmax : y);
    }
}

void eq_normalize_int16_thumb2(const eq_normalize_int16_params *p, const int16_t *input, int16_t *output)
{
    const int32_t pixel = p->groups * p->inner, size = p->middle * pixel, count = p->middle * p->inner;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += p->inner) {
            int32_t sum = 0;
            int64_t squares = 0;
            for (int32_t at = first; at < size; at += pixel) {
                for (const int16_t *x = input + at, *const end = x + p->inner; x != end; x++) {
                    sum += *x;
                    squares += *x * *x;
                }
            }
            const eq_normalizer16 set = eq_normalizer16_of(p, sum, squares);
            const int32_t *const scale = p->scale + p->step * first, *const offset = p->offset + p->step * first;
            for (int32_t at = first; at < size; at += pixel) {
                if (set.shift < 1 || set.shift > 31) {
                    for (int32_t i = 0; i < p->inner; i++) {
                        output[at + i] = eq_normalized16(p, set, count, input[at + i], p->step * (first + i));
                    }
                } else if (p->step) {
                    normalize(p, set, input + at, output + at, scale, offset, 1);
                } else {
                    normalize(p, set, input + at, output + at, scale, offset, 0);
                }
            }
        }
    }
}
