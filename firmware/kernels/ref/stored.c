#include "eq/stored.h"

#include "eq/half.h"
#include "eq/lanes_float32.h"
#include "eq/packed.h"

static void halves(const uint8_t *bytes, int32_t count, float *numbers, int32_t step)
{
    for (int32_t k = 0; k < count; k++, bytes += 2, numbers += step) {
        *numbers = eq_low_half((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8);
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

static inline uint32_t pair_of(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The products with four rows of float16 values. */
static void of_halves(const uint8_t *wa, int32_t depth, const float *vector, float *total)
{
    const uint8_t *wb = wa + 2 * depth, *wc = wb + 2 * depth, *wd = wc + 2 * depth;
    float a = total[0], b = total[1], c = total[2], d = total[3];
    int32_t k = 0;
    for (; k + 2 <= depth; k += 2, wa += 4, wb += 4, wc += 4, wd += 4) {
        const uint32_t pa = pair_of(wa), pb = pair_of(wb), pc = pair_of(wc), pd = pair_of(wd);
        const float x = vector[k], y = vector[k + 1];
        const float ax = x * eq_low_half(pa), bx = x * eq_low_half(pb);
        const float cx = x * eq_low_half(pc), dx = x * eq_low_half(pd);
        a = a + ax;
        b = b + bx;
        c = c + cx;
        d = d + dx;
        const float ay = y * eq_high_half(pa), by = y * eq_high_half(pb);
        const float cy = y * eq_high_half(pc), dy = y * eq_high_half(pd);
        a = a + ay;
        b = b + by;
        c = c + cy;
        d = d + dy;
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
    if (k < depth) {
        const uint8_t *last[EQ_LANES] = {wa, wb, wc, wd};
        for (int32_t lane = 0; lane < EQ_LANES; lane++) {
            const float product = vector[k] * eq_low_half((uint32_t)last[lane][0] | (uint32_t)last[lane][1] << 8);
            total[lane] = total[lane] + product;
        }
    }
}

/* Integer `index` of some bits in a byte. */
static inline float field(uint32_t byte, int32_t index, int32_t bits)
{
    return (float)((int32_t)(byte << (32 - bits - index * bits)) >> (32 - bits));
}

/* The products with four rows of integers of 4 or 2 bits, in columns of one group: all begin and end with a byte. */
static inline void of_fields(const eq_stored *stored, int32_t row, int32_t begin, int32_t count, const float *vector,
                             float *total, int32_t bits)
{
    const int32_t each = 8 / bits, depth = stored->depth / each,
                  groups = (stored->depth + stored->group - 1) / stored->group;
    const uint8_t *wa = stored->elements + row * depth + begin / each, *wb = wa + depth, *wc = wb + depth;
    const uint8_t *wd = wc + depth, *const end = wa + count / each;
    const float *scale = stored->scales + row * groups + begin / stored->group;
    const float sa = scale[0], sb = scale[groups], sc = scale[2 * groups], sd = scale[3 * groups];
    float a = total[0], b = total[1], c = total[2], d = total[3];
    while (wa < end) {
        const uint32_t ba = *wa++, bb = *wb++, bc = *wc++, bd = *wd++;
        for (int32_t k = 0; k < each; k++) {
            const float x = *vector++;
            const float na = field(ba, k, bits) * sa, nb = field(bb, k, bits) * sb;
            const float nc = field(bc, k, bits) * sc, nd = field(bd, k, bits) * sd;
            const float pa = x * na, pb = x * nb, pc = x * nc, pd = x * nd;
            a = a + pa;
            b = b + pb;
            c = c + pc;
            d = d + pd;
        }
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

/* The same of either width, each with loops of its own. */
static void of_four_or_two(const eq_stored *stored, int32_t row, int32_t begin, int32_t count, const float *vector,
                           float *total)
{
    if (stored->bits == 4) {
        of_fields(stored, row, begin, count, vector, total, 4);
    } else {
        of_fields(stored, row, begin, count, vector, total, 2);
    }
}

/* Whether rows and groups of integers of 4 or 2 bits begin and end with a byte. */
static inline int32_t are_fields(const eq_stored *stored)
{
    const int32_t bits = stored->bits;
    return (bits == 4 || bits == 2) && stored->depth * bits % 8 == 0 && stored->group * bits % 8 == 0;
}

void eq_stored_products(const eq_stored *stored, int32_t row, int32_t rows, const float *vector, float *total,
                        float *widened)
{
    const int32_t depth = stored->depth, four = rows == EQ_LANES;
    if (four && stored->bits == 16) {
        of_halves(stored->elements + 2 * row * depth, depth, vector, total);
        return;
    }
    const int32_t bytes = four && stored->bits == 8, fields = four && are_fields(stored);
    const int32_t at_once = bytes || fields ? stored->group : EQ_STORED_AT_ONCE;
    for (int32_t k = 0; k < depth; k += at_once) {
        const int32_t some = depth - k < at_once ? depth - k : at_once;
        if (bytes) {
            of_bytes(stored, row, k, some, vector + k, total);
        } else if (fields) {
            of_four_or_two(stored, row, k, some, vector + k, total);
        } else {
            eq_stored_fours(stored, row, rows, k, some, widened);
            eq_add_products(vector + k, widened, some, total);
        }
    }
}
