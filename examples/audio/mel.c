#include "mel.h"

#include <math.h>

#define PI 3.14159265f

static float mel(float hertz)
{
    return 2595.0f * log10f(1.0f + hertz / 700.0f);
}

static float hertz(float mels)
{
    return 700.0f * (powf(10.0f, mels / 2595.0f) - 1.0f);
}

/* Radix 2, in place. */
static void fft(float *re, float *im)
{
    for (int i = 1, j = 0; i < MEL_FRAME; i++) {
        int bit = MEL_FRAME >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
        if (i < j) {
            const float a = re[i], b = im[i];
            re[i] = re[j], im[i] = im[j];
            re[j] = a, im[j] = b;
        }
    }
    for (int size = 2; size <= MEL_FRAME; size *= 2) {
        const int half = size / 2;
        for (int k = 0; k < half; k++) {
            const float angle = -2.0f * PI * (float)k / (float)size, c = cosf(angle), s = sinf(angle);
            for (int i = k; i < MEL_FRAME; i += size) {
                const float a = c * re[i + half] - s * im[i + half], b = c * im[i + half] + s * re[i + half];
                re[i + half] = re[i] - a, im[i + half] = im[i] - b;
                re[i] += a, im[i] += b;
            }
        }
    }
}

void mel_frame(const int16_t *samples, float *bands)
{
    static float re[MEL_FRAME], im[MEL_FRAME];
    for (int i = 0; i < MEL_FRAME; i++) {
        re[i] = (float)samples[i] / 32767.0f * (0.5f - 0.5f * cosf(2.0f * PI * (float)i / (float)MEL_FRAME));
        im[i] = 0.0f;
    }
    fft(re, im);
    const float lowest = mel(80.0f), step = (mel(3800.0f) - lowest) / (float)(MEL_BANDS + 1);
    for (int band = 0; band < MEL_BANDS; band++) {
        const float from = hertz(lowest + step * (float)band), peak = hertz(lowest + step * (float)(band + 1)),
                    to = hertz(lowest + step * (float)(band + 2));
        float sum = 0.0f;
        for (int i = 0; i <= MEL_FRAME / 2; i++) {
            const float f = (float)i * (float)MEL_RATE / (float)MEL_FRAME;
            const float weight = f < peak ? (f - from) / (peak - from) : (to - f) / (to - peak);
            if (weight > 0.0f) {
                sum += weight * sqrtf(re[i] * re[i] + im[i] * im[i]);
            }
        }
        bands[band] = logf(sum + 1e-3f);
    }
}
