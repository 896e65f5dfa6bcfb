/* Waits for a word in an endless stream of sound: raw samples, 16 bits, 8 kHz, from standard input. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "mel.h"
#include "wake_word.h"

enum { WINDOW = 40, KEPT = MEL_FRAME - MEL_HOP };
_Static_assert(WAKE_WORD_INPUT_SIZE == MEL_BANDS, "a step is one spectrum");

static _Alignas(WAKE_WORD_ARENA_ALIGNMENT) uint8_t arena[WAKE_WORD_ARENA_BYTES];
static _Alignas(WAKE_WORD_STATE_ALIGNMENT) uint8_t state[WAKE_WORD_STATE_BYTES];

int main(void)
{
    static int16_t frame[MEL_FRAME];
    float mean = 0.0f; /* over the last steps: one of them alone wakes nobody */
    int deaf = 0;      /* steps until the next word can be heard */

    wake_word_reset(state);
    if (fread(&frame[MEL_HOP], sizeof frame[0], KEPT, stdin) != KEPT) {
        return 1;
    }
    for (long step = 0;; step++) {
        memmove(frame, &frame[MEL_HOP], KEPT * sizeof frame[0]);
        if (fread(&frame[KEPT], sizeof frame[0], MEL_HOP, stdin) != MEL_HOP) {
            return 0; /* the end of the recording; a microphone has none */
        }
        float bands[MEL_BANDS];
        int8_t input[WAKE_WORD_INPUT_SIZE], output[WAKE_WORD_OUTPUT_SIZE];
        mel_frame(frame, bands);
        for (int band = 0; band < MEL_BANDS; band++) {
            input[band] = wake_word_quantize_input(bands[band]);
        }
        if (wake_word_run(arena, state, input, output) != WAKE_WORD_OK) {
            return 1;
        }
        if (step < WINDOW - 1) {
            continue; /* its window is not full yet */
        }
        mean += (wake_word_dequantize_output(output[1]) - mean) / 3.0f;
        deaf -= deaf > 0;
        if (mean > 0.7f && deaf == 0) {
            printf("hello at %.2f s\n", (double)(step * MEL_HOP + MEL_FRAME) / MEL_RATE);
            fflush(stdout);
            deaf = WINDOW;
        }
    }
}
