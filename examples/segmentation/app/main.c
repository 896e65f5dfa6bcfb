/* Shows which pixels of a picture are leaf: 32 x 32 pixels of three bytes, from standard input. */
#include <stdint.h>
#include <stdio.h>

#include "segmentation.h"

enum { SIDE = 32 };
_Static_assert(SIDE * SIDE * 3 == SEGMENTATION_INPUT_SIZE, "the network is trained on other pictures");

static _Alignas(SEGMENTATION_ARENA_ALIGNMENT) uint8_t arena[SEGMENTATION_ARENA_BYTES];

int main(void)
{
    uint8_t *image = segmentation_input_in_arena(arena); /* a camera's DMA would write there */
    if (fread(image, 1, SEGMENTATION_INPUT_SIZE, stdin) != SEGMENTATION_INPUT_SIZE) {
        fprintf(stderr, "give 32 x 32 pixels of three bytes\n");
        return 1;
    }
    if (segmentation_run(arena, NULL, NULL) != SEGMENTATION_OK) {
        return 1;
    }
    const int8_t *leaf = segmentation_output_in_arena(arena);
    int area = 0;
    for (int row = 0; row < SIDE; row++) {
        char line[SIDE + 1] = {0};
        for (int column = 0; column < SIDE; column++) {
            const int is = segmentation_dequantize_output(leaf[row * SIDE + column]) > 0.5f;
            line[column] = is ? '#' : '.';
            area += is;
        }
        puts(line);
    }
    printf("%d of %d pixels are leaf\n", area, SIDE * SIDE);
    return 0;
}
