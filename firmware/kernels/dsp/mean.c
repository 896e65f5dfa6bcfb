#include "eq/mean_dsp.h"
#include "eq/requant.h"
#include "inline.h"
#include "sums.h"

/* The mean of what adds up to `sum`. */
typedef int8_t finish_sum(const eq_mean_dsp_params *p, int32_t sum);

EQ_INLINE void mean(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output, finish_sum *finish)
{
    for (int32_t n = 0; n < p->images; n++, input += p->pixels * p->channels, output += p->channels) {
        for (int32_t c = 0; c < p->channels; c += 4) {
            /* The last four channels may come once more. */
            const int32_t base = c + 4 <= p->channels ? c : p->channels - 4;
            eq_sums sums = {{0}};
            for (int32_t done = 0; done < p->pixels;) {
                const int32_t left = p->pixels - done, count = left < EQ_MOST_SUMMED ? left : EQ_MOST_SUMMED;
                eq_pair_sums pairs = {0, 0};
                eq_sum_pixels(&pairs, input + done * p->channels + base, p->channels, count);
                eq_add_sums(&sums, pairs);
                done += count;
            }
            for (int32_t k = 0; k < 4; k++) {
                output[base + k] = finish(p, sums.of[k]);
            }
        }
    }
}

/* One copy of a requantization is enough. */
#define DEFINE(suffix, rounding)                                                                                       \
    static EQ_NOINLINE int8_t finish_##suffix(const eq_mean_dsp_params *p, int32_t sum)                                \
    {                                                                                                                  \
        return eq_requantize(sum + p->offset, p->mantissa, p->shift, p->zero_point, p->qmin, p->qmax, rounding);       \
    }                                                                                                                  \
    void eq_mean_dsp_##suffix(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output)                        \
    {                                                                                                                  \
        mean(p, input, output, finish_##suffix);                                                                       \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
