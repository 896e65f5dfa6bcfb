#include "eq/dsp.h"
#include "eq/mean_dsp.h"

void eq_compact_mean_dsp(const eq_mean_dsp_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->images; n++, input += p->pixels * p->channels) {
        for (int32_t c = 0; c < p->channels; c++) {
            const int8_t *pixel = input + c;
            int32_t sum = p->offset;
            for (int32_t left = p->pixels; left > 0; left--, pixel += p->channels) {
                sum += *pixel;
            }
            *output++ = (int8_t)eq_ssat8(eq_smmlar(sum, p->mantissa, p->zero_point));
        }
    }
}
