#define EQ_X86 EQ_AVX2

#include "eq/mean_x86.h"
#include "sixteen.h"

EQ_INLINE void eq_mean(const eq_mean_x86_params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
{
    for (int32_t n = 0; n < p->images; n++) {
        for (int32_t c = 0; c < p->channels; c += 16) { /* the last sixteen may come once more */
            const int32_t first = c + 16 <= p->channels ? c : p->channels - 16;
            int32_t sums[16] = {0};
            eq_sum_pixels(sums, input + first, p->channels, p->pixels);
            for (int32_t k = 0; k < 16; k++) {
                output[first + k] = eq_requantize(sums[k] + p->offset, p->mantissa, p->shift, p->zero_point, p->qmin,
                                                  p->qmax, rounding);
            }
        }
        input += (int64_t)p->pixels * p->channels;
        output += p->channels;
    }
}

#define EQ_DEFINE(suffix, rounding)                                                                                    \
    void eq_mean_avx2_##suffix(const eq_mean_x86_params *p, const int8_t *input, int8_t *output)                       \
    {                                                                                                                  \
        eq_mean(p, input, output, rounding);                                                                           \
    }
EQ_FOR_EACH_ROUNDING(EQ_DEFINE)
