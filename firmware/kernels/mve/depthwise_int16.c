#include "eq/conv2d_int16_mve.h"
#include "finish_int16.h"

/* Channels at once. */
enum { LANES = 8 };

/* The taps of a window that lie inside of the image, and what else the channels of a pixel need. Distances are bytes.
 */
typedef struct {
    const int16_t *x;
    const int8_t *w;
    int32_t rows, columns;
    int32_t across; /* between columns */
    int32_t down;   /* from behind the last column to the next row's first */
    int32_t w_down; /* likewise of weights */
    int32_t w_on;   /* from behind the last row to the next block's first */
    const int32_t *bias, *multiplier, *shift;
    int16_t *out, *out_end;
    int32_t qmin, qmax;
} taps_inside;

/* How many of `count` taps, `step` apart from `start` on, come before 0, and how many before `size`. */
EQ_INLINE int32_t taps_before(int32_t start, int32_t step, int32_t count, int32_t bound)
{
    int32_t n = 0;
    while (n < count && start + n * step < bound) {
        n++;
    }
    return n;
}

/* All channels of a pixel. */
static void any_channels(const taps_inside *t)
{
    const int8_t *w = t->w;
    int32_t left = (int32_t)(t->out_end - t->out);
    for (int32_t c = 0; left > 0; c += LANES, left -= LANES, w += t->w_on) {
        const int16_t *x = t->x + c;
        eq_s32x4 even = eq_load_s32(t->bias + c), odd = eq_load_s32(t->bias + c + 4);
        for (int32_t row = 0; row < t->rows; row++, x += t->down / 2, w += t->w_down) {
            for (int32_t column = 0; column < t->columns; column++, x += t->across / 2, w += LANES) {
                const eq_s16x8 value = eq_load_s16_n(x, left), weight = eq_load_s8_to_s16(w);
                even = eq_add_s32(even, eq_multiply_even_s16(value, weight));
                odd = eq_add_s32(odd, eq_multiply_odd_s16(value, weight));
            }
        }
        even = eq_to_int16(even, eq_load_s32(t->multiplier + c), eq_load_s32(t->shift + c), t->qmin, t->qmax);
        odd = eq_to_int16(odd, eq_load_s32(t->multiplier + c + 4), eq_load_s32(t->shift + c + 4), t->qmin, t->qmax);
        eq_store_s16_n(t->out + c, eq_narrow_s32(even, odd), left);
    }
}

#if EQ_MVE_NATIVE

#define TAP                                                                                                            \
    "vldrh.16 q0, [r1]\n\t"                                                                                            \
    "vldrb.s16 q1, [r2], #8\n\t"                                                                                       \
    "add r1, r1, r5\n\t"                                                                                               \
    "vmullb.s16 q2, q0, q1\n\t"                                                                                        \
    "vmullt.s16 q3, q0, q1\n\t"                                                                                        \
    "vadd.i32 q4, q4, q2\n\t"                                                                                          \
    "vadd.i32 q5, q5, q3\n\t"

/* The same if channels are a multiple of 8, and there are taps. r0 t, r1 x, r2 w, r3 rows left, r4 columns, r5 across,
 * r6 down, r7 of weights, r8 bias, r9 multiplier, r10 shift, r11 out, r12 the block's x; q4 even sums, q5 odd ones, q6
 * and q7 bounds. */
__attribute__((naked, noinline)) static void whole_blocks(const taps_inside *t __attribute__((unused)))
{
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "vpush {d8-d15}\n\t"
                     "ldrd r8, r9, [r0, #32]\n\t"
                     "ldrd r10, r11, [r0, #40]\n\t"
                     "ldrd r3, r4, [r0, #52]\n\t"
                     "vdup.16 q6, r3\n\t"
                     "vdup.16 q7, r4\n\t"
                     "ldrd r12, r2, [r0]\n\t"
                     "ldrd r4, r5, [r0, #12]\n\t"
                     "ldrd r6, r7, [r0, #20]\n"
                     "1:\n\t"
                     "vldrw.32 q4, [r8], #16\n\t"
                     "vldrw.32 q5, [r8], #16\n\t"
                     "mov r1, r12\n\t"
                     "ldr r3, [r0, #8]\n"
                     "2:\n\t"
                     "cmp r4, #3\n\t"
                     "bne 3f\n\t" TAP TAP TAP "b 5f\n"
                     "3:\n\t"
                     "dls lr, r4\n"
                     "4:\n\t" TAP "le lr, 4b\n"
                     "5:\n\t"
                     "add r1, r1, r6\n\t"
                     "add r2, r2, r7\n\t"
                     "subs r3, r3, #1\n\t"
                     "bne 2b\n\t"
                     "vldrw.32 q0, [r9], #16\n\t"
                     "vldrw.32 q1, [r9], #16\n\t"
                     "vldrw.32 q2, [r10], #16\n\t"
                     "vldrw.32 q3, [r10], #16\n\t"
                     "vmulh.s32 q4, q4, q0\n\t"
                     "vmulh.s32 q5, q5, q1\n\t"
                     "vrshl.s32 q4, q4, q2\n\t"
                     "vrshl.s32 q5, q5, q3\n\t"
                     "vqmovnb.s32 q4, q4\n\t"
                     "vqmovnt.s32 q4, q5\n\t"
                     "vmax.s16 q4, q4, q6\n\t"
                     "vmin.s16 q4, q4, q7\n\t"
                     "vstrh.16 q4, [r11], #16\n\t"
                     "ldr r3, [r0, #28]\n\t"
                     "add r2, r2, r3\n\t"
                     "add r12, r12, #16\n\t"
                     "ldr r3, [r0, #48]\n\t"
                     "cmp r11, r3\n\t"
                     "bne 1b\n\t"
                     "vpop {d8-d15}\n\t"
                     "pop {r4-r11, pc}");
}

#else

#define whole_blocks any_channels

#endif

void eq_depthwise_conv2d_int16_mve(const eq_depthwise_conv2d_int16_mve_params *p, const int16_t *input, int16_t *output)
{
    const int32_t channels = p->in_c, across = 2 * p->dilation_w * channels, line = LANES * p->kernel_w;
    const int whole = channels % LANES == 0;
    taps_inside t = {0};
    t.across = across;
    t.bias = p->bias;
    t.multiplier = p->multiplier;
    t.shift = p->shift;
    t.qmin = p->qmin;
    t.qmax = p->qmax;
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * channels) {
        for (int32_t y = 0; y < p->out_h; y++) {
            const int32_t top = y * p->stride_h - p->pad_top;
            const int32_t above = taps_before(top, p->dilation_h, p->kernel_h, 0);
            t.rows = taps_before(top, p->dilation_h, p->kernel_h, p->in_h) - above;
            t.w_on = line * (p->kernel_h - t.rows);
            for (int32_t x = 0; x < p->out_w; x++, output += channels) {
                const int32_t left = x * p->stride_w - p->pad_left;
                int32_t before = 0, columns = p->kernel_w;
                if (left < 0 || left + (columns - 1) * p->dilation_w >= p->in_w) {
                    before = taps_before(left, p->dilation_w, columns, 0);
                    columns = taps_before(left, p->dilation_w, columns, p->in_w) - before;
                }
                const int32_t first = (top + above * p->dilation_h) * p->in_w + left + before * p->dilation_w;
                t.x = input + first * channels;
                t.w = p->weights + above * line + LANES * before;
                t.columns = columns;
                t.down = 2 * p->dilation_h * p->in_w * channels - columns * across;
                t.w_down = line - LANES * columns;
                t.out = output;
                t.out_end = output + channels;
                if (whole && t.rows > 0 && columns > 0) {
                    whole_blocks(&t);
                } else {
                    any_channels(&t);
                }
            }
        }
    }
}
