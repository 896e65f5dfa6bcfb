#include "planes.h"
#include "inline.h"

/* Fewer than four channels of one pixel, where reading four could leave the image. */
static inline int32_t load_channels(const int8_t *pixel, int32_t channels)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < channels; i++) {
        word |= (uint32_t)(uint8_t)pixel[i] << 8 * i;
    }
    return (int32_t)word;
}

/* Two pixels of a row, four channels each, to where that word is in the four planes. */
static inline void put_pixels(int32_t left, int32_t right, int32_t *to, int32_t plane)
{
    const int32_t low = eq_pkhbt(left, right), high = eq_pkhtb(left, right);
    to[0] = eq_sxtb16(low);
    to[plane] = eq_sxtb16_ror8(low);
    to[2 * plane] = eq_sxtb16(high);
    to[3 * plane] = eq_sxtb16_ror8(high);
}

/* Two neighbouring pixels of a row, four channels each. */
typedef struct {
    int32_t left, right;
} neighbours;

#if EQ_ASSEMBLY

#if EQ_DSP_OPERANDS
#define LEFT_A "%[a0]"
#define RIGHT_A "%[a1]"
#define LEFT_B "%[b0]"
#define RIGHT_B "%[b1]"
#define LOW "%[low]"
#define HIGH "%[high]"
#define FROM_A "%[a]"
#define FROM_B "%[b]"
#define STEP "%[step]"
#define TO0 "%[to]"
#define TO1 "%[to1]"
#define TO2 "%[to2]"
#define TO3 "%[to3]"
#define WORDS "%[words]"
#else
#define LEFT_A "r0"
#define RIGHT_A "r2"
#define LEFT_B "r1"
#define RIGHT_B "r3"
#define LOW "r4"
#define HIGH "lr"
#define FROM_A "r5"
#define FROM_B "r6"
#define STEP "r7"
#define TO0 "r8"
#define TO1 "r9"
#define TO2 "r10"
#define TO3 "r11"
#define WORDS "r12"
#endif

/* A word each of two rows of a plane. */
#define EQ_PUT(from_a, from_b, to)                                                                                     \
    "sxtb16 " LEFT_A ", " from_a "\n\t"                                                                                \
    "sxtb16 " LEFT_B ", " from_b "\n\t"                                                                                \
    "strd " LEFT_A ", " LEFT_B ", [" to "], #8\n\t"

/* Entered at label 2 with the first pixels of both rows. */
#define EQ_PUT_ROWS                                                                                                    \
    "1:\n\t"                                                                                                           \
    "ldr " LEFT_A ", [" FROM_A "]\n\t"                                                                                 \
    "ldr " RIGHT_A ", [" FROM_A ", " STEP "]\n\t"                                                                      \
    "add " FROM_A ", " FROM_A ", " STEP ", lsl #1\n\t"                                                                 \
    "ldr " LEFT_B ", [" FROM_B "]\n\t"                                                                                 \
    "ldr " RIGHT_B ", [" FROM_B ", " STEP "]\n\t"                                                                      \
    "add " FROM_B ", " FROM_B ", " STEP ", lsl #1\n"                                                                   \
    "2:\n\t"                                                                                                           \
    "pkhbt " LOW ", " LEFT_A ", " RIGHT_A ", lsl #16\n\t"                                                              \
    "pkhtb " RIGHT_A ", " RIGHT_A ", " LEFT_A ", asr #16\n\t"                                                          \
    "pkhbt " HIGH ", " LEFT_B ", " RIGHT_B ", lsl #16\n\t"                                                             \
    "pkhtb " RIGHT_B ", " RIGHT_B ", " LEFT_B ", asr #16\n\t" EQ_PUT(LOW, HIGH, TO0)                                   \
        EQ_PUT(LOW ", ror #8", HIGH ", ror #8", TO1) EQ_PUT(RIGHT_A, RIGHT_B, TO2)                                     \
            EQ_PUT(RIGHT_A ", ror #8", RIGHT_B ", ror #8", TO3) /* and on */                                           \
        "subs " WORDS ", " WORDS ", #1\n\t"                                                                            \
        "bne 1b\n\t"

#endif

#if EQ_ASSEMBLY && !EQ_DSP_OPERANDS

/* What the loop has in registers from r5 on, then what it reads from the stack. */
typedef struct {
    const int8_t *a, *b;
    int32_t step;
    int32_t *to[4];
    int32_t words;
    int32_t odd, pad_word;
} rows_task;

/* The first pixels are in registers, the rest is on the stack. */
__attribute__((naked)) static void put_rows_of(int32_t left_a __attribute__((unused)),
                                               int32_t left_b __attribute__((unused)),
                                               int32_t right_a __attribute__((unused)),
                                               int32_t right_b __attribute__((unused)),
                                               rows_task t __attribute__((unused)))
{
    __asm__("push {r4-r11, lr}\n\t"
            "add r12, sp, #36\n\t"
            "ldmia r12, {r5-r12}\n\t"
            "b 2f\n" EQ_PUT_ROWS /* to the last pair */
            "ldr r12, [sp, #68]\n\t"
            "cmp r12, #0\n\t"
            "beq 3f\n\t"
            "mov r4, #0\n\t"
            "str r4, [sp, #68]\n\t"
            "ldr r0, [r5]\n\t"
            "ldr r1, [r6]\n\t"
            "ldr r2, [sp, #72]\n\t"
            "mov r3, r2\n\t"
            "b 2b\n"
            "3:\n\t"
            "pop {r4-r11, pc}");
}

#endif

/* Writes two rows of four planes: first the pixels `first_a` and `first_b`, then `words` - 1 pairs from a and b on,
 * then, if `odd`, one more pixel and padding. `plane` is the distance of planes in words. */
static inline void put_rows(neighbours first_a, neighbours first_b, const int8_t *a, const int8_t *b, int32_t step,
                            int32_t words, int32_t odd, int32_t pad_word, int32_t *to, int32_t plane)
{
#if EQ_DSP_OPERANDS
    int32_t *to1 = to + plane, *to2 = to1 + plane, *to3 = to2 + plane;
    int32_t a0, a1, b0, b1, low, high;
    const neighbours next_a = first_a, next_b = first_b;
    neighbours rest = {odd, pad_word};
    __asm__ volatile("ldrd %[a0], %[a1], %[next_a]\n\t"
                     "ldrd %[b0], %[b1], %[next_b]\n\t"
                     "b 2f\n" EQ_PUT_ROWS /* to the last pair */
                     "ldrd %[words], %[a1], %[rest]\n\t"
                     "cmp %[words], #0\n\t"
                     "beq 3f\n\t"
                     "mov %[low], #0\n\t"
                     "strd %[low], %[a1], %[rest]\n\t"
                     "ldr %[a0], [%[a]]\n\t"
                     "ldr %[b0], [%[b]]\n\t"
                     "mov %[b1], %[a1]\n\t"
                     "b 2b\n"
                     "3:"
                     : [a] "+r"(a), [b] "+r"(b), [to] "+r"(to), [to1] "+r"(to1), [to2] "+r"(to2), [to3] "+r"(to3),
                       [words] "+r"(words), [a0] "=&r"(a0), [a1] "=&r"(a1), [b0] "=&r"(b0), [b1] "=&r"(b1),
                       [low] "=&r"(low), [high] "=&r"(high), [rest] "+m"(rest)
                     : [step] "r"(step), [next_a] "m"(next_a), [next_b] "m"(next_b)
                     : "cc", "memory");
#elif EQ_ASSEMBLY
    const rows_task t = {a, b, step, {to, to + plane, to + 2 * plane, to + 3 * plane}, words, odd, pad_word};
    put_rows_of(first_a.left, first_b.left, first_a.right, first_b.right, t);
#else
    for (;;) {
        put_pixels(first_a.left, first_a.right, to, plane);
        put_pixels(first_b.left, first_b.right, to + 1, plane);
        to += 2;
        if (--words > 0) {
            first_a.left = eq_load4(a), first_a.right = eq_load4(a + step);
            first_b.left = eq_load4(b), first_b.right = eq_load4(b + step);
            a += 2 * step, b += 2 * step;
        } else if (odd) {
            first_a.left = eq_load4(a), first_b.left = eq_load4(b);
            first_a.right = first_b.right = pad_word;
            odd = 0;
        } else {
            break;
        }
    }
#endif
}

/* Where rows go, and what of them. */
typedef struct {
    int32_t pixels, before; /* of the image, not 0; of padding, at most two */
    int32_t words;          /* of a row of a plane */
    int32_t pad_word;
    int32_t plane; /* distance of planes in words */
} frame;

/* Writes two rows of the four planes, of which `to` is the first; four channels. */
static inline void gather_rows(const frame *f, const int8_t *a, const int8_t *b, int32_t step, int32_t *to)
{
    const int32_t pad = f->pad_word;
    neighbours first_a = {pad, eq_load4(a)}, first_b = {pad, eq_load4(b)};
    int32_t left = f->pixels - 1;
    a += step, b += step;
    if (!(f->before & 1)) {
        first_a.left = first_a.right, first_b.left = first_b.right;
        first_a.right = first_b.right = pad;
        if (left > 0) {
            first_a.right = eq_load4(a), first_b.right = eq_load4(b);
            a += step, b += step, left--;
        }
    }
    put_rows(first_a, first_b, a, b, step, 1 + (left >> 1), left & 1, pad, to + 2 * (f->before >> 1), f->plane);
}

/* Writes one row of padding. */
static EQ_NOINLINE void pad_row(const frame *f, int32_t *to)
{
    const int32_t pad = eq_sxtb16(f->pad_word);
    for (int32_t k = 0; k < 4; k++) {
        for (int32_t j = 0; j < f->words; j++) {
            to[k * f->plane + 2 * j] = pad;
        }
    }
}

/* Writes one row of fewer than four channels. */
static EQ_NOINLINE void gather_narrow(const frame *f, const int8_t *a, int32_t channels, int32_t *to)
{
    int32_t left = f->pad_word, odd = f->before & 1;
    to += 2 * (f->before >> 1);
    for (int32_t i = 0; i < f->pixels; i++, a += channels, odd ^= 1) {
        const int32_t pixel = load_channels(a, channels);
        if (odd) {
            put_pixels(left, pixel, to, f->plane);
            to += 2;
        }
        left = pixel;
    }
    if (odd) {
        put_pixels(left, f->pad_word, to, f->plane);
    }
}

EQ_SHARED void eq_planes_clear(const eq_depthwise_conv2d_3x3_dsp_params *p, int32_t *planes)
{
    const int32_t words = 4 * 2 * p->words * p->pairs, pad = eq_splat16(p->pad_value);
    for (int32_t i = 0; i < words; i++) {
        planes[i] = pad;
    }
}

/* The last pair of rows of each plane becomes the first. */
static void keep_last(int32_t *planes, int32_t plane, int32_t pitch)
{
    for (int32_t k = 0; k < 4; k++, planes += plane) {
        for (int32_t i = 0; i < pitch; i++) {
            planes[i] = planes[plane - pitch + i];
        }
    }
}

EQ_SHARED void eq_planes_gather(const eq_depthwise_conv2d_3x3_dsp_params *p, const int8_t *image, int32_t top,
                                int32_t channels, int32_t *planes)
{
    const int32_t pitch = 2 * p->words, plane = pitch * p->pairs, row_bytes = p->in_w * p->channels;
    const int32_t room = pitch - p->pad_left, pixels = p->in_w < room ? p->in_w : room;
    const frame f = {pixels, p->pad_left, p->words, eq_splat8(p->pad_value), plane};
    const int32_t known = top + p->pad_top > 0;
    if (known) {
        keep_last(planes, plane, pitch);
    }
    for (int32_t i = known; i < p->pairs; i++) {
        const int32_t y = top + 2 * i;
        const int first = y >= 0 && y < p->in_h, second = y + 1 >= 0 && y + 1 < p->in_h;
        int32_t *const to = planes + i * pitch;
        const int8_t *const row = image + (first ? y : y + 1) * row_bytes;
        if (channels == 4 && (first || second)) {
            gather_rows(&f, row, first && second ? row + row_bytes : row, p->channels, to);
        }
        for (int32_t k = 0; k < 2; k++) {
            if (!(k ? second : first)) {
                pad_row(&f, to + k);
            } else if (channels < 4) {
                gather_narrow(&f, image + (y + k) * row_bytes, channels, to + k);
            }
        }
    }
}
