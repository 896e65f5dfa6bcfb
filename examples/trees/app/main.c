/* Tells wines apart on a Cortex-M0+: a row for each wine that the laboratory measured. */
#include <stdint.h>

#include "board.h"
#include "wine.h"

#include "samples.h"

static uint8_t arena[WINE_ARENA_BYTES] __attribute__((aligned(WINE_ARENA_ALIGNMENT)));
static const char *const names[] = WINE_OUTPUT_NAMES;

int main(void)
{
    char line[] = "00 of 60 wines are told\n";
    int told = 0;
    for (int k = 0; k < SAMPLES; k++) {
        int32_t wine = 0;
        if (wine_run(arena, samples[k].measured, &wine) != WINE_OK) {
            return 1;
        }
        told += wine == samples[k].wine;
        board_print(names[wine]);
        board_print(k % 10 == 9 ? "\n" : " ");
    }
    line[0] = (char)('0' + told / 10);
    line[1] = (char)('0' + told % 10);
    board_print(line);
    return 0;
}
