#include "eq/depthwise_conv2d_float32.h"

#include "eq/lanes_float32.h"
#include "eq/taps.h"

/* The sum of one output channel. `image` and `weights` begin at its channel. */
static inline float sum(const eq_depthwise_conv2d_float32_params *p, const float *image, const float *weights,
                        eq_taps rows, eq_taps columns)
{
    float total = 0.0f;
    for (int32_t ky = rows.first; ky < rows.end; ky++) {
        const float *in = image + (rows.start + ky * p->dilation_h) * p->in_w * p->in_c;
        for (int32_t kx = columns.first; kx < columns.end; kx++) {
            const float x = in[(columns.start + kx * p->dilation_w) * p->in_c];
            const float product = x * weights[(ky * p->kernel_w + kx) * p->out_c];
            total = total + product;
        }
    }
    return total;
}

/* The sums of four output channels, each of an input channel of its own. */
static inline void four(const eq_depthwise_conv2d_float32_params *p, const float *image, const float *weights,
                        eq_taps rows, eq_taps columns, float *total)
{
    float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    for (int32_t ky = rows.first; ky < rows.end; ky++) {
        const float *in = image + (rows.start + ky * p->dilation_h) * p->in_w * p->in_c;
        for (int32_t kx = columns.first; kx < columns.end; kx++) {
            const float *x = in + (columns.start + kx * p->dilation_w) * p->in_c;
            const float *w = weights + (ky * p->kernel_w + kx) * p->out_c;
            const float pa = x[0] * w[0], pb = x[1] * w[1], pc = x[2] * w[2], pd = x[3] * w[3];
            a = a + pa;
            b = b + pb;
            c = c + pc;
            d = d + pd;
        }
    }
    total[0] = a;
    total[1] = b;
    total[2] = c;
    total[3] = d;
}

static inline void pixel(const eq_depthwise_conv2d_float32_params *p, const float *image, eq_taps rows, eq_taps columns,
                         float *output)
{
    const int32_t repeats = p->out_c / p->in_c;
    int32_t oc = 0;
    for (; repeats == 1 && oc + EQ_LANES <= p->out_c; oc += EQ_LANES) {
        float total[EQ_LANES];
        four(p, image + oc, p->weights + oc, rows, columns, total);
        eq_store_lanes(total, p->bias ? p->bias + oc : 0, EQ_LANES, p->low, p->high, output + oc);
    }
    for (; oc < p->out_c; oc++) {
        const float total = sum(p, image + oc / repeats, p->weights + oc, rows, columns);
        eq_store_lanes(&total, p->bias ? p->bias + oc : 0, 1, p->low, p->high, output + oc);
    }
}

void eq_depthwise_conv2d_float32_ref(const eq_depthwise_conv2d_float32_params *p, const float *input, float *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const eq_taps rows = eq_taps_inside(y, p->stride_h, p->pad_top, p->dilation_h, p->kernel_h, p->in_h);
            for (int32_t x = 0; x < p->out_w; x++, output += p->out_c) {
                pixel(p, input, rows, eq_taps_inside(x, p->stride_w, p->pad_left, p->dilation_w, p->kernel_w, p->in_w),
                      output);
            }
        }
    }
}

void eq_depthwise_conv2d_stored_ref(const eq_depthwise_conv2d_stored_params *p, const float *input, float *output,
                                    void *scratch)
{
    eq_depthwise_conv2d_float32_params layer = p->layer;
    float *const weights = scratch;
    for (int32_t oc = 0; oc < layer.out_c; oc++) {
        eq_stored_run(&p->weights, oc, 0, p->weights.depth, weights + oc, layer.out_c);
    }
    layer.weights = weights;
    eq_depthwise_conv2d_float32_ref(&layer, input, output);
}
