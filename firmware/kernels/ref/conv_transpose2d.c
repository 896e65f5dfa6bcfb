#include "eq/conv_transpose2d.h"
#include "eq/requant.h"

/* The input row or column that the tap at `offset` from the first one brings to output position `at`, or -1. */
static inline int32_t source(int32_t at, int32_t offset, int32_t stride, int32_t size)
{
    const int32_t spread = at - offset;
    return spread >= 0 && spread % stride == 0 && spread / stride < size ? spread / stride : -1;
}

static inline int32_t accumulate(const eq_conv_transpose2d_params *p, const int8_t *image, int32_t y, int32_t x,
                                 int32_t oc)
{
    const int32_t group_in = p->in_c / p->groups;
    const int32_t first = oc / (p->out_c / p->groups) * group_in;
    const int32_t weight_zero = p->weight_zero_point ? p->weight_zero_point[oc] : 0;
    int32_t acc = p->bias[oc];
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = source(y + p->pad_top, ky * p->dilation_h, p->stride_h, p->in_h);
        for (int32_t kx = 0; kx < p->kernel_w && iy >= 0; kx++) {
            const int32_t ix = source(x + p->pad_left, kx * p->dilation_w, p->stride_w, p->in_w);
            if (ix < 0) {
                continue;
            }
            const int32_t tap = (oc * p->kernel_h + ky) * p->kernel_w + kx;
            const int8_t *in = image + (iy * p->in_w + ix) * p->in_c + first;
            const int8_t *w = p->weights + tap * group_in;
            acc += p->tap_bias ? p->tap_bias[tap] : 0;
            for (int32_t c = 0; c < group_in; c++) {
                acc += in[c] * (w[c] - weight_zero);
            }
        }
    }
    return acc;
}

static inline void conv_transpose2d(const eq_conv_transpose2d_params *p, const int8_t *input, int8_t *output,
                                    eq_rounding rounding)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++) {
                for (int32_t oc = 0; oc < p->out_c; oc++) {
                    *output++ = eq_requantize(accumulate(p, input, y, x, oc), p->mantissa[oc], p->shift[oc],
                                              p->zero_point, p->qmin, p->qmax, rounding);
                }
            }
        }
    }
}

#define DEFINE(suffix, rounding)                                                                                       \
    void eq_conv_transpose2d_ref_##suffix(const eq_conv_transpose2d_params *p, const int8_t *input, int8_t *output)    \
    {                                                                                                                  \
        conv_transpose2d(p, input, output, rounding);                                                                  \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
