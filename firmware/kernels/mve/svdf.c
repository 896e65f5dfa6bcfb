#include "eq/svdf_mve.h"

#include <string.h>

#include "dense.h"
#include "eq/mve.h"
#include "requant.h"

enum { WORDS = 4 };

/* Sums of filters become what of the state they stand for. */
EQ_INLINE void make_features(const eq_svdf_mve_params *p, int32_t *sums, int32_t least, int32_t most,
                             eq_rounding rounding)
{
    const int32_t *multiplier = p->multiplier, *shift = p->shift;
    const int32_t left = p->left, zero_point = p->state_zero_point;
    for (const int32_t *const end = sums + p->filters; sums < end; sums += WORDS, multiplier += WORDS) {
        const eq_s32x4 sum = eq_load_s32(sums);
        const eq_s32x4 x = rounding == EQ_FAST ? eq_left_s32(sum, left) : sum;
        const eq_s32x4 made = eq_scale(x, multiplier, shift, rounding);
        const eq_s32x4 moved = eq_add_saturating_s32(made, zero_point);
        eq_store_s32(sums, eq_min_s32(eq_max_s32(moved, eq_dup_s32(least)), eq_dup_s32(most)));
        shift = eq_shift_at(shift, WORDS, rounding);
    }
}

/* move_halves, move_bytes: n values move from `old` to `state`; returns `sum` and their products with `time`. */
#if EQ_MVE_NATIVE

/* Vectors of which the last is cut off by the loop itself. */
#define EQ_MOVE(name, type, bits, load, store)                                                                         \
    EQ_INLINE int32_t name(const type *old, type *state, const type *time, int32_t n, int32_t sum)                     \
    {                                                                                                                  \
        __asm__ volatile("wlstp." bits " lr, %[n], 2f\n"                                                               \
                         "1:\n\t" load " q0, [%[old]], #16\n\t" store " q0, [%[state]], #16\n\t" load                  \
                         " q1, [%[time]], #16\n\t"                                                                     \
                         "vmladava.s" bits " %[sum], q0, q1\n\t"                                                       \
                         "letp lr, 1b\n"                                                                               \
                         "2:"                                                                                          \
                         : [old] "+r"(old), [state] "+r"(state), [time] "+r"(time), [sum] "+Te"(sum)                   \
                         : [n] "r"(n)                                                                                  \
                         : "lr", "q0", "q1", "cc", "memory");                                                          \
        return sum;                                                                                                    \
    }
EQ_MOVE(move_halves, int16_t, "16", "vldrh.u16", "vstrh.16")
EQ_MOVE(move_bytes, int8_t, "8", "vldrb.u8", "vstrb.8")

#else

#define EQ_MOVE(name, type, lanes, load, store, dot)                                                                   \
    EQ_INLINE int32_t name(const type *old, type *state, const type *time, int32_t n, int32_t sum)                     \
    {                                                                                                                  \
        for (int32_t k = 0; k < n; k += lanes) {                                                                       \
            store(state + k, load(old + k, n - k), n - k);                                                             \
            sum = dot(sum, load(old + k, n - k), load(time + k, n - k));                                               \
        }                                                                                                              \
        return sum;                                                                                                    \
    }
EQ_MOVE(move_halves, int16_t, 8, eq_load_s16_n, eq_store_s16_n, eq_dot_s16)
EQ_MOVE(move_bytes, int8_t, 16, eq_load_s8_n, eq_store_s8_n, eq_dot_s8)

#endif

/* Moves the states of all filters one step on, to end with their features, which become sums of products over time. */
#define EQ_MOVE_ALL(name, type)                                                                                        \
    EQ_INLINE void all_##name(const eq_svdf_mve_params *p, const type *old, type *state, int32_t *features)            \
    {                                                                                                                  \
        const int32_t memory = p->memory, last = memory - 1;                                                           \
        const type *time = p->time;                                                                                    \
        for (int32_t *const end = features + p->filters; features != end; features++) {                                \
            const int32_t feature = *features;                                                                         \
            *features = name(old + 1, state, time, last, feature * time[last]);                                        \
            state[last] = (type)feature;                                                                               \
            old += memory;                                                                                             \
            state += memory;                                                                                           \
            time += memory;                                                                                            \
        }                                                                                                              \
    }
EQ_MOVE_ALL(move_halves, int16_t)
EQ_MOVE_ALL(move_bytes, int8_t)

/* Sums of filters become those of units. */
static void add_up(int32_t *sums, int32_t units, int32_t rank)
{
    const int32_t *from = sums;
    for (int32_t u = 0; u < units; u++) {
        int32_t sum = 0;
        for (int32_t k = 0; k < rank; k++) {
            sum += *from++;
        }
        sums[u] = sum;
    }
}

EQ_INLINE void svdf(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output, void *state,
                    int32_t *sums, int bytes, eq_rounding rounding)
{
    const int32_t units = p->filters / p->rank, size = p->filters * p->memory;
    const void *const old = p->initial ? p->initial : (const void *)inputs[1];
    const eq_output q = {p->zero_point, p->qmin, p->qmax};
    for (int32_t b = 0; b < p->batch; b++, output += units) {
        const eq_row row = {inputs[0] + b * p->in_c, p->in_c, (p->filters + GROUP - 1) / GROUP};
        eq_multiply_row(&row, p->weights, p->feature_bias, sums);
        if (bytes) {
            make_features(p, sums, -128, 127, rounding);
            all_move_bytes(p, (const int8_t *)old + b * size, (int8_t *)state + b * size, sums);
        } else {
            make_features(p, sums, -32768, 32767, rounding);
            all_move_halves(p, (const int16_t *)old + b * size, (int16_t *)state + b * size, sums);
        }
        if (p->rank != 1) {
            add_up(sums, units, p->rank);
        }
        for (int32_t u = 0; u < units; u += WORDS) {
            const eq_s32x4 sum = eq_add_s32(eq_load_s32(sums + u), eq_load_s32_n(p->bias + u, units - u));
            const eq_s32x4 made = eq_scale_all(sum, p->out_multiplier, p->out_shift, rounding);
            eq_store_output_n(output + u, made, q, units - u);
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_svdf_mve_##suffix(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output,                \
                              int16_t *state, void *scratch)                                                           \
    {                                                                                                                  \
        svdf(p, inputs, output, state, scratch, 0, rounding);                                                          \
    }                                                                                                                  \
    void eq_svdf_bytes_mve_##suffix(const eq_svdf_mve_params *p, const int8_t *const *inputs, int8_t *output,          \
                                    int8_t *state, void *scratch)                                                      \
    {                                                                                                                  \
        svdf(p, inputs, output, state, scratch, 1, rounding);                                                          \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
