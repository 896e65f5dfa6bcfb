/* Pooling of NHWC int16 images. */
#ifndef EQ_POOL2D_INT16_H
#define EQ_POOL2D_INT16_H

#include <stdint.h>

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c; /* out_c is in_c */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t count_pad; /* whether padding counts in an average, as 0 */
    int32_t qmin, qmax;
} eq_pool2d_int16_params;

/* Halves are rounded away from zero. */
void eq_average_pool2d_int16_ref(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output);
/* Padding takes no part in a maximum. */
void eq_max_pool2d_int16_ref(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output);
void eq_max_pool2d_int16_mve(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output);
/* Four channels at once, on Cortex-M cores without vectors. */
void eq_average_pool2d_int16_thumb(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output);
void eq_max_pool2d_int16_thumb(const eq_pool2d_int16_params *p, const int16_t *input, int16_t *output);

#endif
