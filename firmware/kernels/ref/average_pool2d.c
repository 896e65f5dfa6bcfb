#include "eq/average_pool2d.h"
#include "eq/requant.h"

static inline int8_t average(const eq_average_pool2d_params *p, const int8_t *image, int32_t y, int32_t x, int32_t c)
{
    int32_t total = 0;
    int32_t count = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = y * p->stride_h - p->pad_top + ky * p->dilation_h;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            const int32_t ix = x * p->stride_w - p->pad_left + kx * p->dilation_w;
            if (iy >= 0 && iy < p->in_h && ix >= 0 && ix < p->in_w) {
                total += image[(iy * p->in_w + ix) * p->in_c + c];
                count++;
            } else if (p->count_pad) {
                total += p->pad_value;
                count++;
            }
        }
    }
    /* C's division truncates: half a count on the side of the sum's sign rounds halves away from zero. */
    const int32_t rounded = total < 0 ? total - (count - p->halves_up) / 2 : total + count / 2;
    return (int8_t)eq_clamp(rounded / count, p->qmin, p->qmax);
}

void eq_average_pool2d_ref(const eq_average_pool2d_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++) {
                for (int32_t c = 0; c < p->in_c; c++) {
                    *output++ = average(p, input, y, x, c);
                }
            }
        }
    }
}
