#include "eq/stored.h"

#include <string.h>

#include "eq/lanes_float32.h"
#include "eq/packed.h"

/* The float32 value of a float16 one, which is finite. */
static inline float of_half(uint32_t half)
{
    const uint32_t magnitude = half & 0x7fffU;
    const uint32_t bits = ((magnitude << 13) + (112U << 23)) | (half & 0x8000U) << 16;
    float value;
    if (magnitude < 0x400U) { /* zero or subnormal: a multiple of 2^-24 */
        value = (float)(int32_t)magnitude * 5.9604644775390625e-8f;
        return half & 0x8000U ? -value : value;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void halves(const uint8_t *bytes, int32_t count, float *numbers, int32_t step)
{
    for (int32_t k = 0; k < count; k++, bytes += 2, numbers += step) {
        *numbers = of_half((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8);
    }
}

/* Elements of 1 to 7 bits from `index` on, all of one group. */
static void narrow(const eq_stored *stored, int32_t index, int32_t count, float scale, float *numbers, int32_t step)
{
    const uint32_t bits = (uint32_t)stored->bits, unused = 32U - bits;
    uint32_t at = (uint32_t)index * bits;
    for (int32_t k = 0; k < count; k++, at += bits, numbers += step) {
        const uint8_t *bytes = stored->elements + (at >> 3);
        const uint32_t pair = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
        const int32_t value = (int32_t)(pair << (unused - (at & 7U))) >> unused;
        *numbers = (float)(bits == 1U ? 2 * value + 1 : value) * scale;
    }
}

/* The same of any bits. */
static void scaled(const eq_stored *stored, int32_t index, int32_t count, float scale, float *numbers, int32_t step)
{
    if (stored->bits == 8) {
        const int8_t *elements = (const int8_t *)stored->elements + index;
        for (int32_t k = 0; k < count; k++, numbers += step) {
            *numbers = (float)elements[k] * scale;
        }
    } else if (stored->bits > 0) {
        narrow(stored, index, count, scale, numbers, step);
    } else {
        for (int32_t k = 0; k < count; k++, numbers += step) {
            *numbers = (float)eq_packed(stored->elements, index + k, stored->bits) * scale;
        }
    }
}

void eq_stored_run(const eq_stored *stored, int32_t row, int32_t begin, int32_t count, float *numbers, int32_t step)
{
    const int32_t start = row * stored->depth;
    if (!stored->scales) {
        halves(stored->elements + 2 * (start + begin), count, numbers, step);
        return;
    }
    const int32_t groups = (stored->depth + stored->group - 1) / stored->group;
    const float *scales = stored->scales + row * groups;
    for (int32_t end = begin + count; begin < end;) {
        const int32_t group = begin / stored->group, left = (group + 1) * stored->group - begin;
        const int32_t some = left < end - begin ? left : end - begin;
        scaled(stored, start + begin, some, scales[group], numbers, step);
        numbers += some * step;
        begin += some;
    }
}

void eq_stored_fours(const eq_stored *stored, int32_t row, int32_t rows, int32_t begin, int32_t count, float *numbers)
{
    for (int32_t lane = 0; lane < EQ_LANES; lane++) {
        if (lane < rows) {
            eq_stored_run(stored, row + lane, begin, count, numbers + lane, EQ_LANES);
        } else {
            for (int32_t k = 0; k < count; k++) {
                numbers[k * EQ_LANES + lane] = 0.0f;
            }
        }
    }
}

/* The products with four rows of bytes, in columns of one group. */
static void of_bytes(const eq_stored *stored, int32_t row, int32_t begin, int32_t count, const float *vector,
                     float *total)
{
    const int32_t depth = stored->depth, groups = (depth + stored->group - 1) / stored->group;
    const int8_t *wa = (const int8_t *)stored->elements + row * depth + begin, *wb = wa + depth, *wc = wb + depth;
    const int8_t *wd = wc + depth;
    const float *scale = stored->scales + row * groups + begin / stored->group;
    const float sa = scale[0], sb = scale[groups], sc = scale[2 * groups], sd = scale[3 * groups];
    float a = total[0], b = total[1], c = total[2], d = total[3];
    for (int32_t k = 0; k < count; k++) {
        const float x = vector[k];
        const float na = (float)wa[k] * sa, nb = (float)wb[k] * sb, nc = (float)wc[k] * sc, nd = (float)wd[k] * sd;
        const float pa = x * na, pb = x * nb, pc = x * nc, pd = x * nd;
        a = a + pa;
        b = b + pb;
        c = c + pc;
        d = d + pd;
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

void eq_stored_products(const eq_stored *stored, int32_t row, int32_t rows, const float *vector, float *total,
                        float *widened)
{
    const int32_t depth = stored->depth, bytes = stored->bits == 8 && rows == EQ_LANES;
    const int32_t at_once = bytes ? stored->group : EQ_STORED_AT_ONCE;
    for (int32_t k = 0; k < depth; k += at_once) {
        const int32_t some = depth - k < at_once ? depth - k : at_once;
        if (bytes) {
            of_bytes(stored, row, k, some, vector + k, total);
        } else {
            eq_stored_fours(stored, row, rows, k, some, widened);
            eq_add_products(vector + k, widened, some, total);
        }
    }
}
