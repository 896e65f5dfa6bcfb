#include "eq/float32.h"
#include "eq/spectrum.h"

#define STATISTICS 7

/* All statistics of one axis. */
static void of_axis(const eq_sample_statistics_params *p, const int16_t *input, float *found)
{
    const int16_t *const end = input + p->samples * p->axes;
    const float count = (float)p->samples;
    int32_t sum = 0, least = *input, most = *input;
    float powers = 0.0f;
    for (const int16_t *x = input; x < end; x += p->axes) {
        const float real = (float)*x, square = real * real;
        sum += *x;
        least = *x < least ? *x : least;
        most = *x > most ? *x : most;
        powers = powers + square;
    }
    const float mean = (float)sum / count;
    float second = 0.0f, third = 0.0f, fourth = 0.0f;
    for (const int16_t *x = input; x < end; x += p->axes) {
        const float away = (float)*x - mean, square = away * away;
        const float cube = square * away, twice = square * square;
        second = second + square;
        third = third + cube;
        fourth = fourth + twice;
    }
    second = second / count;
    third = third / count;
    fourth = fourth / count;
    const float deviation = eq_sqrt(second), one = second == 0.0f ? 1.0f : second;
    const float kurtosis = fourth / (one * one);
    found[0] = mean * p->scale;
    found[1] = (float)least * p->scale;
    found[2] = (float)most * p->scale;
    found[3] = eq_sqrt(powers / count) * p->scale;
    found[4] = deviation * p->scale;
    found[5] = second == 0.0f ? 0.0f : third / (second * deviation);
    found[6] = kurtosis - 3.0f;
}

void eq_sample_statistics_ref(const eq_sample_statistics_params *p, const int16_t *input, float *output)
{
    for (int32_t row = 0; row < p->rows; row++, input += p->samples * p->axes) {
        for (int32_t axis = 0; axis < p->axes; axis++) {
            float found[STATISTICS];
            of_axis(p, input + axis, found);
            for (int32_t k = 0; k < p->count; k++) {
                *output++ = eq_number(found[p->chosen[k]]);
            }
        }
    }
}
