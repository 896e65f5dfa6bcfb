/* Watches a machine on a Cortex-M0+: how far is each spectrum from what the autoencoder makes of it? */
#include <stdint.h>

#include "anomaly.h"
#include "board.h"

#include "recording.h"

static uint8_t arena[ANOMALY_ARENA_BYTES] __attribute__((aligned(ANOMALY_ARENA_ALIGNMENT)));

/* Mean square of the difference, in the spectrum's own unit; below 0 if the model cannot run. */
static float error_of(const float *spectrum)
{
    int8_t input[ANOMALY_INPUT_SIZE], output[ANOMALY_OUTPUT_SIZE];
    float sum = 0.0f;
    for (int k = 0; k < ANOMALY_INPUT_SIZE; k++) {
        input[k] = anomaly_quantize_input(spectrum[k]);
    }
    if (anomaly_run(arena, input, output) != ANOMALY_OK) {
        return -1.0f;
    }
    for (int k = 0; k < ANOMALY_OUTPUT_SIZE; k++) {
        const float difference = anomaly_dequantize_output(output[k]) - spectrum[k];
        sum += difference * difference;
    }
    return sum / (float)ANOMALY_OUTPUT_SIZE;
}

int main(void)
{
    char line[RECORDED + 2];
    int unusual = 0;
    for (int k = 0; k < RECORDED; k++) {
        const float error = error_of(recording[k]);
        if (error < 0.0f) {
            return 1;
        }
        line[k] = error > limit ? '!' : '.';
        unusual = error > limit ? unusual + 1 : 0;
        if (unusual == 3) { /* one spectrum may be chance */
            board_print("alarm\n");
        }
    }
    line[RECORDED] = '\n';
    line[RECORDED + 1] = '\0';
    board_print(line);
    return 0;
}
