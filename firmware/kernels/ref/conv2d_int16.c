#include "eq/conv2d_int16.h"
#include "eq/packed.h"
#include "eq/requant16.h"

/* Stores every output, `requantize` of a `sum` that begins with `start`, over the taps inside the image. */
#define CONVOLVE(p, input, output, sum, start, requantize)                                                             \
    do {                                                                                                               \
        const int32_t group_in = (p)->in_c / (p)->groups, group_out = (p)->out_c / (p)->groups;                        \
        for (int32_t n = 0; n < (p)->batch; n++, (input) += (p)->in_h * (p)->in_w * (p)->in_c) {                       \
            for (int32_t pixel = 0; pixel < (p)->out_h * (p)->out_w; pixel++) {                                        \
                const int32_t top = pixel / (p)->out_w * (p)->stride_h - (p)->pad_top;                                 \
                const int32_t left = pixel % (p)->out_w * (p)->stride_w - (p)->pad_left;                               \
                for (int32_t oc = 0; oc < (p)->out_c; oc++) {                                                          \
                    int32_t index = oc * (p)->kernel_h * (p)->kernel_w * group_in;                                     \
                    sum acc = start(p, oc);                                                                            \
                    for (int32_t ky = 0; ky < (p)->kernel_h; ky++) {                                                   \
                        const int32_t iy = top + ky * (p)->dilation_h;                                                 \
                        for (int32_t kx = 0; kx < (p)->kernel_w; kx++, index += group_in) {                            \
                            const int32_t ix = left + kx * (p)->dilation_w;                                            \
                            if (iy < 0 || iy >= (p)->in_h || ix < 0 || ix >= (p)->in_w) {                              \
                                continue;                                                                              \
                            }                                                                                          \
                            const int16_t *in =                                                                        \
                                (input) + (iy * (p)->in_w + ix) * (p)->in_c + oc / group_out * group_in;               \
                            for (int32_t c = 0; c < group_in; c++) {                                                   \
                                acc += in[c] * eq_weight((p)->weights, index + c, (p)->weight_bits);                   \
                            }                                                                                          \
                        }                                                                                              \
                    }                                                                                                  \
                    *(output)++ = requantize(acc, (p)->mantissa[oc], (p)->shift[oc], (p)->qmin, (p)->qmax);            \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

void eq_conv2d_int16_ref(const eq_conv2d_int16_params *p, const int16_t *input, int16_t *output)
{
    CONVOLVE(p, input, output, int32_t, EQ_BIAS32, eq_requantize16);
}

void eq_conv2d_int16_ref_wide(const eq_conv2d_int16_params *p, const int16_t *input, int16_t *output)
{
    CONVOLVE(p, input, output, int64_t, EQ_BIAS64, eq_requantize16_wide);
}
