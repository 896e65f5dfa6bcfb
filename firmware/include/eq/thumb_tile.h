/* Tiles of eight output pixels for cores without SIMD: two activations share a 32-bit word, so that one multiplication
 * by a weight makes two products.
 *
 * A tile is k steps of four words; word q of a step is x(q) + x(q + 4) * 2^lane, where x(p) is what pixel p of the tile
 * reads at that step. */
#ifndef EQ_THUMB_TILE_H
#define EQ_THUMB_TILE_H

#include <stdint.h>
#include <string.h>

#define EQ_TILE 8

/* A sliding window over one image. */
typedef struct {
    int32_t in_h, in_w, in_c, out_h, out_w;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
} eq_tile_window;

/* The window in a struct of parameters that has such members. */
#define EQ_TILE_WINDOW(p)                                                                                              \
    {(p)->in_h,     (p)->in_w,     (p)->in_c,       (p)->out_h,      (p)->out_w,   (p)->kernel_h, (p)->kernel_w,       \
     (p)->stride_h, (p)->stride_w, (p)->dilation_h, (p)->dilation_w, (p)->pad_top, (p)->pad_left}

/* The upper left corner of the window of each pixel of a tile, and where the next tile starts. */
typedef struct {
    int32_t top[EQ_TILE], left[EQ_TILE];
    int32_t y, x;
} eq_tile_pixels;

/* The corners of the next `count` pixels; the rest of the tile repeats the last of them. */
static inline void eq_tile_next(const eq_tile_window *g, eq_tile_pixels *at, int32_t count)
{
    int32_t top = at->y * g->stride_h - g->pad_top;
    int32_t left = at->x * g->stride_w - g->pad_left;
    for (int32_t i = 0; i < EQ_TILE; i++) {
        at->top[i] = top;
        at->left[i] = left;
        if (i + 1 < count) {
            left += g->stride_w;
            if (++at->x == g->out_w) {
                at->x = 0;
                at->y++;
                top += g->stride_h;
                left = -g->pad_left;
            }
        }
    }
    if (++at->x == g->out_w) {
        at->x = 0;
        at->y++;
    }
}

static inline int32_t eq_tile_word(int32_t first, int32_t second, int32_t lane)
{
    return (int32_t)((uint32_t)first + ((uint32_t)second << lane));
}

/* n steps of one pair of pixels. Returns `to` + 4 * n. */
static inline int32_t *eq_tile_run(const int8_t *a, const int8_t *b, int32_t n, int32_t *to, int32_t lane)
{
    const int8_t *const end = a + n;
    for (; end - a >= 4; a += 4, b += 4, to += 16) {
        to[0] = eq_tile_word(a[0], b[0], lane);
        to[4] = eq_tile_word(a[1], b[1], lane);
        to[8] = eq_tile_word(a[2], b[2], lane);
        to[12] = eq_tile_word(a[3], b[3], lane);
    }
    for (; a != end; to += 4) {
        *to = eq_tile_word(*a++, *b++, lane);
    }
    return to;
}

/* Where a tap of a window starts, or `pad` outside of the image. */
static inline const int8_t *eq_tile_tap(const eq_tile_window *g, const int8_t *image, int32_t y, int32_t x,
                                        const int8_t *pad)
{
    const int inside = y >= 0 && y < g->in_h && x >= 0 && x < g->in_w;
    return inside ? image + (y * g->in_w + x) * g->in_c : pad;
}

static inline int eq_tile_inside(const eq_tile_window *g, int32_t top, int32_t left)
{
    return top >= 0 && left >= 0 && top + g->dilation_h * (g->kernel_h - 1) < g->in_h &&
           left + g->dilation_w * (g->kernel_w - 1) < g->in_w;
}

/* Writes kernel_h * kernel_w * in_c steps: every pixel's window, channels innermost.
 *
 * pad: in_c bytes of what lies outside of the image. */
static inline void eq_tile_gather(const eq_tile_window *g, const int8_t *image, const eq_tile_pixels *at,
                                  const int8_t *pad, int32_t *to, int32_t lane)
{
    const int32_t row = g->dilation_h * g->in_w * g->in_c;
    const int32_t column = g->dilation_w * g->in_c;
    const int dense = g->dilation_w == 1;
    for (int32_t q = 0; q < EQ_TILE / 2; q++) {
        const int32_t ay = at->top[q], ax = at->left[q], by = at->top[q + 4], bx = at->left[q + 4];
        int32_t *word = to + q;
        if (eq_tile_inside(g, ay, ax) && eq_tile_inside(g, by, bx)) {
            const int8_t *a = image + (ay * g->in_w + ax) * g->in_c;
            const int8_t *b = image + (by * g->in_w + bx) * g->in_c;
            for (int32_t ky = 0; ky < g->kernel_h; ky++, a += row, b += row) {
                const int32_t runs = dense ? 1 : g->kernel_w;
                const int32_t length = dense ? g->kernel_w * g->in_c : g->in_c;
                for (int32_t i = 0; i < runs; i++) {
                    word = eq_tile_run(a + i * column, b + i * column, length, word, lane);
                }
            }
        } else {
            for (int32_t ky = 0; ky < g->kernel_h; ky++) {
                const int32_t y = ky * g->dilation_h;
                for (int32_t kx = 0; kx < g->kernel_w; kx++) {
                    const int32_t x = kx * g->dilation_w;
                    word = eq_tile_run(eq_tile_tap(g, image, ay + y, ax + x, pad),
                                       eq_tile_tap(g, image, by + y, bx + x, pad), g->in_c, word, lane);
                }
            }
        }
    }
}

/* Bytes of a tile of k steps. */
#define EQ_TILE_BYTES(k) ((k) * 16)

#endif
