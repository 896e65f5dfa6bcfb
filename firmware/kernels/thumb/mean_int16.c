#include "eq/mean_thumb.h"
#include "eq/requant16.h"

void eq_mean_int16_thumb(const eq_mean_int16_thumb_params *p, const int16_t *input, int16_t *output)
{
    const int32_t channels = p->channels;
    for (int32_t n = 0; n < p->images; n++, input += p->pixels * channels, output += channels) {
        for (int32_t c = 0, some; c < channels; c += some) {
            const int16_t *x = input + c;
            int32_t totals[4] = {0, 0, 0, 0};
            some = channels - c < 4 ? 1 : 4;
            if (some == 4) {
                int32_t first = 0, second = 0, third = 0, fourth = 0;
                for (int32_t i = p->pixels; i > 0; i--, x += channels) {
                    first += x[0], second += x[1], third += x[2], fourth += x[3];
                }
                totals[0] = first, totals[1] = second, totals[2] = third, totals[3] = fourth;
            } else {
                for (int32_t i = p->pixels; i > 0; i--, x += channels) {
                    totals[0] += *x;
                }
            }
            for (int32_t i = 0; i < some; i++) {
                output[c + i] = eq_requantize16_wide(totals[i], p->mantissa, p->shift, p->qmin, p->qmax);
            }
        }
    }
}
