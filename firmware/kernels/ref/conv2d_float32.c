#include "eq/conv2d_float32.h"

#include "eq/lanes_float32.h"

/* What is computed at a pixel: up to four output channels of a group. */
typedef struct {
    int32_t first, count; /* output channels */
    int32_t channels;     /* input channels of the group */
    const float *weights; /* (kernel_h, kernel_w, channels, 4) */
} four;

/* Where the tap of a window lies along one dimension; outside of the input if there is nothing. */
static inline int32_t place(int32_t position, int32_t tap, int32_t stride, int32_t before, int32_t dilation,
                            int transposed)
{
    if (!transposed) {
        return position * stride - before + tap * dilation;
    }
    const int32_t spread = position + before - tap * dilation;
    return spread % stride == 0 ? spread / stride : -1;
}

/* The sums of four output channels at one pixel. Taps outside the image add nothing. */
static inline void accumulate(const eq_conv2d_float32_params *p, const float *image, int32_t y, int32_t x,
                              const four *some, int transposed, float *total)
{
    const float *weights = some->weights;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int32_t iy = place(y, ky, p->stride_h, p->pad_top, p->dilation_h, transposed);
        for (int32_t kx = 0; kx < p->kernel_w; kx++, weights += some->channels * EQ_LANES) {
            const int32_t ix = place(x, kx, p->stride_w, p->pad_left, p->dilation_w, transposed);
            if (iy >= 0 && iy < p->in_h && ix >= 0 && ix < p->in_w) {
                eq_add_products(image + (iy * p->in_w + ix) * p->in_c, weights, some->channels, total);
            }
        }
    }
}

/* `image` begins at the group's first channel, `output` at the pixel. */
static inline void compute(const eq_conv2d_float32_params *p, const float *image, int32_t y, int32_t x,
                           const four *some, int transposed, float *output)
{
    float total[EQ_LANES] = {0.0f, 0.0f, 0.0f, 0.0f};
    accumulate(p, image, y, x, some, transposed, total);
    eq_store_lanes(total, p->bias ? p->bias + some->first : 0, some->count, p->low, p->high, output + some->first);
}

static inline void pixel(const eq_conv2d_float32_params *p, const float *image, int32_t y, int32_t x, int transposed,
                         float *output)
{
    const int32_t own = p->out_c / p->groups;
    four some = {0, 0, p->in_c / p->groups, p->weights};
    for (int32_t group = 0; group < p->groups; group++) {
        for (int32_t first = 0; first < own; first += EQ_LANES) {
            some.first = group * own + first;
            some.count = own - first < EQ_LANES ? own - first : EQ_LANES;
            compute(p, image + group * some.channels, y, x, &some, transposed, output);
            some.weights += p->kernel_h * p->kernel_w * some.channels * EQ_LANES;
        }
    }
}

static inline void layer(const eq_conv2d_float32_params *p, const float *input, float *output, int transposed)
{
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        for (int32_t y = 0; y < p->out_h; y++) {
            for (int32_t x = 0; x < p->out_w; x++, output += p->out_c) {
                pixel(p, input, y, x, transposed, output);
            }
        }
    }
}

/* The results of four output channels at pixels `begin` ... `end` - 1 of an image. */
static inline void pixels(const eq_conv2d_float32_params *p, const float *image, int32_t begin, int32_t end,
                          const four *some, int transposed, float *output)
{
    int32_t y = begin / p->out_w, x = begin - y * p->out_w;
    for (int32_t k = begin; k < end; k++, output += p->out_c) {
        compute(p, image, y, x, some, transposed, output);
        x++;
        if (x == p->out_w) {
            x = 0;
            y++;
        }
    }
}

/* All output channels at those pixels. */
static inline void stored_pixels(const eq_conv2d_stored_params *p, const float *image, int32_t begin, int32_t end,
                                 float *weights, int transposed, float *output)
{
    const int32_t groups = p->layer.groups, own = p->layer.out_c / groups;
    four some = {0, 0, p->layer.in_c / groups, weights};
    for (int32_t group = 0; group < groups; group++) {
        for (int32_t first = 0; first < own; first += EQ_LANES) {
            some.first = group * own + first;
            some.count = own - first < EQ_LANES ? own - first : EQ_LANES;
            eq_stored_fours(&p->weights, some.first, some.count, 0, p->weights.depth, weights);
            pixels(&p->layer, image + group * some.channels, begin, end, &some, transposed, output);
        }
    }
}

static inline void stored_layer(const eq_conv2d_stored_params *p, const float *input, float *output, float *weights,
                                int transposed)
{
    const int32_t all = p->layer.out_h * p->layer.out_w;
    for (int32_t n = 0; n < p->layer.batch; n++, input += p->layer.in_h * p->layer.in_w * p->layer.in_c) {
        for (int32_t begin = 0; begin < all; begin += p->at_once) {
            const int32_t end = all - begin < p->at_once ? all : begin + p->at_once;
            stored_pixels(p, input, begin, end, weights, transposed, output);
            output += (end - begin) * p->layer.out_c;
        }
    }
}

void eq_conv2d_float32_ref(const eq_conv2d_float32_params *p, const float *input, float *output)
{
    layer(p, input, output, 0);
}

void eq_conv_transpose2d_float32_ref(const eq_conv2d_float32_params *p, const float *input, float *output)
{
    layer(p, input, output, 1);
}

void eq_conv2d_stored_ref(const eq_conv2d_stored_params *p, const float *input, float *output, void *scratch)
{
    stored_layer(p, input, output, scratch, 0);
}

void eq_conv_transpose2d_stored_ref(const eq_conv2d_stored_params *p, const float *input, float *output, void *scratch)
{
    stored_layer(p, input, output, scratch, 1);
}
