#include "eq/conv_transpose2d_int16.h"
#include "eq/requant16.h"

/* The input row or column that the tap at `offset` from the first one brings to output position `at`, or -1. */
static inline int32_t source(int32_t at, int32_t offset, int32_t stride, int32_t size)
{
    const int32_t spread = at - offset;
    return spread >= 0 && spread % stride == 0 && spread / stride < size ? spread / stride : -1;
}

static inline int64_t accumulate(const eq_conv_transpose2d_int16_params *p, const int16_t *image, int32_t y, int32_t x,
                                 int32_t oc)
{
    const int32_t group_in = p->in_c / p->groups;
    const int32_t first = oc / (p->out_c / p->groups) * group_in;
    int64_t acc = EQ_BIAS64(p, oc);
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = source(y + p->pad_top, ky * p->dilation_h, p->stride_h, p->in_h);
        for (int32_t kx = 0; kx < p->kernel_w && iy >= 0; kx++) {
            const int32_t ix = source(x + p->pad_left, kx * p->dilation_w, p->stride_w, p->in_w);
            if (ix < 0) {
                continue;
            }
            const int16_t *in = image + (iy * p->in_w + ix) * p->in_c + first;
            const int8_t *w = p->weights + ((oc * p->kernel_h + ky) * p->kernel_w + kx) * group_in;
            for (int32_t c = 0; c < group_in; c++) {
                acc += in[c] * w[c];
            }
        }
    }
    return acc;
}

void eq_conv_transpose2d_int16_ref(const eq_conv_transpose2d_int16_params *p, const int16_t *input, int16_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++) {
                for (int32_t oc = 0; oc < p->out_c; oc++) {
                    *output++ = eq_requantize16_wide(accumulate(p, input, y, x, oc), p->mantissa[oc], p->shift[oc],
                                                     p->qmin, p->qmax);
                }
            }
        }
    }
}
