/* What the depthwise convolutions of Armv6-M and Armv7-M share: the walk over rows and channels. */
#ifndef EQ_THUMB_DEPTHWISE_H
#define EQ_THUMB_DEPTHWISE_H

#include "eq/depthwise_conv2d_thumb.h"
#include "eq/requant.h"
#include "eq/thumb_inline.h"
#include "eq/thumb_rows.h"

/* One channel of one output row. rows: the window's rows, already at the channel; offsets are in bytes. */
typedef struct {
    int32_t kernel_h, kernel_w;
    int32_t tap;    /* between the columns of the window */
    int32_t stride; /* between output columns */
    int32_t tiles;  /* of four columns, to compute */
    int32_t bias;
} eq_row_task;

/* Writes sums of bias and window times weights (kernel_h, kernel_w), 4 * tiles of them. */
typedef void eq_row_sums(const eq_row_task *task, const int8_t *const *rows, const int8_t *weights, int32_t *sums);
/* Stores a row of one channel: out_w sums, every out_c bytes. */
typedef void eq_row_store(const eq_depthwise_conv2d_thumb_params *p, int32_t channel, const int32_t *sums,
                          int8_t *output, eq_rounding rounding);

/* The rows of the window of output row y, from the first channel on. */
static inline void eq_row_pointers(const eq_depthwise_conv2d_thumb_params *p, const eq_row_window *ring, int32_t first,
                                   const int8_t **rows)
{
    int32_t slot = first;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        rows[ky] = ring->buffer + slot * ring->slot_bytes;
        slot += p->dilation_h;
        slot -= slot >= ring->slots ? ring->slots : 0;
    }
}

EQ_FLATTEN void eq_depthwise_rows(const eq_depthwise_conv2d_thumb_params *p, const int8_t *input, int8_t *output,
                                  void *scratch, eq_row_sums *compute, eq_row_store *store, eq_rounding rounding)
{
    const int32_t repeats = p->out_c / p->in_c, taps = p->kernel_h * p->kernel_w;
    eq_row_task task = {p->kernel_h,
                        p->kernel_w,
                        p->dilation_w * p->in_c,
                        p->stride_w * p->in_c,
                        (p->out_w + EQ_ROW_TILE - 1) / EQ_ROW_TILE,
                        0};
    int32_t *const sums = scratch;
    const int8_t **const rows = (const int8_t **)(sums + EQ_ROW_TILE * task.tiles);
    eq_row_window ring = {p->in_h,
                          p->in_w * p->in_c,
                          p->pad_left * p->in_c,
                          p->columns * p->in_c,
                          p->dilation_h * (p->kernel_h - 1) + 1,
                          (int8_t *)(rows + p->kernel_h),
                          0,
                          0};
    memset(ring.buffer, p->pad_value, (uint32_t)(ring.slots * ring.slot_bytes));
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->in_c) {
        int32_t first = 0; /* the slot of the window's first row */
        ring.known = 0;
        ring.slot = 0;
        for (int32_t y = 0; y < p->out_h; y++) {
            const int8_t *weights = p->weights;
            eq_rows_until(&ring, input, y * p->stride_h + ring.slots - 1, p->pad_top, p->pad_value);
            eq_row_pointers(p, &ring, first, rows);
            for (int32_t c = 0, repeat = 0; c < p->out_c; c++, weights += taps) {
                task.bias = p->bias[c];
                compute(&task, rows, weights, sums);
                store(p, c, sums, output + c, rounding);
                if (++repeat == repeats) {
                    repeat = 0;
                    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
                        rows[ky]++;
                    }
                }
            }
            output += p->out_w * p->out_c;
            first += p->stride_h;
            while (first >= ring.slots) {
                first -= ring.slots;
            }
        }
    }
}

#endif
