/* Windows of pools over images whose borders count for nothing. */
#ifndef EQ_REF_POOL2D_H
#define EQ_REF_POOL2D_H

#include <stdint.h>

/* Stores `result`, an expression of `total` and `count`; `total`, an `element` as every v, starts with `first_value`
 * and becomes `next` with every element v of a window, in the order of the taps. */
#define EQ_FOR_EACH_WINDOW(element, p, input, output, first_value, next, result)                                       \
    do {                                                                                                               \
        for (int32_t n = 0; n < (p)->batch; n++, (input) += (p)->in_h * (p)->in_w * (p)->in_c) {                       \
            for (int32_t y = 0; y < (p)->out_h; y++) {                                                                 \
                const eq_taps rows =                                                                                   \
                    eq_taps_inside(y, (p)->stride_h, (p)->pad_top, (p)->dilation_h, (p)->kernel_h, (p)->in_h);         \
                for (int32_t x = 0; x < (p)->out_w; x++) {                                                             \
                    const eq_taps columns =                                                                            \
                        eq_taps_inside(x, (p)->stride_w, (p)->pad_left, (p)->dilation_w, (p)->kernel_w, (p)->in_w);    \
                    const int32_t inside = (rows.end - rows.first) * (columns.end - columns.first);                    \
                    const int32_t count = (p)->count_pad ? (p)->kernel_h * (p)->kernel_w : inside;                     \
                    (void)count;                                                                                       \
                    for (int32_t c = 0; c < (p)->in_c; c++) {                                                          \
                        element total = first_value;                                                                   \
                        for (int32_t ky = rows.first; ky < rows.end; ky++) {                                           \
                            for (int32_t kx = columns.first; kx < columns.end; kx++) {                                 \
                                const int32_t iy = rows.start + ky * (p)->dilation_h;                                  \
                                const int32_t ix = columns.start + kx * (p)->dilation_w;                               \
                                const element v = (input)[(iy * (p)->in_w + ix) * (p)->in_c + c];                      \
                                total = next;                                                                          \
                            }                                                                                          \
                        }                                                                                              \
                        *(output)++ = result;                                                                          \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

#endif
