#include "eq/mat_mul_int16_tiles.h"

/* Two columns as words, side by side. */
EQ_TILES_INLINE void pack(const int16_t *const *columns, int32_t depth, int32_t stride, int16_t *tile)
{
    const int16_t *first = columns[0], *second = columns[1];
    int32_t *to = (int32_t *)(void *)tile;
    for (int32_t k = depth; k > 0; k--, first += stride, second += stride, to += 2) {
        to[0] = *first;
        to[1] = *second;
    }
}

/* Sets four words: 64 bits of the first column's sum; the sum of the lower halves of the second one's products, not
 * negative, and that of their upper halves. from: minus twice the row's values, more than none. */
#if defined(__thumb__)

/* Registers: r0 end of the row, r1 columns, r2 from, r3 a value, r4 and r5 products, r6-r9 sums. */
__attribute__((naked)) static void multiply_two(const int16_t *end __attribute__((unused)),
                                                const int32_t *columns __attribute__((unused)),
                                                int32_t from __attribute__((unused)),
                                                uint32_t *sums __attribute__((unused)))
{
    __asm__(".syntax unified\n\t"
            "push {r3-r7, lr}\n\t"
            "mov r4, r8\n\t"
            "mov r5, r9\n\t"
            "push {r4, r5}\n\t"
            "movs r6, #0\n\t"
            "movs r7, #0\n\t"
            "mov r8, r6\n\t"
            "mov r9, r6\n"
            "1:\n\t"
            "ldrsh r3, [r0, r2]\n\t"
            "ldmia r1!, {r4, r5}\n\t"
            "muls r4, r3, r4\n\t"
            "muls r5, r3, r5\n\t"
            "asrs r3, r4, #31\n\t"
            "adds r6, r6, r4\n\t"
            "adcs r7, r3\n\t"
            "asrs r3, r5, #16\n\t"
            "uxth r5, r5\n\t"
            "add r8, r5\n\t"
            "add r9, r3\n\t"
            "adds r2, r2, #2\n\t"
            "bne 1b\n\t"
            "mov r4, r8\n\t"
            "mov r5, r9\n\t"
            "ldr r3, [sp, #8]\n\t"
            "stmia r3!, {r6, r7}\n\t"
            "stmia r3!, {r4, r5}\n\t"
            "pop {r4, r5}\n\t"
            "mov r8, r4\n\t"
            "mov r9, r5\n\t"
            "pop {r3-r7, pc}");
}

#else

static void multiply_two(const int16_t *end, const int32_t *columns, int32_t from, uint32_t *sums)
{
    int64_t first = 0;
    uint32_t below = 0;
    int32_t above = 0;
    for (; from < 0; from += 2, columns += 2) {
        const int32_t x = end[from / 2], product = x * columns[1];
        first += (int64_t)x * columns[0];
        below += (uint32_t)product & 0xffffU;
        above += product >> 16;
    }
    sums[0] = (uint32_t)((uint64_t)first & 0xffffffffU), sums[1] = (uint32_t)((uint64_t)first >> 32);
    sums[2] = below, sums[3] = (uint32_t)above;
}

#endif

EQ_TILES_INLINE void multiply(const int16_t *a, const int16_t *tile, int32_t depth, int64_t *sums)
{
    uint32_t parts[4];
    multiply_two(a + depth, (const int32_t *)(const void *)tile, -2 * depth, parts);
    sums[0] = (int64_t)((uint64_t)parts[1] << 32 | parts[0]);
    sums[1] = (int64_t)(int32_t)parts[3] * 65536 + parts[2];
}

EQ_MAT_MUL_INT16(thumb, 2, pack, multiply)
