/* Says which word is in a second of sound: raw samples, 16 bits, 8 kHz, from standard input. */
#include <stdint.h>
#include <stdio.h>

#include "keyword.h"
#include "mel.h"

enum { SAMPLES = 8000, FRAMES = (SAMPLES - MEL_FRAME) / MEL_HOP + 1, CLASSES = KEYWORD_OUTPUT_SIZE };
_Static_assert(FRAMES *MEL_BANDS == KEYWORD_INPUT_SIZE, "the network is trained on other spectra");

static const char *const names[CLASSES] = {"nothing", "something", "hello", "yeah", "oui"};
static _Alignas(KEYWORD_ARENA_ALIGNMENT) uint8_t arena[KEYWORD_ARENA_BYTES];

int main(void)
{
    static int16_t sound[SAMPLES];
    if (fread(sound, sizeof sound[0], SAMPLES, stdin) != SAMPLES) {
        fprintf(stderr, "give a second of sound: 8000 samples of 16 bits\n");
        return 1;
    }

    /* Spectra go where the network reads them, already as its integers. */
    int8_t *input = keyword_input_in_arena(arena);
    for (int frame = 0; frame < FRAMES; frame++) {
        float bands[MEL_BANDS];
        mel_frame(&sound[frame * MEL_HOP], bands);
        for (int band = 0; band < MEL_BANDS; band++) {
            *input++ = keyword_quantize_input(bands[band]);
        }
    }
    int8_t scores[CLASSES];
    if (keyword_run(arena, NULL, scores) != KEYWORD_OK) {
        return 1;
    }

    int best = 0;
    for (int k = 1; k < CLASSES; k++) {
        best = scores[k] > scores[best] ? k : best;
    }
    printf("%s (%.0f %%)\n", names[best], 100.0 * (double)keyword_dequantize_output(scores[best]));
    return 0;
}
