#include "eq/conv2d_float32.h"

#include "eq/lanes_float32.h"

/* The sums of four output channels at one pixel. Taps outside the image add nothing. */
static inline void accumulate(const eq_conv2d_float32_params *p, const float *image, int32_t y, int32_t x,
                              int32_t channels, const float *weights, float *total)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        for (int32_t kx = 0; kx < p->kernel_w; kx++, weights += channels * EQ_LANES) {
            const int32_t ix = x * p->stride_w - p->pad_left + kx * p->dilation_w;
            if (iy >= 0 && iy < p->in_h && ix >= 0 && ix < p->in_w) {
                eq_add_products(image + (iy * p->in_w + ix) * p->in_c, weights, channels, total);
            }
        }
    }
}

static inline void pixel(const eq_conv2d_float32_params *p, const float *image, int32_t y, int32_t x, float *output)
{
    const int32_t channels = p->in_c / p->groups, own = p->out_c / p->groups;
    const float *weights = p->weights;
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t first = 0; first < own; first += EQ_LANES) {
            const int32_t oc = group * own + first, left = own - first;
            float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
            accumulate(p, image + group * channels, y, x, channels, weights, total);
            eq_store_lanes(total, p->bias ? p->bias + oc : 0, left < EQ_LANES ? left : EQ_LANES, p->low, p->high,
                           output + oc);
            weights += p->kernel_h * p->kernel_w * channels * EQ_LANES;
        }
    }
}

void eq_conv2d_float32_ref(const eq_conv2d_float32_params *p, const float *input, float *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->out_c) {
                pixel(p, input, y, x, output);
            }
        }
    }
}
