#include "eq/conv2d_packed.h"
#include "eq/packed.h"
#include "eq/requant.h"

static inline int32_t accumulate(const eq_conv2d_packed_params *p, const int8_t *image, int32_t y, int32_t x,
                                 int32_t oc)
{
    const int32_t group_in = p->in_c / p->groups;
    const int32_t first = oc / (p->out_c / p->groups) * group_in;
    int32_t index = oc * p->kernel_h * p->kernel_w * group_in;
    int32_t acc = p->bias[oc];
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            const int32_t ix = x * p->stride_w - p->pad_left + kx * p->dilation_w;
            const int inside = iy >= 0 && iy < p->in_h && ix >= 0 && ix < p->in_w;
            const int8_t *in = inside ? image + (iy * p->in_w + ix) * p->in_c + first : 0;
            for (int32_t c = 0; c < group_in; c++, index++) {
                acc += (in ? in[c] : p->pad_value) * eq_packed(p->weights, index, p->weight_bits);
            }
        }
    }
    return acc;
}

static inline void conv2d(const eq_conv2d_packed_params *p, const int8_t *input, int8_t *output, eq_rounding rounding)
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
    void eq_conv2d_packed_ref_##suffix(const eq_conv2d_packed_params *p, const int8_t *input, int8_t *output)          \
    {                                                                                                                  \
        conv2d(p, input, output, rounding);                                                                            \
    }
EQ_FOR_EACH_ROUNDING(DEFINE)
