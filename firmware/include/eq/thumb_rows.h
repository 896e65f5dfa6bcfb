/* Rows of a padded image for depthwise windows: the last kernel_h input rows that the window needs, with padding on
 * both sides, so that no column of an output row is special. */
#ifndef EQ_THUMB_ROWS_H
#define EQ_THUMB_ROWS_H

#include <stdint.h>
#include <string.h>

/* Output columns that are computed at once. */
#define EQ_ROW_TILE 4

/* A window of kernel_h rows, `dilation_h` apart. Slots: a row in the buffer that holds input row r is r modulo `slots`.
 */
typedef struct {
    int32_t in_h, row_bytes; /* of the image */
    int32_t pad_bytes;       /* left of each row */
    int32_t slot_bytes;      /* of a padded row */
    int32_t slots;           /* dilation_h * (kernel_h - 1) + 1 */
    int8_t *buffer;
    int32_t known; /* rows before this one have been read */
    int32_t slot;  /* where row `known` goes */
} eq_row_window;

/* Reads rows up to and including `last`, counted from the top of the padding. */
static inline void eq_rows_until(eq_row_window *r, const int8_t *image, int32_t last, int32_t pad_top,
                                 int32_t pad_value)
{
    for (; r->known <= last; r->known++) {
        int8_t *const to = r->buffer + r->slot * r->slot_bytes + r->pad_bytes;
        const int32_t y = r->known - pad_top;
        if (y >= 0 && y < r->in_h) {
            memcpy(to, image + y * r->row_bytes, (uint32_t)r->row_bytes);
        } else {
            memset(to, pad_value, (uint32_t)r->row_bytes);
        }
        r->slot = r->slot + 1 == r->slots ? 0 : r->slot + 1;
    }
}

#endif
