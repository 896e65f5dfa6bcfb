#include "eq/depthwise_conv2d_dsp.h"
#include "eq/dsp.h"
#include "inline.h"
#include "window3.h"

typedef eq_depthwise_conv2d_3x3_dsp_params params;

/* A row of outputs of one channel, and the three rows of pixels, 16 bits each, that it is computed from. */
typedef struct {
    int32_t bias, channels;
    int32_t factor, zero_point;
    const int16_t *end; /* of what the outputs take from the first row */
    int32_t step;       /* in bytes, from one window to the next */
    int16_t *rows[3];
    int8_t *output;
    int32_t pairs[3];        /* of each row of the window the first two weights */
    int32_t last[2];         /* the third weights: of the first two rows, of the last one */
    const int16_t *twos_end; /* of what is computed two at a time; then the step is that of neighbours */
} task;

#if EQ_DSP_NATIVE && defined(__thumb2__)

/* Registers: r0-r2 rows, r3 output, r4-r8 weights, r9 and r11 pixels, r10 and r12 sums, lr ends; one at a time r11
 * factor, r12 zero-point, lr step. On the stack: what comes before the rows. */
#define EQ_TWO(row, pair, half, last)                                                                                  \
    "ldr r9, [" row "], #4\n\t"                                                                                        \
    "ldr r11, [" row "]\n\t"                                                                                           \
    "smlad r10, r9, " pair ", r10\n\t"                                                                                 \
    "smlatb r12, r9, " pair ", r12\n\t"                                                                                \
    "smlabt r12, r11, " pair ", r12\n\t"                                                                               \
    "smlab" half " r10, r11, " last ", r10\n\t"                                                                        \
    "smlat" half " r12, r11, " last ", r12\n\t"

#define EQ_ONE(row, pair, half, last)                                                                                  \
    "ldr r9, [" row "]\n\t"                                                                                            \
    "smlad r10, r9, " pair ", r10\n\t"                                                                                 \
    "ldrsh r9, [" row ", #4]\n\t"                                                                                      \
    "smlab" half " r10, r9, " last ", r10\n\t"                                                                         \
    "add " row ", " row ", lr\n\t"

__attribute__((naked)) static void compute_row(const task *t __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "ldmia r0!, {r1-r6}\n\t"
            "push {r1-r6}\n\t"
            "ldmia r0, {r0-r8, lr}\n\t"
            "b 2f\n"
            "1:\n\t"
            "ldr r10, [sp]\n\t"
            "mov r12, r10\n\t" EQ_TWO("r0", "r4", "b", "r7") EQ_TWO("r1", "r5", "t", "r7")
                EQ_TWO("r2", "r6", "b", "r8") "ldrd r9, r11, [sp, #8]\n\t"
                                              "smmlar r10, r10, r9, r11\n\t"
                                              "smmlar r12, r12, r9, r11\n\t"
                                              "ssat r10, #8, r10\n\t"
                                              "ssat r12, #8, r12\n\t"
                                              "ldr r9, [sp, #4]\n\t"
                                              "strb r12, [r3, r9]\n\t"
                                              "strb r10, [r3]\n\t"
                                              "add r3, r3, r9, lsl #1\n"
                                              "2:\n\t"
                                              "cmp r0, lr\n\t"
                                              "bne 1b\n\t"
                                              "ldrd r11, r12, [sp, #8]\n\t"
                                              "ldr lr, [sp, #20]\n\t"
                                              "b 4f\n"
                                              "3:\n\t"
                                              "ldr r10, [sp]\n\t" EQ_ONE("r0", "r4", "b", "r7")
                                                  EQ_ONE("r1", "r5", "t", "r7")
                                                      EQ_ONE("r2", "r6", "b", "r8") "smmlar r10, r10, r11, r12\n\t"
                                                                                    "ssat r10, #8, r10\n\t"
                                                                                    "strb r10, [r3]\n\t"
                                                                                    "ldr r9, [sp, #4]\n\t"
                                                                                    "add r3, r3, r9\n"
                                                                                    "4:\n\t"
                                                                                    "ldr r9, [sp, #16]\n\t"
                                                                                    "cmp r0, r9\n\t"
                                                                                    "bne 3b\n\t"
                                                                                    "add sp, sp, #24\n\t"
                                                                                    "pop {r4-r11, pc}");
}

#else

static void compute_row(const task *t)
{
    const int32_t count = (int32_t)(t->end - t->rows[0]) / (t->step / 2);
    for (int32_t i = 0; i < count; i++) {
        int32_t sum = t->bias;
        for (int32_t r = 0; r < 3; r++) {
            const int16_t *const at = t->rows[r] + i * (t->step / 2);
            const int32_t last = r == 2 ? t->last[1] : r == 1 ? t->last[0] >> 16 : t->last[0];
            sum = eq_smlabb(at[2], last, eq_smlad(eq_pkhbt(at[0], at[1]), t->pairs[r], sum));
        }
        t->output[i * t->channels] = (int8_t)eq_ssat8(eq_smmlar(sum, t->factor, t->zero_point));
    }
}

#endif

EQ_INLINE void read_record(const params *p, const int8_t *record, int bits, task *t)
{
    int8_t unpacked[12];
    const eq_channel entry = eq_channel_of(p->entry, record + EQ_NINE(bits));
    if (bits == 4) {
        eq_unpack_nine(record, unpacked);
        record = unpacked;
    }
    t->bias = entry.bias;
    t->factor = entry.factor;
    for (int32_t r = 0; r < 3; r++) {
        t->pairs[r] = eq_pkhbt(record[3 * r], record[3 * r + 1]);
    }
    t->last[0] = eq_pkhbt(record[2], record[5]);
    t->last[1] = record[8];
}

/* Pixels, at least one, of one channel. */
static EQ_NOINLINE void widen(const int8_t *from, int32_t step, int32_t count, int16_t *to)
{
    do {
        *to++ = *from;
        from += step;
    } while (--count > 0);
}

/* One channel of an image. The last three rows of pixels are kept. */
static void compute_channel(const params *p, const int8_t *input, task *t)
{
    const int32_t room = p->words - p->pad_left, pixels = p->in_w < room ? p->in_w : room;
    const int32_t twos = t->step == 2 ? p->out_w & ~1 : 0;
    int32_t missing = 3, y = -p->pad_top;
    input += y * p->in_w * p->channels;
    for (int32_t left = p->out_h; left > 0; y++, input += p->in_w * p->channels) {
        /* A row outside of the image is padding. */
        const int inside = y >= 0 && y < p->in_h;
        int16_t *const first = t->rows[0];
        t->rows[0] = t->rows[1], t->rows[1] = t->rows[2], t->rows[2] = first;
        widen(inside ? input : &p->pad_value, inside ? p->channels : 0, pixels, first + p->pad_left);
        if (--missing == 0) {
            t->twos_end = t->rows[0] + twos;
            t->end = t->rows[0] + p->out_w * p->stride;
            compute_row(t);
            t->output += p->out_w * p->channels;
            missing = p->stride;
            left--;
        }
    }
}

EQ_INLINE void compact(const params *p, const int8_t *input, int8_t *output, void *scratch, int bits)
{
    task t;
    t.channels = p->channels;
    t.zero_point = p->zero_point;
    t.step = 2 * p->stride;
    for (int32_t i = 0; i < 3 * p->words; i++) {
        ((int16_t *)scratch)[i] = p->pad_value;
    }
    for (int32_t i = 0; i < 3; i++) {
        t.rows[i] = (int16_t *)scratch + i * p->words;
    }
    for (int32_t n = 0; n < p->batch; n++, input += p->in_h * p->in_w * p->channels) {
        const int8_t *record = p->records;
        for (int32_t channel = 0; channel < p->channels; channel++, record += EQ_NINE(bits) + p->entry.bytes) {
            read_record(p, record, bits, &t);
            t.output = output + n * p->out_h * p->out_w * p->channels + channel;
            compute_channel(p, input + channel, &t);
        }
    }
}

void eq_compact_depthwise_conv2d_dsp(const params *p, const int8_t *input, int8_t *output, void *scratch)
{
    compact(p, input, output, scratch, 8);
}

void eq_compact_depthwise_conv2d_int4_dsp(const params *p, const int8_t *input, int8_t *output, void *scratch)
{
    compact(p, input, output, scratch, 4);
}
