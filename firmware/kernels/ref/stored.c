#include "eq/stored.h"

#include "eq/half.h"
#include "eq/lanes_float32.h"
#include "eq/packed.h"
#include "eq/stored_fours.h"

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

/* The same of either width, each with loops of its own. */
static void of_four_or_two(const eq_stored *stored, int32_t row, int32_t begin, int32_t count, const float *vector,
                           float *total)
{
    if (stored->bits == 4) {
        eq_fours_of_fields(stored, row, begin, count, vector, total, 4);
    } else {
        eq_fours_of_fields(stored, row, begin, count, vector, total, 2);
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
        eq_fours_of_halves(stored->elements + 2 * row * depth, depth, vector, total);
        return;
    }
    const int32_t bytes = four && stored->bits == 8, fields = four && are_fields(stored);
    const int32_t at_once = bytes || fields ? stored->group : EQ_STORED_AT_ONCE;
    for (int32_t k = 0; k < depth; k += at_once) {
        const int32_t some = depth - k < at_once ? depth - k : at_once;
        if (bytes) {
            eq_fours_of_bytes(stored, row, k, some, vector + k, total);
        } else if (fields) {
            of_four_or_two(stored, row, k, some, vector + k, total);
        } else {
            eq_stored_fours(stored, row, rows, k, some, widened);
            eq_add_products(vector + k, widened, some, total);
        }
    }
}
