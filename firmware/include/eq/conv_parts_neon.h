/* 2-D convolutions of NHWC int8 images that are made of others: those in groups, and transposed ones, whose output rows
 * and columns that are a stride apart have the same taps. With Arm's vectors. */
#ifndef EQ_CONV_PARTS_NEON_H
#define EQ_CONV_PARTS_NEON_H

#include <stdint.h>

/* A convolution of some channels; its output is some channels of some rows and columns. */
typedef struct {
    int32_t kernel_h, kernel_w;
    int32_t pad_top, pad_left; /* negative: so many rows and columns are passed over */
    int32_t out_h, out_w;
    int32_t from, to;     /* elements of input and output before its first ones */
    int32_t band, gather; /* this and the next as in eq_conv2d_neon_params */
    int32_t lines, run;
    int32_t first_weight, first_channel; /* where its weights, and its channels in the blocks' order, begin */
} eq_conv_part;

typedef struct {
    int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t part_in, part_out;  /* channels of a part */
    int32_t stride_h, stride_w; /* of windows */
    int32_t dilation_h, dilation_w;
    int32_t out_stride_h, out_stride_w; /* of a part's output */
    int32_t pad_value;                  /* what the input reads as outside its borders: its zero-point */
    int32_t together;                   /* this and the next as in eq_conv2d_neon_params */
    int32_t count;
    const int32_t *parts; /* `count` of eq_conv_part */
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int32_t *shift;
    int32_t zero_point, qmin, qmax;
    int32_t small; /* whether no scaled sum leaves 16 bits, with or without the zero-point */
} eq_conv_parts_neon_params;

/* scratch: that of the part that needs most. */
void eq_conv_parts_neon_fast(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv_parts_neon_single(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv_parts_neon_double(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output, void *scratch);

void eq_conv_parts_dotprod_fast(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv_parts_dotprod_single(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_conv_parts_dotprod_double(const eq_conv_parts_neon_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);

#endif
