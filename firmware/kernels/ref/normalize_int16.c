#include "eq/normalize_int16.h"

#include "eq/normalize.h"

/* How the elements of a set are normalized. */
typedef struct {
    int32_t total, root, shift;
} normalizer;

static normalizer normalizer_of(const eq_normalize_int16_params *p, int32_t sum, int64_t squares)
{
    const int64_t count = p->middle * p->inner;
    const int64_t spread = count * squares - (p->centred ? (int64_t)sum * sum : 0);
    const int64_t shifted = p->shift >= 0 ? spread << p->shift : spread >> -p->shift;
    const int64_t epsilon = (int64_t)p->epsilon << p->epsilon_shift;
    int64_t m = !p->greater ? shifted + epsilon : shifted > epsilon ? shifted : epsilon;
    int32_t shift = p->exponent;
    m = m > 0 ? m : 1;
    for (; m >> 22; m >>= 2) {
        shift++;
    }
    for (; !(m >> 20); m <<= 2) {
        shift--;
    }
    const normalizer n = {p->centred ? sum : 0, eq_inverse_root((uint32_t)m), shift < 63 ? shift : 63};
    return n;
}

/* A set has at most 2^14 elements, so that the difference has 31 bits; what is normalized has as many. */
static inline int16_t normalized(const eq_normalize_int16_params *p, normalizer n, int32_t count, int32_t q, int32_t at)
{
    const int64_t product = (int64_t)(count * q - n.total) * n.root;
    const int32_t z = (int32_t)(n.shift >= 0 ? product >> n.shift : product * ((int64_t)1 << -n.shift));
    const int64_t y = ((((int64_t)z * p->scale[at]) >> p->product_shift) + p->offset[at]) >> p->fraction;
    return (int16_t)(y < p->qmin ? p->qmin : y > p->qmax ? p->qmax : y);
}

void eq_normalize_int16_ref(const eq_normalize_int16_params *p, const int16_t *input, int16_t *output)
{
    const int32_t pixel = p->groups * p->inner, size = p->middle * pixel, count = p->middle * p->inner;
    for (int32_t n = 0; n < p->outer; n++, input += size, output += size) {
        for (int32_t first = 0; first < pixel; first += p->inner) {
            int32_t sum = 0;
            int64_t squares = 0;
            for (int32_t at = first; at < size; at += pixel) {
                for (int32_t i = 0; i < p->inner; i++) {
                    sum += input[at + i];
                    squares += input[at + i] * input[at + i];
                }
            }
            const normalizer set = normalizer_of(p, sum, squares);
            for (int32_t at = first; at < size; at += pixel) {
                for (int32_t i = 0; i < p->inner; i++) {
                    output[at + i] = normalized(p, set, count, input[at + i], p->step * (first + i));
                }
            }
        }
    }
}
