/* What the boot ROM looks for in the first 4 KB of a program (RP2350 Datasheet, 5.9 Metadata Block Details): an
 * executable for an Arm core in the secure state, which begins at its vector table. */
#include <stdint.h>

extern const uint32_t eq_image_block[5];
__attribute__((section(".image_block"), used)) const uint32_t eq_image_block[5] = {
    0xFFFFDED3u, /* begin */
    0x10210142u, /* IMAGE_TYPE, one word: executable, secure, Arm, RP2350 */
    0x000001FFu, /* end of the items: one word of them */
    0x00000000u, /* the next block is this one */
    0xAB123579u, /* end */
};
