/* Prints y = sin(x) as the network sees it, once around the circle, and the largest error. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "hello_sine.h"

/* From sine.cpp. */
float sine(float angle);

/* The model has no memory of its own: where its arena lies is up to the application. Aligned as the header asks. */
static _Alignas(HELLO_SINE_ARENA_ALIGNMENT) uint8_t arena[HELLO_SINE_ARENA_BYTES];

int main(void)
{
    const int steps = 32;
    float worst = 0.0f;
    for (int k = 0; k <= steps; ++k) {
        const float angle = 6.2831853f * (float)k / (float)steps;

        /* Integers in and out; the header's helpers turn real values into them and back. */
        const int8_t input = hello_sine_quantize_input(angle);
        int8_t output;
        if (hello_sine_run(arena, &input, &output) != HELLO_SINE_OK) {
            fprintf(stderr, "the arena is not aligned\n");
            return 1;
        }
        const float found = hello_sine_dequantize_output(output);

        /* Another caller, in C++, with an arena of its own. */
        if (sine(angle) != found) {
            fprintf(stderr, "C and C++ disagree\n");
            return 1;
        }

        worst = fmaxf(worst, fabsf(found - sinf(angle)));
        printf("%6.3f %+6.3f %*c\n", angle, found, 30 + (int)(25.0f * found), '*');
    }
    printf("largest error %.3f\n", worst);
    return 0;
}
