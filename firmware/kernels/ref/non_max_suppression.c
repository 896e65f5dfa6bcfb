#include "eq/non_max_suppression.h"

/* Twice the ends of a box along axis d, as numbers of a type. */
#define EQ_ENDS(number, box, d, zero_point, centred, low, high)                                                        \
    do {                                                                                                               \
        const number first = (number)((number)(box)[d] - (zero_point));                                                \
        const number second = (number)((number)(box)[(d) + 2] - (zero_point));                                         \
        if (centred) {                                                                                                 \
            (low) = first + first - second;                                                                            \
            (high) = first + first + second;                                                                           \
        } else {                                                                                                       \
            (low) = first < second ? first + first : second + second;                                                  \
            (high) = first < second ? second + second : first + first;                                                 \
        }                                                                                                              \
    } while (0)

/* Defines whether two boxes have too much in common; `too_much` is said of `common` and of the `all` of both. */
#define EQ_OVERLAPS(name, params, element, number, zero, too_much)                                                     \
    static int name(const params *p, const element *a, const element *b)                                               \
    {                                                                                                                  \
        number common = 1, of_a = 1, of_b = 1;                                                                         \
        for (int32_t d = 0; d < 2; d++) {                                                                              \
            number a_low, a_high, b_low, b_high;                                                                       \
            EQ_ENDS(number, a, d, zero, p->centred, a_low, a_high);                                                    \
            EQ_ENDS(number, b, d, zero, p->centred, b_low, b_high);                                                    \
            const number side = (a_high < b_high ? a_high : b_high) - (a_low > b_low ? a_low : b_low);                 \
            if (!(side > 0)) {                                                                                         \
                return 0;                                                                                              \
            }                                                                                                          \
            common *= side;                                                                                            \
            of_a *= a_high - a_low;                                                                                    \
            of_b *= b_high - b_low;                                                                                    \
        }                                                                                                              \
        const number all = of_a + of_b - common;                                                                       \
        return of_a > 0 && of_b > 0 && (too_much);                                                                     \
    }

EQ_OVERLAPS(overlaps, eq_non_max_suppression_params, int8_t, int32_t, p->zero_point,
            (int64_t)common * 65536 > (int64_t)all * p->overlap)
EQ_OVERLAPS(overlaps_float32, eq_non_max_suppression_float32_params, float, float, 0.0f, common / all > p->overlap)

/* The walk: the best box behind the one that was looked at last, until none is left or as many as may be are kept. */
#define EQ_SUPPRESS(element, p, boxes, scores, output, overlaps)                                                       \
    do {                                                                                                               \
        int32_t *next = output;                                                                                        \
        for (int32_t batch = 0; batch < (p)->batches; batch++) {                                                       \
            const element *of_batch = (boxes) + batch * (p)->boxes * 4;                                                \
            for (int32_t class = 0; class < (p)->classes; class++) {                                                   \
                const element *score = (scores) + (batch * (p)->classes + class) * (p)->boxes;                         \
                const int32_t *kept = next;                                                                            \
                int32_t last = -1;                                                                                     \
                while (next - kept < 3 * (p)->limit) {                                                                 \
                    int32_t best = -1;                                                                                 \
                    for (int32_t i = 0; i < (p)->boxes; i++) {                                                         \
                        if (score[i] > (p)->score && (best < 0 || score[i] > score[best]) &&                           \
                            (last < 0 || score[i] < score[last] || (score[i] == score[last] && i > last))) {           \
                            best = i;                                                                                  \
                        }                                                                                              \
                    }                                                                                                  \
                    if (best < 0) {                                                                                    \
                        break;                                                                                         \
                    }                                                                                                  \
                    last = best;                                                                                       \
                    int hidden = 0;                                                                                    \
                    for (const int32_t *row = kept; row < next && !hidden; row += 3) {                                 \
                        hidden = overlaps(p, of_batch + 4 * best, of_batch + 4 * row[2]);                              \
                    }                                                                                                  \
                    if (!hidden) {                                                                                     \
                        next[0] = batch;                                                                               \
                        next[1] = class;                                                                               \
                        next[2] = best;                                                                                \
                        next += 3;                                                                                     \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        for (const int32_t *end = (output) + 3 * (p)->batches * (p)->classes * (p)->limit; next < end;) {              \
            *next++ = -1;                                                                                              \
        }                                                                                                              \
    } while (0)

void eq_non_max_suppression_ref(const eq_non_max_suppression_params *p, const int8_t *boxes, const int8_t *scores,
                                int32_t *output)
{
    EQ_SUPPRESS(int8_t, p, boxes, scores, output, overlaps);
}

void eq_non_max_suppression_float32_ref(const eq_non_max_suppression_float32_params *p, const float *boxes,
                                        const float *scores, int32_t *output)
{
    EQ_SUPPRESS(float, p, boxes, scores, output, overlaps_float32);
}
