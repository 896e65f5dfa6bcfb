/* Names the gesture of the last two seconds, every half second, of what an accelerometer gives. */
#include <stdint.h>
#include <stdio.h>

#include "gesture.h"

#include "recording.h"

enum { WINDOW = 100, AXES = 3, PACE = 25 };
_Static_assert(WINDOW *AXES == GESTURE_INPUT_SIZE, "the network is trained on other windows");

static const char *const names[GESTURE_OUTPUT_SIZE] = {"still", "shake", "circle", "knock"};
static _Alignas(GESTURE_ARENA_ALIGNMENT) uint8_t arena[GESTURE_ARENA_BYTES];
static int8_t ring[WINDOW][AXES]; /* already the network's integers: a quarter of the memory of floats */

/* From an interrupt of the sensor's, or here from a recording. */
static void sample(unsigned at, const int16_t counts[AXES])
{
    for (int axis = 0; axis < AXES; axis++) {
        ring[at % WINDOW][axis] = gesture_quantize_input((float)counts[axis] / 4096.0f);
    }
}

static int best(const int8_t *scores)
{
    int found = 0;
    for (int k = 1; k < GESTURE_OUTPUT_SIZE; k++) {
        found = scores[k] > scores[found] ? k : found;
    }
    return found;
}

int main(void)
{
    int shown = -1, before = -1;
    for (unsigned at = 0; at < RECORDED; at++) {
        sample(at, recording[at]);
        if (at + 1 < WINDOW || (at + 1) % PACE != 0) {
            continue;
        }
        int8_t *input = gesture_input_in_arena(arena), scores[GESTURE_OUTPUT_SIZE];
        for (unsigned k = 0; k < WINDOW; k++) { /* from the oldest to the newest */
            for (int axis = 0; axis < AXES; axis++) {
                *input++ = ring[(at + 1 + k) % WINDOW][axis];
            }
        }
        if (gesture_run(arena, NULL, scores) != GESTURE_OK) {
            return 1;
        }
        const int now = best(scores);
        if (now == before && now != shown) { /* twice in a row: windows that hold two gestures are not sure of either */
            printf("%5.1f s  %s\n", (double)(at + 1) / 50.0, names[now]);
            shown = now;
        }
        before = now;
    }
    return 0;
}
