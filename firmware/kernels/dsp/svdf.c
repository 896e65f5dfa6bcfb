#include "eq/svdf_dsp.h"

#include "eq/dsp.h"
#include "inline.h"
#include "requant.h"
#include "rows.h"

enum { FILTERS = 4, CHUNK = 4 * FILTERS };

/* Filters that follow each other: what they remembered, what they remember now, and their weights over time. */
typedef struct {
    const int8_t *old;
    int8_t *state;
    const int32_t *time;
    int32_t count;
} filters;

/* What of the state some filters' sums stand for, as the last of each filter's entries. */
EQ_INLINE void put_features(const eq_svdf_dsp_params *p, const int32_t *sums, int32_t first, const filters *f,
                            int bytes, eq_rounding rounding)
{
    const int32_t left = p->left, zero_point = p->state_zero_point, step = bytes ? p->memory : 2 * p->memory;
    const int32_t *mantissa = p->mantissa + first, *const end = mantissa + f->count;
    const int8_t *shift = rounding == EQ_FAST ? NULL : p->shift + first;
    int8_t *state = f->state + step - (bytes ? 1 : 2);
    for (; mantissa != end; state += step) {
        int32_t made;
        if (rounding == EQ_FAST) {
            made = eq_smmlar((int32_t)((uint32_t)*sums++ << left), *mantissa++, zero_point);
        } else {
            made = eq_dsp_multiply(*sums++, *mantissa++, *shift++, rounding) + zero_point;
        }
        if (bytes) {
            *state = (int8_t)eq_ssat8(made);
        } else {
            const int16_t half = (int16_t)eq_ssat16(made);
            memcpy(state, &half, sizeof half);
        }
    }
}

/* Moves the states of filters one step on, up to their features, which are there already. sums: of products over time.
 */
EQ_INLINE void move_halves(filters *f, int32_t memory, int32_t *sums, int odd)
{
    const int8_t *old = f->old + 2;
    int8_t *state = f->state;
    const int32_t *time = f->time;
    for (int32_t *const end = sums + f->count; sums != end;) {
        int32_t sum = 0;
        for (const int8_t *const last = old + 2 * (memory - 1 - !odd); old != last; old += 4, state += 4) {
            const int32_t pair = eq_load4(old);
            eq_store4(state, pair);
            sum = eq_smlad(pair, *time++, sum);
        }
        int16_t half;
        memcpy(&half, odd ? state : old, sizeof half);
        if (odd) {
            sum = eq_smlabb(half, *time++, sum);
            old += 2;
            state += 2;
        } else {
            memcpy(state, &half, sizeof half);
            sum = eq_smlad(eq_load4(state), *time++, sum);
            old += 4;
            state += 4;
        }
        *sums++ = sum;
    }
    f->old = old - 2;
    f->state = state;
    f->time = time;
}

EQ_INLINE void move_bytes(filters *f, int32_t memory, int32_t *sums)
{
    const int8_t *old = f->old + 1;
    int8_t *state = f->state;
    const int32_t *time = f->time;
    for (int32_t *const end = sums + f->count; sums != end;) {
        int32_t left = memory - 1, sum = 0;
        for (; left >= 3; left -= 4, old += 4, state += 4, time += 2) {
            int32_t word = eq_load4(old - (left == 3));
            if (left == 3) { /* the fourth is the feature */
                word = (int32_t)((uint32_t)word >> 8 | (uint32_t)(uint8_t)state[3] << 24);
            }
            eq_store4(state, word);
            sum = eq_smlad(eq_sxtb16_ror8(word), time[1], eq_smlad(eq_sxtb16(word), time[0], sum));
        }
        for (; left >= 0; left--, old++, time++) {
            *state = left ? *old : *state;
            sum += *state++ * *time;
        }
        *sums++ = sum;
    }
    f->old = old - 1;
    f->state = state;
    f->time = time;
}

/* Sums of some filters become those of the units that they complete, whose number is returned. `open`: the unit that is
 * not complete yet, and how many of its filters are missing. */
typedef struct {
    int32_t sum, missing;
} unit;

EQ_INLINE int32_t add_up(int32_t *sums, int32_t count, int32_t rank, unit *open)
{
    int32_t sum = open->sum, missing = open->missing, done = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += sums[i];
        if (--missing == 0) {
            sums[done++] = sum;
            sum = 0;
            missing = rank;
        }
    }
    open->sum = sum;
    open->missing = missing;
    return done;
}

EQ_INLINE void finish(const eq_svdf_dsp_params *p, const int32_t *sums, const int32_t *bias, int8_t *output,
                      int32_t count, eq_rounding rounding)
{
    const int32_t mantissa = p->out_mantissa, shift = p->out_shift, zero_point = p->zero_point;
    const int32_t qmin = p->qmin, qmax = p->qmax;
    for (const int32_t *const end = sums + count; sums != end;) {
        const int32_t sum = *sums++ + *bias++;
        *output++ = rounding == EQ_FAST ? (int8_t)eq_clamp(eq_smmlar(sum, mantissa, zero_point), qmin, qmax)
                                        : eq_dsp_requantize(sum, mantissa, shift, zero_point, qmin, qmax, rounding);
    }
}

EQ_INLINE void svdf(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output, int8_t *state,
                    int8_t *scratch, int bytes, eq_rounding rounding)
{
    const int8_t *x = inputs[0];
    int32_t sums[CHUNK];
    filters f = {p->initial ? p->initial : (const void *)inputs[1], state, p->time, 0};
    memset(scratch, 0, (size_t)((p->in_c + 3) & ~3));
    for (int32_t b = 0; b < p->batch; b++, x += p->in_c) {
        eq_dsp_one_row row = {eq_dsp_row_in_fours(x, p->in_c, scratch), sums};
        const int32_t *weights = p->weights, *bias = p->bias;
        unit open = {0, p->rank};
        f.time = p->time;
        for (int32_t first = 0; first < p->filters; first += CHUNK) {
            f.count = p->filters - first < CHUNK ? p->filters - first : CHUNK;
            for (row.sums = sums; row.sums < sums + f.count; row.sums += FILTERS) {
                weights = eq_dsp_multiply_one(&row, weights);
            }
            put_features(p, sums, first, &f, bytes, rounding);
            if (bytes) {
                move_bytes(&f, p->memory, sums);
            } else if (p->memory & 1) {
                move_halves(&f, p->memory, sums, 1);
            } else {
                move_halves(&f, p->memory, sums, 0);
            }
            const int32_t units = p->rank == 1 ? f.count : add_up(sums, f.count, p->rank, &open);
            finish(p, sums, bias, output, units, rounding);
            bias += units;
            output += units;
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_svdf_dsp_##suffix(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output,                \
                              int16_t *state, void *scratch)                                                           \
    {                                                                                                                  \
        svdf(p, inputs, output, (int8_t *)(void *)state, scratch, 0, rounding);                                        \
    }                                                                                                                  \
    void eq_svdf_bytes_dsp_##suffix(const eq_svdf_dsp_params *p, const int8_t *const *inputs, int8_t *output,          \
                                    int8_t *state, void *scratch)                                                      \
    {                                                                                                                  \
        svdf(p, inputs, output, state, scratch, 1, rounding);                                                          \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
