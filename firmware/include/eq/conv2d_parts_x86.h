/* 2-D convolutions of NHWC int8 images that consist of several products, with the vectors of x86: those in groups, some
 * of which are a part, and transposed ones, where the outputs that see the same taps are a part. */
#ifndef EQ_CONV2D_PARTS_X86_H
#define EQ_CONV2D_PARTS_X86_H

#include <stdint.h>

/* What a part is, one number after another. */
enum {
    EQ_PART_WINDOW, /* where its first window begins, in activations from the beginning of the copied rows */
    EQ_PART_OUTPUT, /* its first output, from the beginning of an image */
    EQ_PART_ROWS,   /* its rows, columns and channels of outputs */
    EQ_PART_COLUMNS,
    EQ_PART_CHANNELS,
    EQ_PART_DEPTH,   /* taps of a window, filled up to whole steps */
    EQ_PART_OFFSETS, /* where its own begin among those of all parts: offsets of steps, weights, sums */
    EQ_PART_WEIGHTS,
    EQ_PART_SUMS,
    EQ_PART_NUMBERS
};

/* Parts have the members that eq_conv2d_x86_params says. */
typedef struct {
    int32_t batch, in_h, in_w, in_c, out_size; /* out_size: elements of an image */
    int32_t stride_h, stride_w;                /* of windows */
    int32_t pad_top, pad_left;
    int32_t pad_value;
    int32_t row;               /* activations of a row of the input with its borders */
    int32_t rows;              /* of windows, in the part that has the most */
    int32_t together;          /* of these are computed from one copy of the input's rows */
    int32_t height;            /* rows of the input that one of them reads */
    int32_t out_row, out_step; /* elements from an output to the one below, and to the one on the right, of its part */
    int32_t count;             /* of parts */
    const int32_t *parts;      /* count, EQ_PART_NUMBERS */
    const int32_t *offsets;
    const int8_t *weights;
    const int32_t *bias, *multiplier, *shift;
    int32_t zero_point, qmin, qmax;
} eq_conv2d_parts_x86_params;

/* scratch: the rows that `together` rows of windows read and 16 more activations, each of 1 byte, with AVX2 of 2. */
void eq_conv2d_parts_avx2_fast(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output, void *scratch);
void eq_conv2d_parts_avx2_single(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_parts_avx2_double(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                 void *scratch);
void eq_conv2d_parts_avx2_nearest(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                  void *scratch);
void eq_conv2d_parts_avx2_away(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output, void *scratch);

void eq_conv2d_parts_avx_vnni_fast(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);
void eq_conv2d_parts_avx_vnni_single(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_conv2d_parts_avx_vnni_double(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                     void *scratch);
void eq_conv2d_parts_avx_vnni_nearest(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_conv2d_parts_avx_vnni_away(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                   void *scratch);

void eq_conv2d_parts_avx512_vnni_fast(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);
void eq_conv2d_parts_avx512_vnni_single(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_conv2d_parts_avx512_vnni_double(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                        void *scratch);
void eq_conv2d_parts_avx512_vnni_nearest(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                         void *scratch);
void eq_conv2d_parts_avx512_vnni_away(const eq_conv2d_parts_x86_params *p, const int8_t *input, int8_t *output,
                                      void *scratch);

#endif
