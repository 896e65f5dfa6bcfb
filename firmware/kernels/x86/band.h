/* The rows of an image that some rows of the output read, copied with borders. */
#ifndef EQ_X86_BAND_H
#define EQ_X86_BAND_H

#include "eq/conv2d_x86.h"
#include "vectors.h"

EQ_INLINE void eq_fill(eq_activation *to, eq_activation value, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        to[i] = value;
    }
}

/* `rows` rows of an image from row `first` on, as activations with borders. */
EQ_INLINE void eq_copy_band(const eq_conv2d_x86_params *p, const int8_t *image, int32_t first, int32_t rows,
                            eq_activation *band)
{
    const eq_activation outside = eq_activation_of((int8_t)p->pad_value);
    const int32_t elements = p->in_w * p->in_c, left = p->pad_left * p->in_c;
    const int32_t n = elements < p->row - left ? elements : p->row - left;
    for (int32_t r = 0; r < rows; r++, band += p->row) {
        const int32_t y = first + r;
        if (y < 0 || y >= p->in_h) {
            eq_fill(band, outside, p->row);
            continue;
        }
        eq_fill(band, outside, left);
        eq_collect(band + left, image + (int64_t)y * elements, n);
        eq_fill(band + left + n, outside, p->row - left - n);
    }
}

#endif
