#include "eq/pad.h"
#include "eq/copy.h"

#define LAST (EQ_PAD_RANK - 1)

/* The index along dimension d of the input that the output has at `index`; -1: none. */
static inline int32_t source(const eq_pad_params *p, int32_t d, int32_t index)
{
    const int32_t at = index - p->before[d], size = p->in_shape[d];
    if (at >= 0 && at < size) {
        return at;
    }
    if (p->mode == EQ_PAD_REFLECT) {
        return at < 0 ? -at : 2 * (size - 1) - at;
    }
    return p->mode == EQ_PAD_CONSTANT ? -1 : at < 0 ? 0 : size - 1;
}

/* The row of the input that belongs to a row of the output; NULL: none. */
static inline const int8_t *source_row(const eq_pad_params *p, const int32_t *index, const int8_t *input)
{
    int32_t row = 0;
    for (int32_t d = 0; d < LAST; d++) {
        const int32_t at = source(p, d, index[d]);
        if (at < 0) {
            return 0;
        }
        row = row * p->in_shape[d] + at;
    }
    return input + row * p->in_shape[LAST] * p->block;
}

static inline int next(const eq_pad_params *p, int32_t *index)
{
    for (int32_t d = LAST - 1; d >= 0; d--) {
        if (++index[d] < p->out_shape[d]) {
            return 1;
        }
        index[d] = 0;
    }
    return 0;
}

static inline void fill(const eq_pad_params *p, int8_t *output, int32_t size)
{
    for (int32_t i = 0; i < p->block; i += size) {
        memcpy(output + i, &p->value, (size_t)size);
    }
}

static inline void pad(const eq_pad_params *p, const int8_t *input, int8_t *output, int32_t size)
{
    const int32_t first = p->before[LAST], end = first + p->in_shape[LAST];
    int32_t index[LAST] = {0};
    do {
        const int8_t *row = source_row(p, index, input);
        for (int32_t i = 0; i < p->out_shape[LAST];) {
            const int32_t at = source(p, LAST, i);
            int32_t count = 1;
            if (row && i == first) {
                count = end - first;
                eq_copy(output, row, count * p->block);
            } else if (row && at >= 0) {
                eq_copy(output, row + at * p->block, p->block);
            } else {
                if (size == 1) {
                    memset(output, p->value, (size_t)p->block);
                } else {
                    fill(p, output, size);
                }
            }
            output += count * p->block;
            i += count;
        }
    } while (next(p, index));
}

void eq_pad_ref(const eq_pad_params *p, const int8_t *input, int8_t *output)
{
    pad(p, input, output, 1);
}

void eq_pad_int16_ref(const eq_pad_params *p, const int16_t *input, int16_t *output)
{
    pad(p, (const int8_t *)input, (int8_t *)output, sizeof *output);
}

void eq_pad_float32_ref(const eq_pad_params *p, const float *input, float *output)
{
    pad(p, (const int8_t *)input, (int8_t *)output, sizeof *output);
}
